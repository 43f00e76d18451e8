"""What a reader of the log hears of a running deployment: only what has changed, a line each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Facts = Mapping[str, Any]

QUIET = ("Pending", "Unknown", "")
STATES = {
    "InProgress": "begins",
    "Succeeded": "done",
    "Failed": "FAILED",
    "Skipped": "skipped",
    "Ready": "ready",
}


def deployment_progress(before: Facts | None, now: Facts) -> list[str]:
    """The lines between two looks at a deployment; `before` None is the first look.

    `facts`: id, status, config, events `[{name, status, message}]`, weights `{blue, green}`,
    task_sets `[{label, running, desired}]`, error, rollback.
    """
    return [*_lines(before, now), *_rollback_lines(before, now)]


def _lines(before: Facts | None, now: Facts) -> Iterator[str]:
    if before is None:
        yield f"deployment {now['id']} with {now.get('config') or 'its configuration'} is {now['status']}"
    yield from _event_lines(before, now)
    yield from _task_lines(before, now)
    yield from _weight_lines(before, now)
    if before is not None and before["status"] != now["status"]:
        yield f"deployment {now['id']} is {now['status']}{_error(now)}"


def _event_lines(before: Facts | None, now: Facts) -> Iterator[str]:
    known = {event["name"]: event["status"] for event in (before or {}).get("events", ())}
    for event in now.get("events", ()):
        status = event["status"]
        if status not in QUIET and known.get(event["name"]) != status:
            told = f": {event['message']}" if event.get("message") and status == "Failed" else ""
            yield f"{event['name']} {STATES.get(status, status)}{told}"


def _task_lines(before: Facts | None, now: Facts) -> Iterator[str]:
    known = {each["label"]: _counts(each) for each in (before or {}).get("task_sets", ())}
    for each in now.get("task_sets", ()):
        if each["label"] == "green" and known.get("green") != _counts(each):
            yield f"new tasks: {each['running']} of {each['desired']} running"


def _counts(task_set: Facts) -> tuple[int, int]:
    return task_set["running"], task_set["desired"]


def _weight_lines(before: Facts | None, now: Facts) -> Iterator[str]:
    weights = now.get("weights") or {}
    if weights and weights != ((before or {}).get("weights") or {}):
        yield f"traffic: {weights.get('blue', 0):g} % old (blue), {weights.get('green', 0):g} % new (green)"


def _rollback_lines(before: Facts | None, now: Facts) -> Iterator[str]:
    known, rollback = (before or {}).get("rollback"), now.get("rollback")
    if rollback is None:
        return
    if known is None:
        yield f"CodeDeploy rolls back with {rollback['id']}"
    if known is None or known["status"] != rollback["status"]:
        yield f"rollback {rollback['id']} is {rollback['status']}{_error(rollback)}"


def _error(facts: Facts) -> str:
    error = facts.get("error") or {}
    told = ": ".join(part for part in (error.get("code", ""), error.get("message", "")) if part)
    return f" ({told})" if told else ""
