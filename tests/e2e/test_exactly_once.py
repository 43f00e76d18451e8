"""A task that is killed right after it has started something starts it once."""

from __future__ import annotations

from demo.releases import SECOND
from tests.e2e.line import Line

HELD = (("codebuild", "StartBuild", "build"), ("codedeploy", "CreateDeployment", "production.deploy"))


def test_task_killed_right_after_starting_starts_nothing_twice(line: Line) -> None:
    before = line.last_effect()
    commit = line.push(SECOND)
    line.hold_replies(*((service, operation) for service, operation, _ in HELD))
    run_id = line.trigger()
    for _, operation, task_id in HELD:
        line.wait_until_held(operation)
        line.kill_task(run_id, task_id)
        line.release(operation)

    assert line.wait_for_end(run_id) == "success", line.task_states(run_id)
    assert line.outcome(run_id)["outcome"] == "live"
    assert len(line.effects("codebuild", "StartBuild", before)) == 1
    assert len(line.effects("codedeploy", "CreateDeployment", before)) == 1
    assert min(line.attempts(run_id, task_id) for *_, task_id in HELD) == 2
    assert line.digest_in_production() == line.digest_of(commit)
