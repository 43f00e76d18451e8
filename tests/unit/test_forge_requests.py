"""What each forge is asked: known answers after the examples in its own documents."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airdock.plan import forge_deployment, forge_status
from airdock.plan.forge_status import Forge, Progress, Request, status
from airdock.release import Outcome

SHA = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
LINK = "https://airflow.example.com/dags/deliver_greeter/runs/manual__1"
MARK = "airdock greeter/production/0123456789ab attempt 0"
BEGUN = Progress("acme/greeter", SHA, "production", None, "greeter 6dcb09b is on its way.", LINK, "main", marker=MARK)
LIVE = replace(BEGUN, outcome=Outcome.LIVE, sentence="greeter 6dcb09b is live.")


def test_github_gets_a_commit_status_for_the_environment() -> None:
    assert status(Forge.GITHUB, LIVE) == Request(
        "POST",
        f"/repos/acme/greeter/statuses/{SHA}",
        {
            "state": "success",
            "description": "greeter 6dcb09b is live.",
            "context": "airdock/production",
            "target_url": LINK,
        },
    )


def test_gitlab_gets_a_pipeline_status_under_the_whole_path_of_the_project() -> None:
    assert status(Forge.GITLAB, replace(BEGUN, repository="acme/web/greeter")) == Request(
        "POST",
        f"/projects/acme%2Fweb%2Fgreeter/statuses/{SHA}",
        {
            "state": "pending",
            "description": "greeter 6dcb09b is on its way.",
            "name": "airdock/production",
            "target_url": LINK,
        },
    )


def test_bitbucket_cloud_gets_a_build_status() -> None:
    assert status(Forge.BITBUCKET, LIVE) == Request(
        "POST",
        f"/repositories/acme/greeter/commit/{SHA}/statuses/build",
        {
            "state": "SUCCESSFUL",
            "description": "greeter 6dcb09b is live.",
            "key": "airdock/production",
            "name": "airdock/production",
            "url": LINK,
        },
    )


def test_bitbucket_data_center_gets_a_build_of_the_repository() -> None:
    asked = status(Forge.BITBUCKET_DATA_CENTER, replace(BEGUN, repository="~ada/greeter"))
    assert (asked.method, asked.path) == ("POST", f"/projects/~ada/repos/greeter/commits/{SHA}/builds")
    assert asked.body is not None
    assert (asked.body["state"], asked.body["key"]) == ("INPROGRESS", "airdock/production")


@pytest.mark.parametrize(
    ("forge", "states"),
    [
        (Forge.GITHUB, ["pending", "success", "failure", "failure", "error", "error", "error"]),
        (Forge.GITLAB, ["pending", "success", "failed", "failed", "canceled", "failed", "canceled"]),
        (Forge.BITBUCKET, ["INPROGRESS", "SUCCESSFUL", "FAILED", "FAILED", "STOPPED", "FAILED", "STOPPED"]),
        (
            Forge.BITBUCKET_DATA_CENTER,
            ["INPROGRESS", "SUCCESSFUL", "FAILED", "FAILED", "CANCELLED", "FAILED", "CANCELLED"],
        ),
    ],
)
def test_every_outcome_has_a_word_of_the_forge(forge: Forge, states: list[str]) -> None:
    told = [(status(forge, replace(BEGUN, outcome=outcome)).body or {})["state"] for outcome in (None, *Outcome)]
    assert told == states


@pytest.mark.parametrize(("forge", "longest"), [(Forge.GITHUB, 140), (Forge.GITLAB, 255), (Forge.BITBUCKET, 255)])
def test_a_long_sentence_is_cut_to_what_the_forge_takes_and_stays_on_one_line(forge: Forge, longest: int) -> None:
    told = forge_status.described(forge, "refused:\r\n\x1b[31m" + "é" * 400)
    assert len(told) == longest
    assert told.startswith("refused: [31mé")
    assert told.endswith("é…")


def test_a_long_name_keeps_its_key_apart_from_its_neighbours() -> None:
    labels = [f"a-very-long-application-name-{n}/production-of-europe" for n in (1, 2)]
    keys = [(status(Forge.BITBUCKET, replace(BEGUN, label=label)).body or {})["key"] for label in labels]
    assert [len(key) for key in keys] == [40, 40]
    assert keys[0] != keys[1]


def test_github_deployment_is_created_without_merging_or_waiting_and_carries_the_mark() -> None:
    asked = forge_deployment.creation(Forge.GITHUB, BEGUN)
    assert (asked.method, asked.path) == ("POST", "/repos/acme/greeter/deployments")
    assert asked.body == {
        "ref": SHA,
        "environment": "production",
        "description": "greeter 6dcb09b is on its way.",
        "payload": {"airdock": MARK},
        "auto_merge": False,
        "required_contexts": [],
    }


def test_github_deployment_is_told_how_it_stands() -> None:
    states = [
        (forge_deployment.change(Forge.GITHUB, 42, replace(LIVE, outcome=outcome)).body or {})["state"]
        for outcome in (None, *Outcome)
    ]
    assert states == ["in_progress", "success", "failure", "failure", "inactive", "error", "error"]
    asked = forge_deployment.change(Forge.GITHUB, 42, LIVE)
    assert (asked.method, asked.path) == ("POST", "/repos/acme/greeter/deployments/42/statuses")
    assert (asked.body or {})["log_url"] == LINK


def test_gitlab_deployment_is_created_with_its_status_and_changed_in_place() -> None:
    asked = forge_deployment.creation(Forge.GITLAB, replace(BEGUN, ref="v1.2", is_tag=True))
    assert asked.path == "/projects/acme%2Fgreeter/deployments"
    assert asked.body == {"environment": "production", "sha": SHA, "ref": "v1.2", "tag": True, "status": "running"}
    states = [
        (forge_deployment.change(Forge.GITLAB, 42, replace(LIVE, outcome=outcome)).body or {})["status"]
        for outcome in (None, *Outcome)
    ]
    assert states == ["running", "success", "failed", "failed", "canceled", "failed", "canceled"]
    changed = forge_deployment.change(Forge.GITLAB, 42, LIVE)
    assert (changed.method, changed.path) == ("PUT", "/projects/acme%2Fgreeter/deployments/42")


def test_a_deployment_is_looked_up_by_commit_and_environment() -> None:
    label = replace(BEGUN, label="greeter/production")
    assert forge_deployment.lookup(Forge.GITHUB, label) == Request(
        "GET", f"/repos/acme/greeter/deployments?sha={SHA}&environment=greeter%2Fproduction&per_page=100"
    )
    asked = forge_deployment.lookup(Forge.GITLAB, BEGUN)
    assert asked.path.startswith("/projects/acme%2Fgreeter/deployments?environment=production&status=running")


def deployment(**told: Any) -> dict[str, Any]:
    return {"id": 42, "sha": SHA, "payload": {"airdock": MARK}, "environment": "production", **told}


@pytest.mark.parametrize(
    ("payload", "id"),
    [
        ({"airdock": MARK}, 42),
        ('{"airdock": "' + MARK + '"}', 42),
        ({"airdock": "airdock greeter/production/0123456789ab attempt 1"}, None),
        ({}, None),
        ("", None),
        (None, None),
        ('["airdock"]', None),
    ],
)
def test_github_deployment_is_known_by_the_mark_in_its_payload(payload: Any, id: int | None) -> None:
    others = deployment(id=41, payload={"airdock": "another"})
    assert forge_deployment.found(Forge.GITHUB, [others, deployment(payload=payload)], BEGUN) == id


@pytest.mark.parametrize(
    ("told", "id"), [({"status": "running"}, 42), ({"status": "success"}, None), ({"sha": "0" * 40}, None)]
)
def test_gitlab_deployment_is_the_one_of_the_commit_that_is_running(told: dict[str, Any], id: int | None) -> None:
    assert forge_deployment.found(Forge.GITLAB, [deployment(**{"status": "running", **told})], BEGUN) == id


@pytest.mark.parametrize("answer", [None, {}, "", [None, 1, "text"], {"message": "404 Not Found"}])
def test_an_answer_of_another_shape_holds_no_deployment(answer: Any) -> None:
    for forge in forge_deployment.OFFERED:
        assert forge_deployment.found(forge, answer, BEGUN) is None
    assert forge_deployment.number(answer) is None
