"""How an ECS task that was run on its own is followed to its end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from airdock.aws.faults import spoken
from airdock.aws.watch.subject import Facts, Lookup
from airdock.names import DELIVERY_TAG
from airdock.plan.adoption import State
from airdock.plan.one_off_task import MISSING, STOPPED, task_state


class TaskWatch:
    """Facts of a task, plain JSON; its id is its ARN, which names its cluster:

    id, status: ECS's lastStatus, or MISSING of one that ECS does not tell of, with nothing else known,
    desired: RUNNING, or STOPPED from when ECS stops it,
    task_definition, mark: the text of its delivery's mark, or "", started_by,
    started_at (when it was ordered), ended_at: ISO 8601 or None; seconds: between the two, or until now,
    reason: why it was stopped, in ECS's words,
    containers: [{name, exit_code: int or None, reason}].

    Option `container`: with its exit code the wait is over, even if other containers go on.
    """

    service = "ecs"
    batch = 100

    def read(self, lookup: Lookup, ids: Sequence[str]) -> dict[str, Facts]:
        by_cluster: dict[str, list[str]] = defaultdict(list)
        for arn in ids:
            by_cluster[cluster_of(arn)].append(arn)
        told: dict[str, Facts] = {}
        for cluster, arns in by_cluster.items():
            with spoken("asking ECS for the task"):
                answer = lookup("ecs").describe_tasks(cluster=cluster, tasks=arns, include=["TAGS"])
            told |= {task["taskArn"]: task_facts(task) for task in answer["tasks"]}
        return {arn: told.get(arn) or _missing(arn) for arn in ids}

    def finished(self, facts: Facts, options: Mapping[str, Any]) -> bool:
        return task_state(facts, str(options.get("container", ""))) is not State.RUNNING

    def progress(self, before: Facts | None, now: Facts) -> list[str]:
        if before and before["status"] == now["status"]:
            return []
        ends = "".join(_exit(container) for container in now["containers"] if now["status"] == STOPPED)
        return [f"task {now['id'].rpartition('/')[2]} is {now['status']}{ends}"]


def cluster_of(arn: str) -> str:
    """The cluster in a task's ARN: arn:aws:ecs:<region>:<account>:task/<cluster>/<id>."""
    return arn.split("/")[1]


def console_url(arn: str) -> str:
    """The page of a task in the ECS console."""
    region, task = arn.split(":")[3], arn.rpartition("/")[2]
    return f"https://{region}.console.aws.amazon.com/ecs/v2/clusters/{cluster_of(arn)}/tasks/{task}?region={region}"


def task_facts(task: Mapping[str, Any]) -> Facts:
    """The facts in a task of DescribeTasks."""
    ordered, ended = task.get("createdAt"), task.get("stoppedAt")
    return {
        **_missing(task["taskArn"]),
        "status": task["lastStatus"],
        "desired": task.get("desiredStatus", ""),
        "task_definition": task["taskDefinitionArn"],
        "mark": next((tag["value"] for tag in task.get("tags", []) if tag["key"] == DELIVERY_TAG), ""),
        "started_by": task.get("startedBy", ""),
        "started_at": _iso(ordered),
        "ended_at": _iso(ended),
        "seconds": ((ended or datetime.now(UTC)) - ordered).total_seconds() if ordered else 0.0,
        "reason": task.get("stoppedReason", ""),
        "containers": [
            {"name": each["name"], "exit_code": each.get("exitCode"), "reason": each.get("reason", "")}
            for each in task.get("containers", [])
        ],
    }


def _missing(arn: str) -> Facts:
    texts = dict.fromkeys(("desired", "task_definition", "mark", "started_by", "reason"), "")
    times = {"started_at": None, "ended_at": None, "seconds": 0.0}
    return {"id": arn, "status": MISSING, **texts, **times, "containers": []}


def _exit(container: Mapping[str, Any]) -> str:
    code = container["exit_code"]
    return f"; {container['name']} " + ("has no exit code" if code is None else f"exited with {code}")


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
