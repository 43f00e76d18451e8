"""Lifecycle hooks: a deployment that waits for a word, or asks a function, before it goes on."""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from typing import Any

import pytest

from tests.blue_green import until
from tests.local_aws_process import LocalAws
from tests.native_service import DAY, NativeService

AT_ONCE = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0}
TWO_STEPS = {"stepPercent": 50.0, "stepBakeTimeInMinutes": 0}


@pytest.fixture(scope="module")
def service(local_aws: LocalAws) -> NativeService:
    return NativeService(local_aws, **AT_ONCE)


@pytest.fixture
def settled(service: NativeService) -> NativeService:
    """The service with nothing under way, no hooks, and v1 in service."""
    ended = service.ended(service.update(service.task_definition("v1"), **AT_ONCE, lifecycleHooks=[]))
    assert (ended["status"], service.versions(5)) == ("SUCCESSFUL", Counter(v1=5))
    return service


def pause(*stages: str, **timeout: Any) -> dict[str, Any]:
    configured = {"timeoutConfiguration": timeout} if timeout else {}
    return {"targetType": "PAUSE", "lifecycleStages": list(stages), **configured}


def function(service: NativeService, name: str, source: str, *stages: str) -> dict[str, Any]:
    """A Lambda hook that runs `source`, which defines run(event, context)."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("hook.py", source)
    made = service.aws.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.11",
        Handler="hook.run",
        Role="arn:aws:iam::123456789012:role/hooks",
        Code={"ZipFile": held.getvalue()},
    )
    return {
        "targetType": "AWS_LAMBDA",
        "hookTargetArn": made["FunctionArn"],
        "roleArn": "arn:aws:iam::123456789012:role/ecs",
        "lifecycleStages": list(stages),
    }


def hook_events(service: NativeService, hook_id: str) -> list[str]:
    told = service.events("ECS Hook State Change")
    return [detail["eventName"] for detail in told if detail["hookId"] == hook_id]


def test_pause_waits_for_a_word_before_each_step_of_production_traffic(settled: NativeService) -> None:
    stage = "PRE_PRODUCTION_TRAFFIC_SHIFT"
    arn = settled.update(
        settled.task_definition("v2"),
        strategy="LINEAR",
        linearConfiguration=TWO_STEPS,
        lifecycleHooks=[pause(stage, timeoutInMinutes=DAY)],
    )
    first = settled.paused(arn, stage)
    (told,) = settled.deployment(arn)["lifecycleHookDetails"]
    assert first.startswith("ecs-pause-")
    assert (told["targetType"], told["status"], told["timeoutAction"]) == ("PAUSE", "AWAITING_ACTION", "ROLLBACK")
    assert (settled.shifts(arn), settled.answer("test")) == ([], (200, "v2"))
    assert settled.versions(10) == Counter(v1=10)
    settled.go_on(arn, first)
    settled.shifted(arn, 50)
    second = settled.paused(arn, stage)
    assert second != first
    assert settled.versions(10) == Counter(v1=5, v2=5)
    settled.go_on(arn, second)
    assert settled.ended(arn)["status"] == "SUCCESSFUL"
    assert settled.shifts(arn) == [50, 100]
    until(lambda: len(hook_events(settled, second)) == 2, "the events of the second pause", settled.aws)
    assert hook_events(settled, first) == ["HOOK_AWAITING_ACTION", "HOOK_SUCCEEDED"]
    recorded = [entry["params"] for entry in settled.aws.effects("ecs", "hook_state")]
    told = [(each["status"], each["action"]) for each in recorded if each["hookId"] == first]
    assert told == [("AWAITING_ACTION", ""), ("SUCCEEDED", "CONTINUE")]


def test_pause_that_is_answered_with_rollback_rolls_back(settled: NativeService) -> None:
    hooks = [pause("POST_TEST_TRAFFIC_SHIFT")]
    arn = settled.update(settled.task_definition("v2"), lifecycleHooks=hooks)
    hook_id = settled.paused(arn, "POST_TEST_TRAFFIC_SHIFT")
    settled.go_on(arn, hook_id, "ROLLBACK")
    ended = settled.ended(arn)
    assert (ended["status"], hook_id in ended["statusReason"]) == ("ROLLBACK_SUCCESSFUL", True)
    assert (settled.shifts(arn), settled.shifts(arn, "test")) == ([], [100, 0])
    assert settled.answer("test") == (200, "v1")


@pytest.mark.parametrize(("action", "status"), [("ROLLBACK", "ROLLBACK_SUCCESSFUL"), ("CONTINUE", "SUCCESSFUL")])
def test_pause_that_nobody_answers_does_what_it_was_told_to(settled: NativeService, action: str, status: str) -> None:
    hooks = [pause("POST_SCALE_UP", timeoutInMinutes=1, action=action)]
    arn = settled.update(settled.task_definition("v2"), lifecycleHooks=hooks)
    assert settled.ended(arn)["status"] == status
    (hook_id,) = {entry["params"]["hookId"] for entry in settled.aws.effects("ecs", "hook_state")[-2:]}
    assert hook_events(settled, hook_id) == ["HOOK_AWAITING_ACTION", "HOOK_TIMED_OUT"]


def test_word_for_a_hook_that_does_not_wait_is_refused(settled: NativeService) -> None:
    arn = settled.update(settled.task_definition("v2"), lifecycleHooks=[pause("PRE_SCALE_UP")])
    hook_id = settled.paused(arn, "PRE_SCALE_UP")
    with pytest.raises(settled.ecs.exceptions.InvalidParameterException):
        settled.go_on(arn, "ecs-pause-unknown")
    settled.go_on(arn, hook_id)
    assert settled.ended(arn)["status"] == "SUCCESSFUL"
    with pytest.raises(settled.ecs.exceptions.InvalidParameterException):
        settled.go_on(arn, hook_id)


def test_pause_keeps_its_id_through_kill_9(settled: NativeService) -> None:
    arn = settled.update(settled.task_definition("v2"), lifecycleHooks=[pause("POST_TEST_TRAFFIC_SHIFT")])
    hook_id = settled.paused(arn, "POST_TEST_TRAFFIC_SHIFT")
    settled.aws.kill9()
    settled.aws.restart()
    assert settled.paused(arn, "POST_TEST_TRAFFIC_SHIFT") == hook_id
    settled.go_on(arn, hook_id)
    assert settled.ended(arn)["status"] == "SUCCESSFUL"
    assert (settled.shifts(arn), settled.shifts(arn, "test")) == ([100], [100])


def test_rolling_deployment_pauses_before_its_tasks_start(settled: NativeService) -> None:
    arn = settled.update(settled.task_definition("v2"), strategy="ROLLING", lifecycleHooks=[pause("PRE_SCALE_UP")])
    hook_id = settled.paused(arn, "PRE_SCALE_UP")
    told = settled.deployment(arn)
    assert told["targetServiceRevision"]["requestedTaskCount"] == 0
    assert settled.versions(10) == Counter(v1=10)
    settled.go_on(arn, hook_id)
    assert settled.ended(arn)["status"] == "SUCCESSFUL"
    assert settled.versions(10) == Counter(v2=10)


def test_function_is_told_of_the_deployment_and_lets_it_go_on(settled: NativeService) -> None:
    source = """
