"""A release that fails in production ends where it began, and the run says so."""

from __future__ import annotations

from demo.releases import THIRD, Change
from tests.e2e.line import Line
from tests.e2e.pipelines import MISTRUSTFUL, NEWS


def test_release_that_answers_500_is_rolled_back_and_fails_the_run(line: Line) -> None:
    digest, page = line.digest_in_production(), line.page()
    line.push(THIRD)
    with line.traffic():
        run_id = line.trigger()
        report = line.expect(run_id, "failed", "rolled_back")

    assert "alarm greeter-5xx-" in report["sentence"]
    assert digest in report["sentence"]
    assert report["sentence"] in line.log(run_id, "production.verdict")
    assert line.digest_in_production() == digest
    assert line.page() == page


def test_release_whose_page_is_not_as_expected_is_taken_back_after_its_deployment(line: Line) -> None:
    before, digest, page = line.last_effect(), line.digest_in_production(), line.page()
    line.aws.client("sns").create_topic(Name=NEWS.rpartition(":")[2])
    commit = line.push(Change("3.1.0", "Deploy well, and say the wrong words"))
    run_id = line.trigger(dag_id=MISTRUSTFUL)

    report = line.expect(run_id, "failed", "rolled_back")
    states = line.task_states(run_id)
    assert states["production.deploy"] == states["production.roll_back"] == "success"
    assert states["production.verify"] == "failed"
    assert "No page says this" in report["sentence"]
    assert len(line.effects("codedeploy", "CreateDeployment", before)) == 2
    assert line.digest_of(commit) != digest == line.digest_in_production()
    assert line.page() == page
    [notice] = line.effects("sns", "Publish", before)
    assert notice["params"]["Subject"] == f"mistrustful {commit[:7]} in production: rolled back"
    assert f"/dags/{MISTRUSTFUL}/runs/{run_id}" in notice["params"]["Message"]
