"""A release that fails under traffic ends where it began, and the run says so."""

from __future__ import annotations

from demo.releases import FIRST, THIRD
from tests.e2e.line import Line


def test_release_that_answers_500_is_rolled_back_and_fails_the_run(line: Line) -> None:
    line.deliver(FIRST)
    digest = line.digest_in_production()
    with line.traffic():
        _, run_id = line.deliver(THIRD)

    assert line.state(run_id) == "failed"
    report = line.outcome(run_id)
    assert report["outcome"] == "rolled_back"
    assert "alarm greeter-5xx-" in report["sentence"]
    assert digest in report["sentence"]
    assert report["sentence"] in line.log(run_id, "verdict")
    assert line.digest_in_production() == digest
    assert line.page() == (FIRST.version, 200)
