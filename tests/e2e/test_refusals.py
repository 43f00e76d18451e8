"""What must not reach production does not, and says why."""

from __future__ import annotations

from demo.releases import BROKEN_TEST, Change
from tests.e2e.line import Line

FAILING_TEST = "test_page_tells_its_version"


def test_failing_unit_test_stops_the_line_at_the_build_and_is_named(line: Line) -> None:
    before, digest = line.last_effect(), line.digest_in_production()
    line.push(BROKEN_TEST)
    run_id = line.trigger()

    report = line.expect(run_id, "failed", "refused")
    assert FAILING_TEST in report["sentence"]
    assert line.task_states(run_id)["build"] == "failed"
    assert FAILING_TEST in line.reason(run_id, "build")
    assert FAILING_TEST in line.log(run_id, "build")
    assert line.attempts(run_id, "build") == 1
    assert_untouched(line, before, digest)


def test_critical_finding_stops_the_line_at_the_scan(line: Line) -> None:
    before, digest = line.last_effect(), line.digest_in_production()
    commit = line.push(Change("1.2.0", "Bring a finding along"))
    line.seed_findings({"CRITICAL": 1}, tag=commit)
    run_id = line.trigger()

    report = line.expect(run_id, "failed", "refused")
    assert "critical" in report["sentence"].lower()
    assert line.task_states(run_id)["wait_for_scan"] == "failed"
    assert_untouched(line, before, digest)


def assert_untouched(line: Line, before: int, digest: str) -> None:
    assert line.effects("ecs", "RegisterTaskDefinition", before) == []
    assert line.effects("codedeploy", "CreateDeployment", before) == []
    assert line.digest_in_production() == digest
