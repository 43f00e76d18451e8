"""Whether what runs is what was delivered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from airdock.aws.hooks import Account
from airdock.aws.operators.verify import carriers
from airdock.aws.production import RunningTask, Service, Standing, digest_in, running_tasks
from airdock.errors import Fault, Refused
from airdock.release import TaskDefinition

DELIVERED, OLD = "sha256:" + "2" * 64, "sha256:" + "1" * 64
REVISION = "arn:task-definition/greeter:2"
RELEASE = TaskDefinition(REVISION, "greeter", 2, f"x.example/greeter@{DELIVERED}", "arn:task-definition/greeter:1")
NOW = Standing("arn:task-definition/greeter:2", f"x.example/greeter@{DELIVERED}", DELIVERED)


def a_task(digest: str = DELIVERED, image: str = "", revision: str = REVISION) -> RunningTask:
    return RunningTask("arn:task/1", revision, image, digest)


def test_tasks_that_carry_the_digest_are_counted_and_old_ones_may_still_run_beside_them() -> None:
    assert carriers(NOW, [a_task(), a_task(OLD), a_task()], RELEASE, "demo/greeter") == 2


def test_the_pin_counts_where_ecs_resolved_an_index_to_its_platforms_image() -> None:
    assert carriers(NOW, [a_task("sha256:" + "7" * 64, NOW.image)], RELEASE, "demo/greeter") == 1


def test_tasks_that_all_run_something_else_are_refused_with_what_it_is() -> None:
    with pytest.raises(Refused, match=f"is greeter:2 with {DELIVERED}; they are greeter:2 with {OLD}"):
        carriers(NOW, [a_task(OLD)], RELEASE, "demo/greeter")


def test_production_on_another_version_is_refused() -> None:
    old = Standing("arn:task-definition/greeter:3", f"x.example/greeter@{OLD}", OLD)
    with pytest.raises(Refused, match=r"greeter:3 with sha256:1"):
        carriers(old, [a_task()], RELEASE, "demo/greeter")


def test_production_that_is_still_told_to_run_what_it_ran_before_is_looked_at_again() -> None:
    old = Standing("arn:task-definition/greeter:1", f"x.example/greeter@{OLD}", OLD)
    with pytest.raises(Fault, match="still greeter:1"):
        carriers(old, [a_task()], RELEASE, "demo/greeter")


def test_another_revision_with_the_same_image_is_not_what_was_delivered() -> None:
    older = replace(NOW, task_definition="arn:task-definition/greeter:3")
    with pytest.raises(Refused, match=rf"is greeter:3 with {DELIVERED}, not greeter:2 with {DELIVERED}"):
        carriers(older, [a_task()], RELEASE, "demo/greeter")
    with pytest.raises(Fault, match="still greeter:1"):
        carriers(replace(NOW, task_definition=RELEASE.previous_arn), [a_task()], RELEASE, "demo/greeter")


def test_tasks_of_another_revision_with_the_same_image_do_not_count() -> None:
    other = a_task(revision="arn:task-definition/greeter:1")
    assert carriers(NOW, [a_task(), other], RELEASE, "demo/greeter") == 1
    with pytest.raises(Refused, match=f"they are greeter:1 with {DELIVERED}"):
        carriers(NOW, [other], RELEASE, "demo/greeter")


def test_a_moment_without_a_task_is_a_fault() -> None:
    with pytest.raises(Fault):
        carriers(NOW, [], RELEASE, "demo/greeter")


def test_a_service_that_is_scaled_to_nothing_needs_no_task() -> None:
    assert carriers(replace(NOW, desired=0), [], RELEASE, "demo/greeter") == 0


def test_all_pages_of_running_tasks_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    ecs = boto3.client("ecs", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
    asked = {"cluster": "demo", "serviceName": "greeter", "desiredStatus": "RUNNING"}
    pages = [[f"old-{number}" for number in range(100)], ["new"]]
    monkeypatch.setattr("airdock.aws.hooks._client", lambda *_: ecs)
    with Stubber(ecs) as stub:
        stub.add_response("list_tasks", {"taskArns": pages[0], "nextToken": "more"}, asked)
        stub.add_response("list_tasks", {"taskArns": pages[1]}, {**asked, "nextToken": "more"})
        for arns in pages:
            stub.add_response(
                "describe_tasks", {"tasks": [a_told_task(arn) for arn in arns]}, {"cluster": "demo", "tasks": arns}
            )
        tasks = running_tasks(Service(Account(), "demo", "greeter", "web"))
        stub.assert_no_pending_responses()
    release = replace(RELEASE, arn="greeter:2")
    assert [task.arn for task in tasks if task.carries(release)] == ["new"]
    assert len(tasks) == 101


def a_told_task(arn: str) -> dict[str, Any]:
    container = {"name": "web", "imageDigest": DELIVERED if arn == "new" else OLD}
    return {"taskArn": arn, "taskDefinitionArn": "greeter:2", "lastStatus": "RUNNING", "containers": [container]}


@pytest.mark.parametrize(
    ("image", "digest"), [(f"x/y@{OLD}", OLD), (f"x:5000/y:v1@{OLD}", OLD), ("x:5000/y:v1", ""), ("y", "")]
)
def test_the_digest_of_a_reference_is_what_it_is_pinned_to(image: str, digest: str) -> None:
    assert digest_in(image) == digest
