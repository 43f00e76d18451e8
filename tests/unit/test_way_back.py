"""Which way leads back to what ran before."""

from __future__ import annotations

import pytest

from airdock.plan.way_back import Way, choose_way_back

OLD, NEW = "arn:task-definition/greeter:6", "arn:task-definition/greeter:7"


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
    ],
)
def test_the_way_back_follows_from_the_deployment_and_what_runs(
    status: str, over: bool, runs_now: str, way: Way
) -> None:
    chosen = choose_way_back({"id": "d-AAAAAAAAA", "status": status}, over=over, runs_now=runs_now, ran_before=OLD)
    assert chosen.way is way
    assert chosen.sentence
