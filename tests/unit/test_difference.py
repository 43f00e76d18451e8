"""What a release changes: told leaf by leaf, whatever the order, the defaults and the units; secrets never shown."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airdock.plan.difference import difference, in_words, service_difference
from airdock.plan.service_configuration import service_configuration
from airdock.spec import EcsRollout

NAMES = st.text("ABCDEFGHIJ_", min_size=1, max_size=6)
VALUES = st.text(min_size=1, max_size=12)


def digest(letter: str) -> str:
    return f"r.example/greeter@sha256:{letter * 64}"


def a_definition(**container: Any) -> dict[str, Any]:
    web = {
        "name": "web",
        "image": digest("a"),
        "portMappings": [{"containerPort": 8080}],
        "environment": [{"name": "MODE", "value": "green"}],
        **container,
    }
    return {
        "family": "greeter",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "256",
        "memory": "512",
        "containerDefinitions": [web],
    }


def lines(live: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    return [str(change) for change in difference(live, wanted)]


def pairs(key: str) -> Any:
    """A list of variables or secrets, each name once."""
    return st.dictionaries(NAMES, VALUES, max_size=4).map(
        lambda told: [{"name": name, key: value} for name, value in told.items()]
    )


CONTAINERS = st.fixed_dictionaries(
    {
        "image": VALUES,
        "environment": pairs("value"),
        "secrets": pairs("valueFrom"),
        "cpu": st.integers(1, 1024),
        "command": st.lists(VALUES, min_size=1, max_size=3),
        "portMappings": st.lists(st.integers(1, 65535), max_size=3, unique=True).map(
            lambda ports: [{"containerPort": port, "name": f"p{port}"} for port in ports]
        ),
        "mountPoints": st.lists(NAMES, max_size=3, unique=True).map(
            lambda paths: [{"containerPath": path, "sourceVolume": "data"} for path in paths]
        ),
        "healthCheck": st.fixed_dictionaries({"command": st.just(["CMD", "x"]), "interval": st.integers(31, 300)}),
        "dockerLabels": st.dictionaries(NAMES, VALUES, max_size=3),
    }
)
DEFINITIONS = st.builds(
    lambda containers, tags, cpu: {
        "family": "greeter",
        "networkMode": "awsvpc",
        "cpu": str(cpu),
        "memory": "2048",
        "containerDefinitions": [{"name": name, **told} for name, told in containers.items()],
        "tags": [{"key": key, "value": value} for key, value in tags.items()],
    },
    st.dictionaries(st.sampled_from(["web", "proxy", "tags", "volumes", "cpu"]), CONTAINERS, min_size=1, max_size=2),
    st.dictionaries(NAMES, VALUES, max_size=3),
    st.sampled_from([256, 512, 1024]),
)


def as_ecs_answers(value: Any, chance: random.Random, field: str = "") -> Any:
    """The same in another order where none counts, with the defaults and the units that ECS may answer with."""
    if isinstance(value, dict):
        told = {key: as_ecs_answers(inner, chance, key) for key, inner in value.items()}
        entries = list(told.items())
        chance.shuffle(entries)
        return dict(entries)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        shuffled = [as_ecs_answers(each, chance, field) for each in value]
        chance.shuffle(shuffled)
        return [with_defaults(field, each) for each in shuffled]
    return value


def with_defaults(field: str, entry: dict[str, Any]) -> dict[str, Any]:
    match field:
        case "containerDefinitions":
            return {"essential": True, "volumesFrom": [], "ulimits": [], "linuxParameters": {}, **entry}
        case "portMappings":
            return {"hostPort": entry["containerPort"], "protocol": "tcp", **entry}
        case "mountPoints":
            return {"readOnly": False, **entry}
    return entry


def leaf_places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaf_places(inner, (*place, key))
    else:
        yield place


@given(DEFINITIONS, st.randoms())
def test_the_same_in_another_order_with_defaults_and_units_is_no_difference(
    definition: dict[str, Any], chance: random.Random
) -> None:
    answered = as_ecs_answers(definition, chance)
    answered |= {"cpu": f"{int(definition['cpu']) / 1024:g} vCPU", "memory": "2 GB", "revision": 7, "status": "ACTIVE"}
    assert difference(definition, answered) == []
    assert difference(answered, definition) == []


@given(DEFINITIONS, st.data())
def test_every_single_changed_leaf_is_reported(definition: dict[str, Any], data: st.DataObject) -> None:
    changed = copy.deepcopy(definition)
    *way, last = data.draw(st.sampled_from(list(leaf_places(definition))))
    holder: Any = changed
    for step in way:
        holder = holder[step]
    holder[last] = holder[last] + 1 if isinstance(holder[last], int) else f"{holder[last]}!"
    assert difference(definition, changed)


@given(DEFINITIONS, DEFINITIONS)
def test_the_way_back_tells_the_same_leaves(one: dict[str, Any], other: dict[str, Any]) -> None:
    there, back = difference(one, other), difference(other, one)
    assert [(each.path, each.before, each.after) for each in there] == [
        (each.path, each.after, each.before) for each in back
    ]


def test_images_that_differ_by_digest_are_told_short() -> None:
    assert lines(a_definition(), a_definition(image=digest("b"))) == [
        f"~ web.image  ...@sha256:{'a' * 12} -> ...@sha256:{'b' * 12}"
    ]


def test_variables_are_told_by_name_with_their_values() -> None:
    wanted = a_definition(environment=[{"name": "COLOUR", "value": "blue"}])
    assert lines(a_definition(), wanted) == ["+ web.environment.COLOUR = blue", "- web.environment.MODE = green"]


def test_secrets_are_told_by_name_and_arn() -> None:
    secret = {"name": "DB_PASSWORD", "valueFrom": "arn:aws:secretsmanager:eu-west-1:1:secret:db"}
    assert lines(a_definition(), a_definition(secrets=[secret])) == [
        "+ web.secrets.DB_PASSWORD = arn:aws:secretsmanager:eu-west-1:1:secret:db"
    ]


@pytest.mark.parametrize("name", ["DB_PASSWORD", "ApiToken", "CLIENT_SECRET", "SIGNING_KEY", "GITHUB_PAT_TOKEN"])
def test_a_variable_named_like_a_secret_is_never_shown(name: str) -> None:
    before, after = ([{"name": name, "value": value}] for value in ("hunter2", "hunter3"))
    [line] = lines(a_definition(environment=before), a_definition(environment=after))
    assert line == f"~ web.environment.{name}  (hidden) -> (hidden) (another one)"


@pytest.mark.parametrize(
    "value",
    ["postgres://app:hunter2@db/x", "-----BEGIN PRIVATE KEY-----", "AKIA" + "A" * 16, "password=hunter2"],
)
def test_a_value_that_looks_like_a_secret_is_never_shown(value: str) -> None:
    told = [
        *lines(a_definition(), a_definition(environment=[{"name": "URL", "value": value}])),
        *lines(a_definition(), a_definition(command=["serve", value])),
    ]
    assert any("(hidden)" in line for line in told)
    assert value not in "".join(told)


def test_a_value_cannot_forge_a_line_of_its_own() -> None:
    [line] = lines(
        a_definition(),
        a_definition(
            environment=[
                *a_definition()["containerDefinitions"][0]["environment"],
                {"name": "X", "value": "a\n- web.image\x1b[2J"},
            ]
        ),
    )
    assert line == r"+ web.environment.X = a\n- web.image\x1b[2J"


def test_airdocks_own_tags_are_no_difference() -> None:
    stamped = {**a_definition(), "tags": [{"key": "airdock:commit", "value": "c" * 40}]}
    assert difference(stamped, a_definition()) == []


def test_another_order_of_a_command_is_a_difference() -> None:
    assert difference(a_definition(command=["a", "b"]), a_definition(command=["b", "a"]))


def test_a_difference_of_the_image_alone_says_so() -> None:
    assert in_words(difference(a_definition(), a_definition(image=digest("b"))))[0] == "nothing changes but the image:"
    assert in_words([]) == ["nothing changes: the same task definition is deployed again"]


def test_what_a_deployment_changes_of_the_service_is_told() -> None:
    rollout = EcsRollout.model_validate({"strategy": "ecs", "bake_minutes": 7})
    live = {"desiredCount": 3, "deploymentConfiguration": {"strategy": "ROLLING", "maximumPercent": 200}}
    request = {"deploymentConfiguration": service_configuration(rollout).request}
    assert [str(each) for each in service_difference(live, request)] == [
        "+ service.deploymentConfiguration.bakeTimeInMinutes = 7",
        "~ service.deploymentConfiguration.strategy  ROLLING -> BLUE_GREEN",
    ]
    assert service_difference({**live, **request}, request) == []


def test_a_service_whose_configuration_names_no_strategy_is_rolling() -> None:
    request = {"deploymentConfiguration": {"strategy": "ROLLING", "maximumPercent": 200}}
    live: dict[str, Any] = {"deploymentConfiguration": {"maximumPercent": 200}}
    assert service_difference(live, request) == []
