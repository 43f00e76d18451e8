"""Which way leads back to what ran before."""

from __future__ import annotations

import pytest

from airdock.plan.deployment_result import deployment_state
from airdock.plan.way_back import Way, choose_way_back

OLD, NEW, OTHER = (f"arn:task-definition/greeter:{revision}" for revision in (6, 7, 8))


@pytest.mark.parametrize(
    ("status", "over", "runs_now", "way"),
    [
        ("Created", False, OLD, Way.STOP),
        ("InProgress", False, NEW, Way.STOP),
        ("Ready", False, OLD, Way.STOP),
        ("Failed", False, NEW, Way.FOLLOW),
        ("Stopped", False, NEW, Way.FOLLOW),
        ("Failed", True, OLD, Way.CONFIRM),
        ("Stopped", True, OLD, Way.CONFIRM),
        ("Failed", True, NEW, Way.REDEPLOY),
        ("Succeeded", True, NEW, Way.REDEPLOY),
        ("Succeeded", True, OLD, Way.CONFIRM),
        ("Succeeded", True, OTHER, Way.LEAVE),
        ("Failed", True, OTHER, Way.LEAVE),
    ],
)
def test_the_way_back_follows_from_the_deployment_and_what_runs(
    status: str, over: bool, runs_now: str, way: Way
) -> None:
    deployment = {"id": "d-AAAAAAAAA", "status": status}
    chosen = choose_way_back(
        deployment, deployment_state(status), over=over, runs_now=runs_now, delivered=NEW, ran_before=OLD
    )
    assert chosen.way is way
    assert chosen.sentence
