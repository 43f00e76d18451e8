"""Operators against the local AWS: a target as a pipeline file describes it, and Airflow's connection to it."""

from __future__ import annotations

from typing import Any

import pytest

from airdock.aws.hooks import Account, _kept_in
from airdock.aws.leases import Leases
from airdock.plan.lease import Lease
from airdock.release import Commit, Image, Source, TaskDefinition
from airdock.spec import Environment
from tests.local_aws_process import REGION, LocalAws

COMMIT = "c" * 40


def connect(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point the connection aws_default to the local AWS, as the demonstration does."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATESTCALLER000000")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test-secret")
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", f'{{"conn_type": "aws", "extra": {{"region_name": "{REGION}"}}}}')
    _kept_in.cache_clear()


def a_target(**changes: Any) -> Environment:
    """The greeter's environment; `traffic` and other parts of the rollout by their own names."""
    rollout: dict[str, Any] = {"strategy": "codedeploy", "application": "greeter", "deployment_group": "greeter"}
    rollout["deadline_minutes"] = 6000
    for key in ("traffic", "success_at", "deadline_minutes"):
        if key in changes:
            rollout[key] = changes.pop(key)
    told = {"cluster": "demo", "service": "greeter", "container": "web", "rollout": rollout}
    return Environment.model_validate({**told, "task_definition": {"from": "live"}, **changes})


PATHS = {"buildspec": "buildspec.yml", "taskdef": "taskdef.json", "appspec": "appspec.yaml"}


def a_source(**files: str) -> dict[str, Any]:
    """The record of a source whose files have their usual paths."""
    commit = Commit("greeter", "greeter", "main", COMMIT)
    return Source(commit, {PATHS[name]: text for name, text in files.items()}).to_json()


def a_release(arn: str, before: str = "", image: str = "") -> dict[str, Any]:
    """The record of a registered task definition."""
    family, _, revision = arn.rpartition("/")[2].rpartition(":")
    return TaskDefinition(arn, family, int(revision), image, before).to_json()


def take_lease(run_id: str, dag_id: str = "deliver_greeter", environment: str = "production") -> Leases:
    """Let a run hold the lease on the greeter's environment, as its task `hold` would."""
    leases = Leases(Account(), "greeter", environment)
    newest = leases.newest()
    generation = newest.generation + 1 if newest else 1
    assert leases.take(Lease(generation, dag_id, run_id, "2026-11-23T12:00:00+00:00", "2999-01-01T00:00:00+00:00"))
    return leases


def an_image(uri: str) -> dict[str, Any]:
    """The record of the image that a full address names."""
    place, _, digest = uri.partition("@")
    registry, _, repository = place.partition("/")
    return Image(registry, repository, digest).to_json()
