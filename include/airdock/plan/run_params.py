"""The params that a run may have: Airflow checks those of its form, and takes every other word as it comes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from airdock.errors import Refused

DELIVER = ("revision", "environment", "ref", "not_after")
"""Of `deliver_<application>`; in no form are `ref`, what a push has moved, and `not_after`, the moment (ISO 8601) from
which on the delivery may begin nothing in an environment any more."""
DEPLOY = ("release", "environment", "from_environment", "instead_of")
"""Of `deploy_<application>`; `instead_of` is the only release that may be replaced, and in no form."""


def refuse_unknown(given: Iterable[str], known: Iterable[str]) -> None:
    """A misspelt `enviroment` must not deliver to the last one. Raises Refused."""
    names = list(known)
    for name in given:
        if name not in names:
            near = get_close_matches(str(name), names, n=1, cutoff=0.6)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}"
            raise Refused(f"this run has a param {str(name)[:100]!r}, which there is not: {hint}")


def latest_begin(params: Mapping[str, Any]) -> datetime | None:
    """Until when the delivery may begin in an environment; None for always. Raises Refused."""
    told = params.get("not_after")
    if not told:
        return None
    try:
        moment = datetime.fromisoformat(str(told))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Refused(f"the param not_after is no moment with an offset: {str(told)[:100]!r}")
    return moment


def refuse_late(params: Mapping[str, Any], now: datetime) -> None:
    """A train that has gone on without a delivery must not have it come after. Raises Refused."""
    until = latest_begin(params)
    if until and until <= now:
        raise Refused(f"who started this delivery waited until {until.isoformat(timespec='seconds')}, and went on")
