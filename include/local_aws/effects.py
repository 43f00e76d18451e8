"""The append-only log of what was done: every mutating API call, and every act of an engine."""

import json
import re
import threading
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Entry = dict[str, Any]

_SECRET_NAMES = re.compile(
    r"secret(string|binary|accesskey)|password|(authorization|session)token|^token$|apikeyvalue|clientsecret",
    re.I,
)
_LONGEST_TEXT = 2000


def redacted(value: Any, name: str = "") -> Any:
    """The same value, with secrets masked and what is too long or binary cut short."""
    if _SECRET_NAMES.search(name):
        return "***"
    if isinstance(value, dict):
        if value.get("Type") == "SecureString":
            value = {**value, "Value": "***"}
        return {key: redacted(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(item) for item in value]
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        return f"{value[:_LONGEST_TEXT]}… ({len(value)} characters)"
    return value


class Effects:
    """Effects in a file of JSON lines that outlives the process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._of: defaultdict[tuple[str | None, str | None], list[Entry]] = defaultdict(list)
        for entry in _whole_lines(path):
            self._keep(entry)
        self._file = path.open("a", encoding="utf-8")
        self._listener: Callable[[], None] = lambda: None

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every entry."""
        self._listener = listener

    def record(
        self,
        service: str,
        operation: str,
        caller: str,
        params: Any = None,
        result: Any = None,
        error: str | None = None,
    ) -> Entry:
        """Append one effect; `operation` is the API action, or a lower case name for an engine's own act."""
        with self._lock:
            entry = {
                "n": len(self._entries) + 1,
                "at": datetime.now(UTC).isoformat(),
                "service": service,
                "operation": operation,
                "caller": caller,
                "params": redacted(params),
                "result": redacted(result),
                "error": error,
            }
            line = json.dumps(entry, default=str)
            self._file.write(line + "\n")
            self._file.flush()
            self._keep(json.loads(line))
        self._listener()
        return entry

    def entries(self, service: str | None = None, operation: str | None = None) -> list[Entry]:
        """What was recorded, oldest first, of one service or operation when named.

        For both together nothing else is gone through: engines ask so with every step.
        """
        with self._lock:
            both = service is not None and operation is not None
            entries = list(self._of.get((service, operation), ()) if both else self._entries)
        return [
            entry
            for entry in entries
            if service in (None, entry["service"]) and operation in (None, entry["operation"])
        ]

    def _keep(self, entry: Entry) -> None:
        self._entries.append(entry)
        self._of[entry["service"], entry["operation"]].append(entry)


def _whole_lines(path: Path) -> list[Entry]:
    """The entries of an earlier life; a line cut off by its death is dropped from the file."""
    if not path.exists():
        return []
    text = path.read_bytes()
    whole = text[: text.rfind(b"\n") + 1]
    if whole != text:
        path.write_bytes(whole)
    return [json.loads(line) for line in whole.splitlines()]