import json
def run(event, context):
    if event["hookDetails"]:
        return {"hookStatus": "SUCCEEDED"}
    print(json.dumps(event))
    return {"hookStatus": "IN_PROGRESS", "callBackDelay": 1, "hookDetails": {"asked": 1}}
"""
    hook = function(settled, "asks-twice", source, "POST_TEST_TRAFFIC_SHIFT")
    arn = settled.update(settled.task_definition("v2"), lifecycleHooks=[hook])
    ended = settled.ended(arn)
    assert ended["status"] == "SUCCESSFUL"
    (told,) = ended["lifecycleHookDetails"]
    assert (told["targetArn"], told["status"]) == (hook["hookTargetArn"], "SUCCEEDED")
    event = json.loads(logged(settled, "asks-twice"))
    target = ended["targetServiceRevision"]["arn"]
    details = event["executionDetails"]
    assert (event["lifecycleStage"], event["resourceArn"]) == ("POST_TEST_TRAFFIC_SHIFT", arn)
    assert (details["targetServiceRevisionArn"], details["testTrafficWeights"][target]) == (target, 100)
    assert details["productionTrafficWeights"][target] == 0


def logged(service: NativeService, name: str) -> str:
    """The JSON line that a function has printed."""
    found = service.aws.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    return str(next(event["message"] for event in found if event["message"].startswith("{")))


def test_function_that_fails_rolls_back_and_is_asked_at_the_way_back(settled: NativeService) -> None:
    source = """
def run(event, context):
    target = event["executionDetails"]["targetServiceRevisionArn"]
    print(event["lifecycleStage"], event["executionDetails"]["productionTrafficWeights"][target])
    return {"hookStatus": "FAILED"}
"""
    hook = function(settled, "refuses", source, "PRODUCTION_TRAFFIC_SHIFT")
    arn = settled.update(settled.task_definition("v2"), lifecycleHooks=[hook])
    ended = settled.ended(arn)
    assert (ended["status"], settled.shifts(arn)) == ("ROLLBACK_SUCCESSFUL", [100, 0])
    assert settled.versions(10) == Counter(v1=10)
    found = settled.aws.client("logs").filter_log_events(logGroupName="/aws/lambda/refuses")["events"]
    printed = [event["message"].strip() for event in found]
    assert [line for line in printed if line.startswith("PROD")] == [
        "PRODUCTION_TRAFFIC_SHIFT 100.0",
        "PRODUCTION_TRAFFIC_SHIFT 0",
    ]


def test_function_that_answers_nonsense_has_failed(settled: NativeService) -> None:
    hook = function(settled, "babbles", "def run(event, context):\n    return 'yes'\n", "PRE_SCALE_UP")
    ended = settled.ended(settled.update(settled.task_definition("v2"), lifecycleHooks=[hook]))
    assert (ended["status"], ended["lifecycleHookDetails"][0]["status"]) == ("ROLLBACK_SUCCESSFUL", "FAILED")
