"""The line that is stopped: an Airflow Variable that every delivery looks at before it enters an environment."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

VARIABLE = "airdock_freeze"
EVENT = "airdock_freeze"
"""What the entry in Airflow's audit log is called."""


class Freeze(BaseModel):
    """What the page sends."""

    model_config = ConfigDict(extra="forbid", strict=True)

    frozen: bool
    reason: str = Field(default="", max_length=300)


def frozen() -> dict[str, str] | None:
    """Who stopped the line, when and why; None when it runs. A text that is none of ours stops it as well."""
    from airflow.models import Variable

    told = Variable.get(VARIABLE, default_var=None)
    if not told:
        return None
    try:
        known = json.loads(told)
        return {"by": str(known["by"]), "at": str(known["at"]), "reason": str(known.get("reason") or "")}
    except (ValueError, TypeError, KeyError, AttributeError):
        return {"by": "somebody", "at": "", "reason": str(told)[:300]}


def change(wanted: Freeze, user: str) -> dict[str, str] | None:
    """Stop the line or let it run, with an entry in the audit log; how it stands then."""
    from airflow.models import Log, Variable
    from airflow.utils.session import create_session

    now: dict[str, str] | None = None
    if wanted.frozen:
        now = {"by": user, "at": datetime.now(UTC).isoformat(timespec="seconds"), "reason": wanted.reason}
    with create_session() as session:
        _set(Variable, now, session)
        session.add(Log(event=EVENT, owner=user, extra=wanted.model_dump_json()))
    return now


def _set(variables: Any, now: dict[str, str] | None, session: Any) -> None:
    if now is None:
        variables.delete(VARIABLE, session=session)
    else:
        variables.set(VARIABLE, json.dumps(now), description="Set by the board", session=session)
