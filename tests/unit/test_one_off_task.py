"""A one-off task: what is ordered, where it is placed, and what its end means."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.session import Session
from botocore.validate import ParamValidator

from airdock.aws.watch.task import TaskWatch
from airdock.names import marker, parse_marker
from airdock.plan.adoption import State
from airdock.plan.one_off_task import MISSING, judge_task, run_request, task_state
from airdock.spec import OneOffTask, SpecError, parse
from tests.builders import a_pipeline_text

RUN = ("deliver_greeter", "manual__1")
MARK = marker("greeter", "production", ("deliver_greeter", "manual__1 greeter:7"), 2).task("migrate")
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": [], "assignPublicIp": "DISABLED"}}
RUN_TASK = Session().get_service_model("ecs").operation_model("RunTask").input_shape


def a_task(**told: Any) -> OneOffTask:
    return OneOffTask.model_validate({"name": "migrate", "command": ["bin/migrate"], **told})


def an_end(code: int | None = 0, reason: str = "", **told: Any) -> dict[str, Any]:
    container = {"name": "web", "exit_code": code, "reason": ""}
    return {
        "id": "t",
        "status": "STOPPED",
        "desired": "STOPPED",
        "reason": reason,
        "seconds": 12.4,
        "containers": [container],
        **told,
    }


def placed(service: dict[str, Any]) -> dict[str, Any]:
    request = run_request(a_task(), "web", "greeter:7", service, MARK)
    assert not ParamValidator().validate(request, RUN_TASK).has_errors()
    return {key: request.get(key) for key in ("launchType", "capacityProviderStrategy", "platformVersion")}


def test_order_carries_the_mark_of_its_delivery() -> None:
    request = run_request(a_task(cpu=512), "web", "greeter:7", {"networkConfiguration": NETWORK}, MARK)
    assert request["tags"] == [{"key": "airdock:delivery", "value": str(MARK)}]
    assert parse_marker(request["tags"][0]["value"]) == MARK
    assert request["startedBy"] == MARK.started_by
    assert len(request["startedBy"]) <= 36
    assert len(request["clientToken"]) == 64
    assert request["networkConfiguration"] == NETWORK
    assert request["overrides"] == {
        "cpu": "512",
        "containerOverrides": [{"name": "web", "command": ["bin/migrate"]}],
    }


def test_attempts_share_their_started_by_and_not_their_token() -> None:
    first, second = (marker("greeter", "production", RUN, clears).task("migrate") for clears in (0, 1))
    assert first.started_by == second.started_by != marker("greeter", "production", RUN, 0).task("b").started_by
    tokens = {run_request(a_task(), "web", "greeter:7", {}, mark)["clientToken"] for mark in (first, second)}
    assert len(tokens) == 2


def test_order_without_room_is_repeated_under_another_token() -> None:
    tokens = {run_request(a_task(), "web", "greeter:7", {}, MARK, again)["clientToken"] for again in (0, 1)}
    assert len(tokens) == 2


def test_capacity_providers_stand_in_for_the_launch_type() -> None:
    strategy = [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]
    told = placed({"capacityProviderStrategy": strategy, "launchType": "FARGATE", "platformVersion": "LATEST"})
    assert told == {"launchType": None, "capacityProviderStrategy": strategy, "platformVersion": "LATEST"}


def test_service_of_codedeploy_tells_its_placement_in_its_primary_task_set() -> None:
    primary = {"status": "PRIMARY", "launchType": "FARGATE", "platformVersion": "1.4.0"}
    told = placed({"launchType": "EC2", "taskSets": [{"status": "ACTIVE", "launchType": "EC2"}, primary]})
    assert (told["launchType"], told["platformVersion"]) == ("FARGATE", "1.4.0")


@pytest.mark.parametrize(
    ("facts", "state", "told"),
    [
        (an_end(0), State.SUCCEEDED, "migrate ended with exit code 0 after 12 s"),
        (an_end(3, "Essential container in task exited"), State.FAILED, "exit code 3: Essential container"),
        (an_end(None, "CannotPullContainerError: gone"), State.FAILED, "did not run to an end: CannotPull"),
        (an_end(0, containers=[{"name": "agent", "exit_code": 0, "reason": ""}]), State.FAILED, "did not run to an"),
    ],
)
def test_end_is_judged_by_the_container_that_ran_the_command(facts: Any, state: State, told: str) -> None:
    result = judge_task(facts, "web", "migrate")
    assert result.state is state
    assert told in result.sentence


def test_task_that_ecs_is_stopping_is_waited_for_to_tell_why() -> None:
    assert task_state(an_end(0, status="DEPROVISIONING"), "web") is State.RUNNING


def test_command_in_a_container_that_is_not_essential_ends_before_its_task() -> None:
    running = {"status": "RUNNING", "desired": "RUNNING"}
    assert task_state(an_end(None, **running), "web") is State.RUNNING
    assert task_state(an_end(0, **running), "web") is State.SUCCEEDED
    assert task_state(an_end(3, **running), "web") is State.FAILED


class Ecs:
    """Answers DescribeTasks with the tasks that it has."""

    def __init__(self, *arns: str) -> None:
        self.arns = arns
        self.asked: list[tuple[str, int]] = []

    def describe_tasks(self, cluster: str, tasks: list[str], include: list[str]) -> Any:
        self.asked.append((cluster, len(tasks)))
        told = {"lastStatus": "RUNNING", "taskDefinitionArn": "greeter:7"}
        return {"tasks": [{"taskArn": arn, **told} for arn in tasks if arn in self.arns], "failures": []}


def test_watch_asks_once_for_each_cluster_and_tells_of_what_is_missing() -> None:
    arns = [f"arn:aws:ecs:eu-west-1:123456789012:task/{task}" for task in ("blue/1", "blue/2", "green/3")]
    ecs = Ecs(*arns[1:])
    told = TaskWatch().read(lambda _: ecs, arns)
    assert [told[arn]["status"] for arn in arns] == [MISSING, "RUNNING", "RUNNING"]
    assert ecs.asked == [("blue", 2), ("green", 1)]
    assert not TaskWatch().finished(told[arns[0]], {})


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("before_traffic: [{name: Migrate, command: [x]}]", "before_traffic.0.name: must be a name of lower-case"),
        ("before_traffic: [{name: migrate, command: []}]", "before_traffic.0.command: must not be empty"),
        (
            "before_traffic: [{name: a, command: [x]}]\n    after_traffic: [{name: a, command: [x]}]",
            "after_traffic: has the name 'a' twice",
        ),
    ],
)
def test_pipeline_with_a_task_that_can_not_be_run_is_refused(lines: str, told: str) -> None:
    with pytest.raises(SpecError) as refused:
        parse(a_pipeline_text("    service: greeter\n", f"    service: greeter\n    {lines}\n"), "greeter.yaml")
    assert told in " ".join(f"{each.path}: {each.message}" for each in refused.value.problems)
