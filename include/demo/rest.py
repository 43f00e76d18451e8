"""Airflow's REST API, as far as the demonstration asks it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Never through a proxy: everything asked here is on this machine."""


class RestError(Exception):
    """The API refused; `status` is HTTP's."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


def get_json(url: str, timeout_seconds: float = 10) -> Any:
    """What a GET answers. Raises OSError (URLError, HTTPError among them) when it does not."""
    with OPENER.open(url, timeout=timeout_seconds) as answer:
        return json.load(answer)


class Airflow:
    """A signed-in user of the REST API."""

    def __init__(self, address: str, user: str, password: str) -> None:
        self._address = address
        self._login = {"username": user, "password": password}
        self._token = ""

    def token(self) -> str:
        """A token for requests of one's own, good for a day."""
        self._call("GET", "version")
        return self._token

    def healthy(self) -> bool:
        """Whether database, scheduler, triggerer and dag-processor all report that they live."""
        try:
            parts = get_json(f"{self._address}/api/v2/monitor/health", 5)
        except (OSError, ValueError):
            return False
        return all((parts.get(name) or {}).get("status") == "healthy" for name in HEALTH_PARTS)

    def has_dag(self, dag_id: str) -> bool:
        """Whether the scheduler can run it now."""
        try:
            return not self._call("GET", f"dags/{dag_id}")["is_paused"]
        except RestError as error:
            if error.status == 404:
                return False
            raise

    def import_errors(self) -> list[str]:
        """What Airflow could not parse, each with its file."""
        found = self._call("GET", "importErrors")["import_errors"]
        return [f"{error['filename']}: {error['stack_trace'].strip()}" for error in found]

    def trigger(self, dag_id: str, run_id: str, conf: Mapping[str, Any], note: str = "") -> str:
        """Start a run; the same `run_id` again is refused by Airflow with 409."""
        body = {"dag_run_id": run_id, "logical_date": None, "conf": dict(conf), "note": note}
        return str(self._call("POST", f"dags/{dag_id}/dagRuns", body)["dag_run_id"])

    def run_of(self, dag_id: str, revision: str) -> str:
        """The id of the run that delivers this revision, "" while there is none."""
        found = self._call("GET", f"dags/{dag_id}/dagRuns?limit=20&order_by=-run_after")["dag_runs"]
        ids = (str(run["dag_run_id"]) for run in found if (run.get("conf") or {}).get("revision") == revision)
        return next(ids, "")

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        return dict(self._call("GET", f"dags/{dag_id}/dagRuns/{quote(run_id)}"))

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """The run's task instances, in the order in which they started."""
        found = self._call("GET", f"dags/{dag_id}/dagRuns/{quote(run_id)}/taskInstances?limit=100")["task_instances"]
        return sorted(found, key=lambda task: task["start_date"] or "9")

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str = "return_value") -> Any:
        """What a task handed on; None when it did not."""
        path = f"dags/{dag_id}/dagRuns/{quote(run_id)}/taskInstances/{task_id}/xcomEntries/{key}?deserialize=true"
        try:
            return self._call("GET", path)["value"]
        except RestError as error:
            if error.status == 404:
                return None
            raise

    def log(self, dag_id: str, run_id: str, task_id: str, attempt: int) -> list[dict[str, Any]]:
        """The log of one attempt, a record for each line: `event`, `level`, and more."""
        path = f"dags/{dag_id}/dagRuns/{quote(run_id)}/taskInstances/{task_id}/logs/{attempt}"
        lines = self._call("GET", f"{path}?full_content=true")["content"]
        return [line if isinstance(line, dict) else {"event": line} for line in lines]

    def clear(self, dag_id: str, run_id: str, task_ids: list[str]) -> None:
        """Clear tasks of a run with everything after them, as the UI's button does."""
        body = {"dry_run": False, "dag_run_id": run_id, "task_ids": task_ids, "only_failed": False}
        body["include_downstream"] = True
        self._call("POST", f"dags/{dag_id}/clearTaskInstances", body)

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        if not self._token:
            self._token = self._send("POST", "/auth/token", self._login)["access_token"]
        try:
            return self._send(method, f"/api/v2/{path}", body)
        except RestError as error:
            if error.status != 401:
                raise
        # A token lives a day; a demonstration that stays up may outlive it.
        self._token = ""
        return self._call(method, path, body)

    def _send(self, method: str, path: str, body: Any) -> Any:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._address + path, data, headers, method=method)
        try:
            with OPENER.open(request, timeout=30) as answer:
                return json.loads(answer.read() or "null")
        except urllib.error.HTTPError as error:
            raise RestError(error.code, error.read().decode(errors="replace")[:500]) from None


HEALTH_PARTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")
