"""The parts' own state: JSON documents in SQLite, committed before a write returns."""

import json
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

Document = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS document (kind TEXT, key TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, key));
CREATE TABLE IF NOT EXISTS snapshot (name TEXT PRIMARY KEY, body BLOB NOT NULL);
"""


class Store:
    """Documents by (kind, key). Every write is one transaction; all methods may be called from any thread."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        # WAL with synchronous=NORMAL survives the death of the process, which is all that is promised here.
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._database.executescript(_SCHEMA)

    def put(self, kind: str, key: str, document: Document) -> None:
        """Write or replace one document."""
        body = json.dumps(document, default=str)
        with self._lock:
            # An upsert keeps the row, and with it the document's place among its kind.
            self._database.execute(
                "INSERT INTO document VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
                (kind, key, body),
            )

    def get(self, kind: str, key: str) -> Document | None:
        """The document, or None."""
        with self._lock:
            row = self._database.execute("SELECT body FROM document WHERE kind = ? AND key = ?", (kind, key)).fetchone()
        return json.loads(row[0]) if row else None

    def all(self, kind: str) -> list[Document]:
        """Every document of a kind, oldest first."""
        with self._lock:
            rows = self._database.execute("SELECT body FROM document WHERE kind = ? ORDER BY rowid", (kind,)).fetchall()
        return [json.loads(body) for (body,) in rows]

    def having(self, kind: str, path: str, value: str) -> list[Document]:
        """The documents of a kind with this value at a JSON path such as `$.owner`, oldest first.

        SQLite looks for them, and what it passes over is not read: a tenth of the time of reading all.
        """
        sql = "SELECT body FROM document WHERE kind = ? AND json_extract(body, ?) = ? ORDER BY rowid"
        with self._lock:
            rows = self._database.execute(sql, (kind, path, value)).fetchall()
        return [json.loads(body) for (body,) in rows]

    def delete(self, kind: str, key: str) -> None:
        """Remove a document; removing one that is not there is no error."""
        with self._lock:
            self._database.execute("DELETE FROM document WHERE kind = ? AND key = ?", (kind, key))

    def update(self, kind: str, key: str, change: Callable[[Document], Document | None]) -> Document:
        """Change one document in one transaction and return it.

        `change` gets the document ({} when there is none), may edit it in place, and returns the new one or None
        for "as edited". An exception in it leaves the document as it was.
        """
        with self._lock:
            document = self.get(kind, key) or {}
            changed = change(document)
            document = document if changed is None else changed
            self.put(kind, key, document)
        return document

    def put_snapshots(self, snapshots: dict[str, bytes]) -> None:
        """Write opaque snapshots by name, all of them or none."""
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany("INSERT OR REPLACE INTO snapshot VALUES (?, ?)", snapshots.items())
            self._database.execute("COMMIT")

    def snapshots(self) -> dict[str, bytes]:
        """Every snapshot by name."""
        with self._lock:
            return dict(self._database.execute("SELECT name, body FROM snapshot ORDER BY rowid").fetchall())

    def close(self) -> None:
        """Close the database; nothing is pending, every write was committed."""
        with self._lock:
            self._database.close()
