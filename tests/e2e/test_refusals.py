"""What must not reach production does not, and says why."""

from __future__ import annotations

from demo.releases import BROKEN_TEST, Change
from tests.e2e.line import Line

FAILING_TEST = "test_page_tells_its_version"


def test_failing_unit_test_stops_the_line_at_the_build_and_is_named(line: Line) -> None:
    before, digest = line.last_effect(), line.digest_in_production()
    _, run_id = line.deliver(BROKEN_TEST)

    assert line.state(run_id) == "failed"
    assert line.task_states(run_id)["build"] == "failed"
    assert line.outcome(run_id)["outcome"] == "refused"
    assert FAILING_TEST in line.outcome(run_id)["sentence"]
    assert FAILING_TEST in line.log(run_id, "build")
    assert line.attempts(run_id, "build") == 1
    assert line.effects("ecs", "RegisterTaskDefinition", before) == []
    assert line.effects("codedeploy", "CreateDeployment", before) == []
    assert line.digest_in_production() == digest


def test_critical_finding_stops_the_line_at_the_scan(line: Line) -> None:
    before, digest = line.last_effect(), line.digest_in_production()
    commit = line.push(Change("1.2.0", "Bring a finding along"))
    line.seed_findings({"CRITICAL": 1}, tag=commit)
    run_id = line.trigger()

    assert line.wait_for_end(run_id) == "failed"
    assert line.task_states(run_id)["wait_for_scan"] == "failed"
    assert line.outcome(run_id)["outcome"] == "refused"
    assert "critical" in line.outcome(run_id)["sentence"].lower()
    assert line.effects("codedeploy", "CreateDeployment", before) == []
    assert line.digest_in_production() == digest
