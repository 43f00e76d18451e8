"""Values that may be shown to everybody who reads a log, and those that may not."""

from __future__ import annotations

import re
from collections.abc import Sequence

HIDDEN = "(hidden)"
LONGEST_SHOWN = 160
FREE_MAPS = frozenset({"environment", "dockerLabels", "options", "tags", "properties", "hookDetails"})
"""Where teams choose the names; elsewhere a name such as `secrets` holds ARNs."""
SECRET_NAMES = re.compile(r"pass|pwd|token|secret|key|credential|private|auth|salt|cert|dsn|signature|cookie", re.I)
SECRET_VALUES = re.compile(
    r"://[^/\s@]*:[^/\s@]+@"  # a password in an address
    r"|-----BEGIN "
    r"|\b(AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\b(gh[pousr]_|glpat-|xox[abprs]-|sk_live_)\w+"
    r"|\beyJ[\w-]{10,}\.eyJ"
    r"|(?:pass(?:word|wd)?|token|secret|api[_-]?key)[\"']?[\s,=]+[\"']?\S",
    re.I,
)


def shown(path: Sequence[str], value: str) -> str:
    """The value on one line as it may be read; `(hidden)` where its name or its look says that it is a secret.

    What ECS itself calls secrets is names and ARNs, and is shown.
    """
    free = len(path) > 1 and path[-2] in FREE_MAPS
    if (free and SECRET_NAMES.search(path[-1])) or SECRET_VALUES.search(value):
        return HIDDEN
    plain = value if value.isprintable() else value.encode("unicode_escape").decode("ascii")
    if not plain:
        return '""'
    return plain if len(plain) <= LONGEST_SHOWN else f"{plain[:LONGEST_SHOWN]}... ({len(plain)} characters)"
