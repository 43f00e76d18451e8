"""A server that plays the board's contract from made-up data: a line in every state, and text that strangers wrote."""

from __future__ import annotations

import hashlib
import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests import fake_deliveries

STATIC = Path(__file__).parents[1] / "include/airdock/web/board/static"
HOSTILE = '<img src=x onerror=alert(1)>"><script>alert(2)</script>'
POLICY = "default-src 'self'; frame-ancestors 'self'; base-uri 'none'; object-src 'none'"
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
SUBJECTS = (
    "Retry card payments when the acquirer times out",
    "Show prices with tax in the basket",
    "Raise the connection pool to 40",
    "Fix the time zone of monthly invoices",
    "Cache exchange rates for an hour",
    "Drop the old search index",
    "Log the request id with every error",
    "Update OpenSSL to 3.0.15",
)
AUTHORS = ("Ada Moreau", "Jonas Weber", "Priya Natarajan", "Tomás Ferreira", "Li Wen", "Sara Lindqvist")
NOUNS = ("basket", "billing", "catalog", "checkout", "customer", "invoice", "ledger", "mailer", "orders", "payments")
PLACES = ("staging", "canary-eu", "production")


class FakeBoard:
    """The data, which a test changes at will, and every request that changed something: (method, path, body)."""

    def __init__(self, applications: int = 12) -> None:
        self.now = datetime.now(UTC)
        self.sent: list[tuple[str, str, Any]] = []
        self.answers: dict[str, tuple[int, Any]] = {}
        """What a path answers in place of the data."""
        self.frozen: dict[str, str] | None = None
        self.may_freeze = True
        self.hostile = False
        """Whether every text is one that a stranger wrote."""
        self.applications = [self._application(number) for number in range(applications)]
        self.green = 10
        """Percent of the traffic that the running delivery's new version has."""
        self.questions = [("deliver_customer", True), ("deliver_payments", False)]
        self.address = ""

    def at(self, minutes: float) -> str:
        """ISO 8601, so many minutes ago."""
        return (self.now - timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")

    def told(self, path: str, query: dict[str, str]) -> Any:
        """The contract's answer to a GET below api/, or None."""
        kind, _, rest = path.partition("/")
        names = [unquote(each) for each in rest.split("/")] if rest else []
        if kind == "overview":
            user = {"name": "dana", "may_freeze": self.may_freeze}
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            return {"now": now, "frozen": self.frozen, "user": user, "applications": self.applications}
        tellers = {"approvals": self.approvals, "measures": self.measures, "deliveries": self.delivery}
        tellers |= {"releases": self.releases, "compare": self.compare, "ways-back": self.ways_back}
        return tellers[kind](names, query) if kind in tellers else None

    def approvals(self, names: list[str], query: dict[str, str]) -> Any:
        return {"approvals": [fake_deliveries.question(self.at, dag, may) for dag, may in self.questions]}

    def measures(self, names: list[str], query: dict[str, str]) -> Any:
        known = [each["name"] for each in self.applications]
        return fake_deliveries.measures(self.at, known, int(query["days"]), query.get("application", ""))

    def delivery(self, names: list[str], query: dict[str, str]) -> Any:
        told = fake_deliveries.delivery(self.at, names[0], names[1], self.green, self.frozen)
        return _spoiled(told) if names[1] == "push__hostile" else told

    def releases(self, names: list[str], query: dict[str, str]) -> Any:
        chance = random.Random(names[0])
        return fake_deliveries.releases(self.at, names[0], [self._commit(names[0], chance) for _ in range(8)])

    def ways_back(self, names: list[str], query: dict[str, str]) -> Any:
        """What is live goes, and the release before it comes."""
        [application] = [each for each in self.applications if each["name"] == names[0]]
        there = [(each["name"], each["live"]) for each in application["environments"] if "live" in each]
        return {"application": names[0], "environments": [self._way_back(names[0], *each) for each in there]}

    def _way_back(self, application: str, name: str, live: dict[str, Any]) -> dict[str, Any]:
        goes = {"commit": live["commit"], "subject": live["subject"]}
        comes = self._commit(application, random.Random(name))
        comes = {"commit": comes["commit"], "subject": comes["subject"]}
        key = "20261123T090000Z-{}".format
        told = [{"release": key(each["commit"][:8]), **each} for each in (goes, comes)]
        return {"name": name, "live": told[0], "before": told[1]}

    def compare(self, names: list[str], query: dict[str, str]) -> Any:
        known = self.releases(names, query)["releases"]
        keys = [each["release"] for each in known]
        old, new = keys.index(query["from"]), keys.index(query["to"])
        return fake_deliveries.compare(known[old], known[new], known[new:old])

    def _application(self, number: int) -> dict[str, Any]:
        chance = random.Random(number)
        name = f"{NOUNS[number % 10]}{'' if number < 10 else f'-{number // 10}'}"
        return {
            "name": name,
            **({"description": "What customers are about to buy"} if number % 3 else {}),
            "owner": f"team-{'abcd'[number % 4]}",
            "can_deploy": number != 3,
            "environments": [self._place(number, name, place, chance) for place in PLACES[:: 1 + number % 2]],
        }

    def _place(self, number: int, name: str, place: str, chance: random.Random) -> dict[str, Any]:
        last = place == "production"
        live = self._release(name, chance, 40 + chance.random() * 9000)
        found: dict[str, Any] = {"name": place, "live": live}
        if last and number in (1, 4):
            found["running"] = self._running(name, chance, "deploy" if number == 1 else "approve")
        if last and number in (2, 7):
            found["last"] = self._failed(name, chance, "rolled_back" if number == 2 else "refused")
        if last and number == 5:
            found["drift"] = f"{name} runs {name}:41, and {name}:39 is what was released"
        if number == 6:
            found |= {"waiting": 2, "coming": self._coming(name)}
        if number == 6 and last:
            del found["live"]
        if number == 8:
            live |= {"subject": HOSTILE, "author": HOSTILE}
            del live["verified"]
        return found

    def _release(self, name: str, chance: random.Random, minutes: float) -> dict[str, Any]:
        commit = self._commit(name, chance)
        made = {"digest": hashlib.sha256(commit["commit"].encode()).hexdigest()[:12], "at": self.at(minutes)}
        run = {"dag_id": f"deliver_{name}", "run_id": f"push__{commit['commit']}"}
        return {**_short(commit), **made, **run, "verified": True}

    def _commit(self, name: str, chance: random.Random) -> dict[str, str]:
        sha = hashlib.sha256(f"{name}{chance.random()}".encode()).hexdigest()[:40]
        return {"commit": sha, "subject": chance.choice(SUBJECTS), "author": chance.choice(AUTHORS)}

    def _running(self, name: str, chance: random.Random, task: str) -> dict[str, Any]:
        stage: dict[str, Any] = {"stage": f"production.{task}", "stage_state": "deferred", "since": self.at(2.5)}
        if task == "deploy":
            stage["weights"] = {"blue": 90.0, "green": 10.0}
        return {**_short(self._commit(name, chance)), **stage, "dag_id": f"deliver_{name}", "run_id": "push__running"}

    def _coming(self, name: str) -> list[dict[str, Any]]:
        """One that is being built, and one that waits for its turn."""
        commit = _short(self._commit(name, random.Random(name)))
        known = {"commit": commit["commit"], "subject": commit["subject"]}
        building = {"stage": "build", "stage_state": "deferred", **known}
        return [
            {"dag_id": f"deliver_{name}", "run_id": run_id, **told}
            for run_id, told in (("push__running", building), ("push__queued", {}))
        ]

    def _failed(self, name: str, chance: random.Random, outcome: str) -> dict[str, Any]:
        commit = self._commit(name, chance)
        sentence = {
            "rolled_back": f"was rolled back: {fake_deliveries.BACK}. Production runs {name}:38.",
            "refused": f"was refused: bob refused the release; production is untouched. Production runs {name}:38.",
        }[outcome]
        run = {"dag_id": f"deliver_{name}", "run_id": "push__failed", "at": self.at(14)}
        told = f"{name} {commit['commit'][:7]} to production {sentence}"
        return {**_short(commit), **run, "outcome": outcome, "sentence": told}


def _short(commit: dict[str, str]) -> dict[str, str]:
    return {**commit, "commit": commit["commit"][:12]}


def _spoiled(told: Any) -> Any:
    """The same shape; every text that is no key of the page's own is one that a stranger wrote."""
    if isinstance(told, dict):
        kept = ("dag_id", "state", "outcome", "name", "task_id", "environment", "severity", "decision")
        kept += ("run_id", "now", "since", "until", "release", "application", "deploy_dag_id", "stage", "stage_state")
        spared = {key for key in told if key in kept or key == "at" or key.endswith("_at")}
        return {key: each if key in spared else _spoiled(each) for key, each in told.items()}
    if isinstance(told, list):
        return [_spoiled(each) for each in told]
    if not isinstance(told, str):
        return told
    return "javascript:alert(3)//" if told.startswith(("/", "https:")) else HOSTILE


class _Handler(BaseHTTPRequestHandler):
    board: FakeBoard
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        path = address.path.removeprefix("/airdock/")
        if path.startswith("api/"):
            self._tell(path, {name: values[-1] for name, values in parse_qs(address.query).items()})
            return
        file = STATIC / (path.removeprefix("static/") or "index.html")
        if address.path.startswith("/airdock/") and file.is_file():
            self._send(200, file.read_bytes(), TYPES[file.suffix])
        else:
            self._send(404, b"not here", "text/plain")

    def _tell(self, path: str, query: dict[str, str]) -> None:
        status, told = self.board.answers.get(path, (200, None))
        found = self.board.told(path.removeprefix("api/"), query) if told is None else told
        found = _spoiled(found) if self.board.hostile else found
        if found is None:
            self._json(404, {"detail": "There is no such thing."})
            return
        telling = {name: each for name, each in found.items() if name != "now"}
        tag = f'"{hashlib.sha256(json.dumps(telling).encode()).hexdigest()[:16]}"'
        if status == 200 and self.headers.get("If-None-Match") == tag:
            self._send(304, b"", "application/json")
        else:
            self._json(status, found, tag)

    def _change(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"null")
        self.board.sent.append((self.command, self.path, body))
        status, told = self.board.answers.get(self.path, (200, None))
        dag_id = self.path.split("/")[4] if self.path.startswith("/api/v2/dags/") else ""
        self._json(status, told if told is not None else {"dag_id": dag_id, "dag_run_id": "manual__started"})

    do_POST = do_PATCH = _change

    def _json(self, status: int, told: Any, tag: str = "") -> None:
        self._send(status, json.dumps(told).encode(), "application/json", tag)

    def _send(self, status: int, body: bytes, kind: str, tag: str = "") -> None:
        self.send_response(status)
        headers = {"Content-Type": kind, "Content-Length": str(len(body)), "Content-Security-Policy": POLICY}
        headers |= {"X-Content-Type-Options": "nosniff", **({"ETag": tag} if tag else {})}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@contextmanager
def served(board: FakeBoard, port: int = 0) -> Iterator[FakeBoard]:
    """The board at `board.address` while the block lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", port), type("Handler", (_Handler,), {"board": board}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    board.address = f"http://127.0.0.1:{server.server_port}/airdock/"
    try:
        yield board
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
