"""A push that nobody heard of, because the api-server was down, is live after the next look around."""

from __future__ import annotations

from demo.releases import Change
from tests.e2e.line import Line

KNOWN = Change("5.0.0", "Deploy this because somebody asks for it")
UNHEARD = Change("5.1.0", "Push this while nobody listens")


def test_push_that_came_while_the_api_server_was_down_is_delivered_without_another_word(line: Line) -> None:
    line.push(KNOWN)
    line.expect(line.trigger(), "success", "live")
    line.stack.kill("api-server")
    lost = line.push(UNHEARD)
    line.stack.start("api-server")
    line.stack.wait_for_airflow()

    before = line.last_effect()
    line.trigger("reconcile")
    run_id = f"reconcile__{lost}"
    line.until(lambda: bool(line.query("select 1 from dag_run where run_id = ?", run_id)), 60, lambda: "nobody noticed")
    line.expect(run_id, "success", "live")
    assert line.digest_in_production() == line.digest_of(lost)
    assert line.page() == ("5.1.0", 200)

    looked = line.trigger("reconcile")
    line.until(lambda: line.state(looked) == "success", 60, lambda: line.story(looked))
    assert line.airflow.xcom("reconcile", looked, "find_missed_pushes", "found") == []
    assert len(line.effects("codedeploy", "CreateDeployment", before)) == 1
