"""One delivery in full: the line with its times, what the traffic's steps were decided by, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from urllib.parse import quote

from airdock.board.line import Stage
from airdock.board.releases import seconds_between
from airdock.plan.scan_gate import REFUSED_KEY
from airdock.plan.traffic_share import planned_shares
from airdock.release import Commit
from airdock.spec import Environment, Pipeline

RELEASE_TASKS = ("clone_source", "choose_release", "build", "wait_for_scan")
IDLE = frozenset({"skipped", "removed", "upstream_failed", ""})


@dataclass(frozen=True, slots=True)
class Run:
    """A run with all that its tasks left; times ISO 8601, "" where unknown. `left`: values by task id and XCom key."""

    dag_id: str
    run_id: str
    state: str
    started_at: str
    ended_at: str
    trigger: str
    note: str
    stages: Sequence[Stage]
    commit: Commit | None
    left: Mapping[tuple[str, str], Any]


def delivery(pipeline: Pipeline, run: Run) -> dict[str, Any]:
    """The delivery in the page's shape, without its actions."""
    stages = in_order(pipeline, run.stages)
    entered = {stage.environment for stage in stages if stage.state not in IDLE}
    names = [name for name in pipeline.environments if name in entered]
    commit = run.commit
    return {
        "application": pipeline.application,
        "dag_id": run.dag_id,
        "run_id": run.run_id,
        "state": run.state,
        "started_at": run.started_at or None,
        "ended_at": run.ended_at or None,
        "commit": commit.sha if commit else None,
        "subject": commit.subject if commit else None,
        "author": commit.author if commit else None,
        "trigger": run.trigger,
        "note": run.note or None,
        "environments": [_environment(name, pipeline.environments[name], run, stages) for name in names],
        "stages": [_stage(each, run) for each in stages if not each.environment or each.environment in names],
        "scan": _scan(run.left),
        "difference": _difference(run.left, names),
        "links": _links(run, stages),
    }


def task_order(name: str, target: Environment) -> list[str]:
    """The ids of an environment's tasks in the order of the line."""
    before = [f"run_{task.name}" for task in target.before_traffic]
    after = [f"run_{task.name}" for task in target.after_traffic]
    line = ["approve", "hold", "preflight", "register", *before, "deploy", "verify", *after]
    return [f"{name}.{task}" for task in (*line, "retarget", "export_image", "roll_back", "prune", "verdict")]


def in_order(pipeline: Pipeline, stages: Sequence[Stage]) -> list[Stage]:
    """The stages in the order of the line; what the pipeline does not have any more comes last."""
    ids = [*RELEASE_TASKS]
    for name, target in pipeline.environments.items():
        ids += task_order(name, target)
    place = {task_id: number for number, task_id in enumerate(ids)}
    return sorted(stages, key=lambda each: (place.get(each.task_id, len(place)), each.task_id))


def _stage(stage: Stage, run: Run) -> dict[str, Any]:
    task = stage.task_id.rpartition(".")[2]
    place = f"/dags/{quote(run.dag_id, safe='')}/runs/{quote(run.run_id, safe='')}"
    return {
        "task_id": stage.task_id,
        "label": task.replace("_", " "),
        "environment": stage.environment or None,
        "state": stage.shown or None,
        "started_at": stage.started_at or None,
        "ended_at": stage.ended_at or None,
        "seconds": seconds_between(stage.started_at, stage.ended_at),
        "try_number": stage.try_number,
        "reason": _text(run.left.get((stage.task_id, "reason"))) if stage.state == "failed" else None,
        "url": f"{place}/tasks/{quote(stage.task_id, safe='')}",
    }


def _environment(name: str, target: Environment, run: Run, stages: Sequence[Stage]) -> dict[str, Any]:
    told = run.left.get((f"{name}.verdict", "outcome")) or {}
    decisions = run.left.get((f"{name}.deploy", "decisions")) or []
    shares = run.left.get((f"{name}.deploy", "shares")) or []
    weights = [_weight(each["at"], each["percent"]) for each in shares] or _weights(decisions)
    weights += _arrived(name, weights, stages)
    return {
        "name": name,
        "outcome": told.get("outcome"),
        "sentence": told.get("sentence", ""),
        "details": list(told.get("details", ())),
        "weights": weights + _at_last(name, weights, told.get("outcome"), stages),
        "planned": [] if told else _to_come(target, weights),
        "analysis": [_round(each) for each in decisions],
    }


