"""The params that a run may have: Airflow checks those of its form, and takes every other word as it comes."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from airdock.errors import Refused

DELIVER = ("revision", "environment", "ref")
"""Of `deliver_<application>`; `ref` is what a push has moved, and in no form."""
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
