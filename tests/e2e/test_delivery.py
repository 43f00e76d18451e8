"""Deliveries from push to verdict, on real Airflow processes and the local AWS."""

from demo.releases import FIRST
from tests.e2e.line import Line
from tests.e2e.pipelines import BROKEN, MISSPELT_LINE


def test_delivery_of_a_good_commit_is_live(line: Line) -> None:
    before = line.last_effect()
    commit = line.push(FIRST)
    line.expect(line.trigger(), "success", "live")

    assert line.page() == (FIRST.version, 200)
    assert line.digest_in_production() == line.digest_of(commit)
    assert len(line.effects("codebuild", "StartBuild", before)) == 1
    assert len(line.effects("codedeploy", "CreateDeployment", before)) == 1


def test_broken_pipeline_file_is_told_and_holds_up_no_other(line: Line) -> None:
    line.until(lambda: bool(line.airflow.import_errors()), 60, lambda: "Airflow shows no import error")
    before = line.last_effect()
    line.expect(line.trigger(), "success", "live")

    errors = line.airflow.import_errors()
    assert len(errors) == 1, errors
    [told] = errors
    assert f"{BROKEN}:{MISSPELT_LINE}:1: sorce" in told
    assert "Did you mean 'source'?" in told
    # The commit was built and is live: another run of it builds nothing.
    assert line.effects("codebuild", "StartBuild", before) == []
