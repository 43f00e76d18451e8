"""What a task remembers beyond its tries."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import Context


def memory(context: Context) -> Any:
    """The task's state store (`get`, `set`), which survives its retries and clears."""
    return context["task_state_store"]


def clear_number(context: Context) -> int:
    """How often a user has cleared this run."""
    return int(getattr(context["dag_run"], "clear_number", 0) or 0)


def waits_since(context: Context, what: str) -> datetime:
    """When this task has first asked how long it waits for something, in this attempt: no restart moves it."""
    store, wait = memory(context), [what, clear_number(context)]
    known = store.get("waits_since")
    if not known or known["wait"] != wait:
        known = {"wait": wait, "since": datetime.now(UTC).isoformat()}
        store.set("waits_since", known)
    return datetime.fromisoformat(known["since"])
