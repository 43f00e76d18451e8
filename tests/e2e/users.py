"""Airflow's users beside the administrator: what they may do, they do through the API that its UI uses."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from demo.place import ADMIN, Place
from demo.rest import Airflow
from tests.e2e.pipelines import USERS

SETTINGS = {
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(
        f"{name}:{role}" for name, role in {ADMIN: "admin", **USERS}.items()
    )
}


class User(Airflow):
    """A signed-in user."""

    def __init__(self, place: Place, name: str) -> None:
        super().__init__(place.ui, name, place.secrets.admin_password)

    def answer(self, dag_id: str, run_id: str, task_id: str, option: str) -> None:
        """Answer a required action. Raises RestError."""
        path = f"dags/{dag_id}/dagRuns/{quote(run_id)}/taskInstances/{task_id}/-1/hitlDetails"
        self._call("PATCH", path, {"chosen_options": [option], "params_input": {}})

    def question(self, dag_id: str, run_id: str, task_id: str) -> dict[str, Any]:
        """A required action as its page shows it."""
        path = f"dags/{dag_id}/dagRuns/{quote(run_id)}/taskInstances/{task_id}/-1/hitlDetails"
        return dict(self._call("GET", path))


def write_passwords(place: Place) -> None:
    """Everybody has the administrator's password: it is made for one run, and worth nothing after it."""
    known = dict.fromkeys((ADMIN, *USERS), place.secrets.admin_password)
    place.passwords.write_text(json.dumps(known))
