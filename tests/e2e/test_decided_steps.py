"""Between the steps of ECS's own shift Airflow decides; a worker that dies over its answer decides nothing twice."""

from __future__ import annotations

from typing import Any

from demo.releases import Change
from demo.traffic import Client
from tests.e2e.line import Line
from tests.e2e.pipelines import STEPWISE, STEPWISE_SERVICE

DEPLOY, ANSWER = "production.deploy", "ContinueServiceDeployment"


def test_worker_killed_over_the_third_answer_decides_nothing_twice(line: Line, second_service: str) -> None:
    before = line.last_effect()
    line.push(Change("3.0.0", "Deploy this in five steps"))
    line.hold_replies(("ecs", ANSWER), nth=3)
    with Client(second_service) as client:
        run_id = line.trigger(dag_id=STEPWISE)
        line.wait_until_held(ANSWER)
        line.kill_task(run_id, DEPLOY)
        line.release(ANSWER)
        line.expect(run_id, "success", "live")
        failed = [each for each in client.answers() if each.failed]

    steps = line.airflow.xcom(STEPWISE, run_id, DEPLOY, "decisions")
    assert [(each["step"], each["percent"], each["answer"]) for each in steps] == [
        (step, 20.0 * (step - 1), "CONTINUE") for step in range(1, 6)
    ]
    assert _hooks(line, before) == [each["hook"] for each in steps]
    assert _shares(line, before) == [20, 40, 60, 80, 100]
    assert len(_updates(line, before)) == 1
    assert failed == []


def _hooks(line: Line, before: int) -> list[str]:
    """The pauses that ECS was told to go on from, each once."""
    answers = [effect["params"] for effect in line.effects("ecs", ANSWER, before)]
    assert {each["action"] for each in answers} == {"CONTINUE"}
    return list(dict.fromkeys(str(each["hookId"]) for each in answers))


def _shares(line: Line, before: int) -> list[float]:
    """The new version's shares of the production traffic, in their order."""
    shifts = [effect["params"] for effect in line.effects("ecs", "traffic_shifted", before)]
    return [each["weights"]["target"] for each in shifts if each["route"] == "production"]


def _updates(line: Line, before: int) -> list[dict[str, Any]]:
    return [each for each in line.effects("ecs", "UpdateService", before) if STEPWISE_SERVICE in str(each["params"])]
