"""Stopping a delivery that is under way: its task at work is marked as failed, and the line ends as it always does.

To mark the whole run as failed would skip the way back and the verdict, and leave no outcome. See
docs/decisions/stopping.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from airdock.board.delivery import Run, in_order
from airdock.board.line import ACTIVE, ENDED, Stage
from airdock.plan.delivery import STOPPED
from airdock.spec import Pipeline

ENDING = frozenset({"retarget", "export_image", "roll_back", "prune", "verdict"})
"""Tasks after which nothing more is begun: there is nothing left to stop."""
NOT_BEGUN = "Nothing of it has begun: the run ends as failed, and no environment is touched."
TRAFFIC = (
    "Its deployment, if it has begun, is stopped in AWS, and {environment} goes back to what ran there before. The "
    "delivery goes on until that is done, and then ends as stopped."
)
UNTOUCHED = "Nothing more is begun, {environment} is not touched, and the delivery ends as stopped."
RUNS_ON = "What runs in {where} by now runs to its end; nothing comes of it."


def stop(pipeline: Pipeline, run: Run, user: str) -> list[dict[str, Any]]:
    """The action that stops the run in the name of `user`; none where it is about to end by itself."""
    place = f"/api/v2/dags/{quote(run.dag_id, safe='')}/dagRuns/{quote(run.run_id, safe='')}"
    if run.state == "queued":
        return [_action(NOT_BEGUN, _request("PATCH", place, {"state": "failed"}))]
    stage = _at_work(pipeline, run.stages)
    if stage is None:
        return []
    task = f"{place}/taskInstances/{quote(stage.task_id, safe='')}"
    word = {"key": STOPPED, "value": f"{user} stopped it"}
    says = _says(pipeline, run.stages, stage)
    return [
        _action(says, _request("POST", f"{task}/xcomEntries", word), _request("PATCH", task, {"new_state": "failed"}))
    ]


def _at_work(pipeline: Pipeline, stages: Sequence[Stage]) -> Stage | None:
    """The task that is at work or comes next; None where one has failed, from which the line ends by itself."""
    if any(each.state in ("failed", "upstream_failed") for each in stages):
        return None
    line = [each for each in in_order(pipeline, stages) if each.task_id.rpartition(".")[2] not in ENDING]
    left = [each for each in line if each.state not in ENDED]
    return next((each for each in left if each.state in ACTIVE), next(iter(left), None))


def _says(pipeline: Pipeline, stages: Sequence[Stage], stage: Stage) -> str:
    environment, _, task = stage.task_id.rpartition(".")
    begun = {each.task_id for each in stages if each.state == "success"}
    if task in ("deploy", "verify") or f"{environment}.deploy" in begun:
        return TRAFFIC.format(environment=environment)
    told = UNTOUCHED.format(environment=environment or next(iter(pipeline.environments)))
    where = "CodeBuild" if task == "build" else "ECS" if task.startswith("run_") else ""
    return f"{told} {RUNS_ON.format(where=where)}" if where else told


def _request(method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"method": method, "path": path, "body": body}


def _action(says: str, *requests: dict[str, Any]) -> dict[str, Any]:
    return {"name": "stop", "label": "Stop", "says": says, "waits": False, "requests": list(requests)}
