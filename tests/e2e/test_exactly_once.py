"""Whatever dies or is cleared: what a delivery has started in AWS is found again, and not started twice."""

from __future__ import annotations

from typing import Any

from demo.releases import SECOND, Change
from tests.e2e.line import Line
from tests.e2e.pipelines import PATIENT

BUILD, REGISTER, DEPLOY = "build", "production.register", "production.deploy"
CANARY = {"blue": 90, "green": 10}
CLEARED = Change("2.1.0", "Deploy this although somebody clears it")
LEFT_ALONE = Change("2.2.0", "Deploy this although nobody watches")
THROTTLED = Change("2.3.0", "Deploy this although a thousand others do")


def test_task_killed_right_after_starting_starts_nothing_twice(line: Line) -> None:
    before = line.last_effect()
    commit = line.push(SECOND)
    line.hold_replies(("codebuild", "StartBuild"), ("codedeploy", "CreateDeployment"))
    run_id = line.trigger()
    for operation, task_id in (("StartBuild", BUILD), ("CreateDeployment", DEPLOY)):
        line.wait_until_held(operation)
        line.kill_task(run_id, task_id)
        line.release(operation)

    line.expect(run_id, "success", "live")
    assert line.attempts(run_id, BUILD) == line.attempts(run_id, DEPLOY) == 2
    assert len(line.effects("codebuild", "StartBuild", before)) == 1
    assert len(line.effects("codedeploy", "CreateDeployment", before)) == 1
    assert line.digest_in_production() == line.digest_of(commit)


def test_deployment_that_is_cleared_while_it_waits_is_adopted(line: Line) -> None:
    before, commit, run_id = _waiting_deployment(line, CLEARED)
    line.clear(run_id, DEPLOY)

    line.expect(run_id, "success", "live")
    assert line.attempts(run_id, DEPLOY) == 2
    _assert_one_deployment(line, before, commit)


def test_deployment_whose_triggerer_is_killed_is_followed_to_its_end(line: Line) -> None:
    before, commit, run_id = _waiting_deployment(line, LEFT_ALONE)
    killed = line.triggerer_of(run_id, DEPLOY)
    line.stack.kill("triggerer")
    line.stack.start("triggerer")
    told = "no other triggerer took the wait over"
    line.until(lambda: line.triggerer_of(run_id, DEPLOY) not in (None, killed), 120, lambda: told)

    line.expect(run_id, "success", "live")
    assert line.attempts(run_id, DEPLOY) == 1
    _assert_one_deployment(line, before, commit)


def test_registration_that_aws_throttles_waits_for_its_turn_and_spends_no_try(line: Line) -> None:
    before = line.last_effect()
    commit = line.push(THROTTLED)
    line.throttle("ecs", "RegisterTaskDefinition", times=2)
    run_id = line.trigger()

    line.expect(run_id, "success", "live")
    assert line.log(run_id, REGISTER).count("waiting in the triggerer for its turn") == 2
    assert line.attempts(run_id, REGISTER) == 1
    assert len(line.effects("ecs", "RegisterTaskDefinition", before)) == 1
    assert line.digest_in_production() == line.digest_of(commit)


def _waiting_deployment(line: Line, change: Change) -> tuple[int, str, str]:
    """A run whose deployment is in the middle of its canary, and is waited for by a triggerer.

    The number of the last effect before it, the commit, the run's id.
    """
    before = line.last_effect()
    commit = line.push(change)
    run_id = line.trigger(dag_id=PATIENT)

    def waiting() -> bool:
        held = line.triggerer_of(run_id, DEPLOY) is not None
        return held and CANARY in [step["params"]["weights"] for step in _traffic_steps(line, before)]

    line.until(waiting, 120, lambda: f"no canary is waited for; {line.story(run_id)}")
    return before, commit, run_id


def _traffic_steps(line: Line, before: int) -> list[dict[str, Any]]:
    shifts = line.effects("codedeploy", "traffic_shifted", before)
    return [shift for shift in shifts if shift["params"]["route"] == "production"]


def _assert_one_deployment(line: Line, before: int, commit: str) -> None:
    assert len(line.effects("codedeploy", "CreateDeployment", before)) == 1
    assert line.effects("codedeploy", "StopDeployment", before) == []
    assert line.digest_in_production() == line.digest_of(commit)
