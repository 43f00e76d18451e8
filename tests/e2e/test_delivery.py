"""Deliveries from push to verdict, on real Airflow processes and the local AWS."""

from demo.releases import FIRST
from tests.e2e.line import Line


def test_delivery_of_a_good_commit_is_live(line: Line) -> None:
    before = line.last_effect()
    commit, run_id = line.deliver(FIRST)

    assert line.state(run_id) == "success", line.task_states(run_id)
    assert line.outcome(run_id)["outcome"] == "live"
    assert line.page() == (FIRST.version, 200)
    assert line.digest_in_production() == line.digest_of(commit)
    assert len(line.effects("codebuild", "StartBuild", before)) == 1
    assert len(line.effects("codedeploy", "CreateDeployment", before)) == 1