def _round(decision: Mapping[str, Any]) -> dict[str, Any]:
    answer = {"CONTINUE": "continue", "ROLLBACK": "roll_back"}.get(decision["answer"], decision["answer"])
    return {
        "at": decision["at"],
        "step": decision["percent"],
        "decision": answer,
        "sentence": decision["sentence"],
        "measures": list(decision.get("evidence", ())),
    }


def _weights(decisions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The share of the traffic as each step was found.

    A decision tells the share before its step: what the step led to is told by the next one.
    """
    told = [_weight(each["at"], each["percent"]) for each in decisions[:1]]
    told += [_weight(step["at"], after["percent"]) for step, after in pairwise(decisions)]
    return told


def _to_come(target: Environment, weights: Sequence[Mapping[str, Any]]) -> list[float]:
    """The shares that the pipeline plans beyond the last that was seen."""
    reached = weights[-1]["green"] if weights else 0
    return [each for each in planned_shares(target.rollout) if each > reached]


def _arrived(name: str, weights: Sequence[Mapping[str, Any]], stages: Sequence[Stage]) -> list[dict[str, Any]]:
    """A deployment that went well has moved all the traffic: the triggerer that sees it leaves no share any more."""
    deployed = next((each for each in stages if each.task_id == f"{name}.deploy" and each.state == "success"), None)
    if not weights or not deployed or not deployed.ended_at or weights[-1]["green"] == 100:
        return []
    return [_weight(deployed.ended_at, 100)]


def _at_last(
    name: str, weights: Sequence[Mapping[str, Any]], outcome: str | None, stages: Sequence[Stage]
) -> list[dict[str, Any]]:
    """Where all the traffic went in the end: nobody looks any more when the last of it moves.

    It went back when the way back had ended, also that of a delivery that was stopped, or, where AWS took it back by
    itself, when the deployment had.
    """
    tasks = {each.task_id: each for each in stages if each.ended_at and each.state not in IDLE}
    back = tasks.get(f"{name}.roll_back")
    gone_back = outcome == "rolled_back" or (outcome and back and back.state == "success")
    whole = 100 if outcome == "live" else 0 if gone_back else None
    if not weights or whole is None or weights[-1]["green"] == whole:
        return []
    last = back or tasks.get(f"{name}.deploy")
    return [_weight(last.ended_at, whole)] if last else []


def _weight(at: str, percent: float) -> dict[str, Any]:
    return {"at": at, "blue": round(100 - percent, 1), "green": round(percent, 1)}


def _scan(left: Mapping[tuple[str, str], Any]) -> dict[str, Any] | None:
    """What was found in the image, whether it has passed or was refused."""
    told = left.get(("wait_for_scan", "return_value")) or left.get(("wait_for_scan", REFUSED_KEY))
    if not told:
        return None
    findings = [{key: each.get(key, "") for key in ("name", "severity", "package", "fix")} for each in told["findings"]]
    return {"status": told["status"], "counts": told["counts"], "findings": findings, "sentence": told["description"]}


def _difference(left: Mapping[tuple[str, str], Any], names: Sequence[str]) -> list[str]:
    """That of the environment that the delivery came to last."""
    told = [left.get((f"{name}.preflight", "return_value")) for name in names]
    return next((list(each["difference"]) for each in reversed(told) if each), [])


def _links(run: Run, stages: Sequence[Stage]) -> list[dict[str, str]]:
    place = f"/dags/{quote(run.dag_id, safe='')}/runs/{quote(run.run_id, safe='')}"
    found = [{"label": "Airflow: this run", "url": place}]
    for stage in stages:
        url = _text(run.left.get((stage.task_id, "console_url")))
        if url.startswith("https://"):
            found.append({"label": f"AWS: {stage.task_id.replace('.', ' ').replace('_', ' ')}", "url": url})
    return found


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
