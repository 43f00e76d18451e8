"""Which targets follow a release, and what changes of them."""

from __future__ import annotations

from typing import Any

import pytest

from airdock.plan.scheduled import follows, retargeted
from airdock.spec import SpecError, parse
from tests.builders import a_pipeline_text

FAMILY = "arn:aws:ecs:eu-west-1:123456789012:task-definition/greeter"
NEW = f"{FAMILY}:8"


def a_target(task_definition: str, **told: Any) -> dict[str, Any]:
    return {"Id": "nightly", "EcsParameters": {"TaskDefinitionArn": task_definition, "TaskCount": 2}, **told}


@pytest.mark.parametrize(
    ("target", "follows_it"),
    [
        (a_target(f"{FAMILY}:7"), True),
        (a_target(FAMILY), True),  # whatever was registered last, live or not
        (a_target(NEW), False),
        (a_target(f"{FAMILY}-report:7"), False),
        ({"Id": "queue", "Arn": "arn:aws:sqs:eu-west-1:123456789012:queue"}, False),
    ],
)
def test_targets_of_the_same_family_follow(target: dict[str, Any], follows_it: bool) -> None:
    assert follows(target, NEW) is follows_it


def test_nothing_of_a_target_changes_but_its_task_definition() -> None:
    target = a_target(f"{FAMILY}:7", Input="{}", RetryPolicy={"MaximumRetryAttempts": 0})
    assert retargeted(target, NEW) == {**target, "EcsParameters": {"TaskDefinitionArn": NEW, "TaskCount": 2}}
    assert target == a_target(f"{FAMILY}:7", Input="{}", RetryPolicy={"MaximumRetryAttempts": 0})


@pytest.mark.parametrize("written", ["{}", "{rule: a, schedule: b}"])
def test_pipeline_names_either_a_rule_or_a_schedule(written: str) -> None:
    text = a_pipeline_text("    service: greeter\n", f"    service: greeter\n    scheduled: [{written}]\n")
    with pytest.raises(SpecError) as refused:
        parse(text, "greeter.yaml")
    [problem] = refused.value.problems
    assert (problem.path, problem.message) == (
        "environments.production.scheduled.0",
        "must name either a rule or a schedule",
    )
