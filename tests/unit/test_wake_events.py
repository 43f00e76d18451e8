"""Which waits an event names, and what is made of messages that are none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airdock.aws.hooks import Account
from airdock.aws.watch import Subject
from airdock.aws.watch.wake import is_named, named_in
from airdock.aws.watch.wake_queue import named_in_all

ARN = "arn:aws:{}:eu-west-1:123456789012:{}"
BUILD = "greeter:4f2d7b7e-0000-4000-8000-000000000001"
SERVICE = ARN.format("ecs", "service/demo/greeter")
ROLLOUT = ARN.format("ecs", "service-deployment/demo/greeter/abc")
TASK = ARN.format("ecs", "task/demo/0123456789abcdef")
DIGEST = "sha256:" + "a" * 64

CASES = [
    pytest.param("build", BUILD, {}, {"build-id": ARN.format("codebuild", f"build/{BUILD}")}, [], id="build"),
    pytest.param("deployment", "d-1", {}, {"deploymentId": "d-1", "state": "SUCCESS"}, [], id="deployment"),
    pytest.param("deployment", "d-1", {"rollback_id": "d-2"}, {"deploymentId": "d-2"}, [], id="its rollback"),
    pytest.param("task", TASK, {}, {"taskArn": TASK}, [], id="task"),
    pytest.param("service_deployment", ROLLOUT, {}, {"serviceDeploymentArn": ROLLOUT}, [], id="hook of a rollout"),
    pytest.param("service_deployment", ROLLOUT, {"service": SERVICE}, {}, [SERVICE], id="service of a rollout"),
    pytest.param(
        "scan", f"greeter@{DIGEST}", {}, {"repository-name": "greeter", "image-digest": DIGEST}, [], id="scan of ECR"
    ),
    pytest.param(
        "scan",
        f"123456789012:team/greeter@{DIGEST}",
        {},
        {"repository-name": ARN.format("ecr", "repository/team/greeter"), "image-digest": DIGEST},
        [],
        id="scan of Inspector",
    ),
]


@pytest.mark.parametrize(("kind", "job", "facts", "detail", "resources"), CASES)
def test_an_event_names_the_wait_for_its_job_and_no_other(
    kind: str, job: str, facts: dict[str, Any], detail: dict[str, Any], resources: list[str]
) -> None:
    event = {"detail-type": "Something", "detail": detail, "resources": resources}
    assert is_named(named_in(event), Subject(kind, job, Account()), facts)
    assert not is_named(named_in(event), Subject(kind, "another", Account()), {"rollback_id": "", "service": None})


def test_what_is_no_event_names_nobody_and_spoils_nothing() -> None:
    good = json.dumps({"detail": {"deploymentId": "d-1"}})
    assert named_in_all(["", "[]", "{", '{"detail": 5}', '{"detail": {"deploymentId": 7}}', good]) == {"d-1"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["detail", "resources", "taskArn", "x"]), inner),
)


@given(json_values)
def test_no_message_of_whatever_shape_stops_the_listening(value: Any) -> None:
    assert all(isinstance(name, str) and name for name in named_in_all([json.dumps(value)]))
