"""Live environment variables and secrets that a file does not name are kept where the pipeline asks for it."""

from __future__ import annotations

from typing import Any

from airdock.plan.task_definition import Draft
from airdock.plan.task_variables import with_variables
from tests.builders import a_task_definition


def a_variable(name: str, value: str = "") -> dict[str, str]:
    return {"name": name, "value": value}


def a_secret(name: str, place: str = "/greeter/secret") -> dict[str, str]:
    return {"name": name, "valueFrom": place}


def merged(told: dict[str, Any], live: dict[str, Any], *others: str) -> Any:
    """The container `web` of a draft with `told` in it, merged with a live one that has `live`."""
    file, running = a_task_definition("web"), a_task_definition("web", *others)
    file["containerDefinitions"][0] |= told
    for container in running["containerDefinitions"]:
        container |= live
    return with_variables(Draft(file, "web", "taskdef.json"), running)


def test_live_ones_that_the_file_does_not_name_are_kept_after_its_own() -> None:
    draft = merged(
        {"environment": [a_variable("A", "new"), a_variable("EMPTY")]},
        {"environment": [a_variable("A", "old"), a_variable("B", "live")], "secrets": [a_secret("C")]},
        "sidecar",
    )
    [web] = draft.request["containerDefinitions"]
    assert web["environment"] == [a_variable("A", "new"), a_variable("EMPTY"), a_variable("B", "live")]
    assert web["secrets"] == [a_secret("C")]
    assert draft.sentence == "taskdef.json, and 2 live variables that it does not name"


def test_variable_that_becomes_a_secret_is_not_there_twice() -> None:
    draft = merged({"secrets": [a_secret("TOKEN")]}, {"environment": [a_variable("TOKEN", "plain")]})
    [web] = draft.request["containerDefinitions"]
    assert "environment" not in web
    assert web["secrets"] == [a_secret("TOKEN")]


def test_container_that_is_not_live_yet_stays_as_the_file_has_it() -> None:
    live = a_task_definition("other")
    draft = Draft(a_task_definition("web"), "web", "taskdef.json")
    assert with_variables(draft, live).request == draft.request
