"""Who asks, and what Airflow lets them see and do. Airflow is imported late: every component imports the plugin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import HTTPException, Request


@dataclass(frozen=True, slots=True)
class User:
    """A signed-in user: `sees` and `edits` are ids of dags."""

    name: str
    sees: frozenset[str]
    edits: frozenset[str]
    account: Any = None
    """The user as Airflow's auth manager knows it."""
    id: str = ""


async def airflow_account(request: Request) -> Any:
    """Airflow's user, by its own token in header or cookie. Raises HTTPException with 401 or 403."""
    from airflow.api_fastapi.core_api.security import bearer_scheme, get_user

    return await get_user(request, None, await bearer_scheme(request))


def with_rights(account: Any) -> User:
    """The user with the dags that Airflow's auth manager grants; two queries, however many dags there are.

    Raises HTTPException with 403 for who may not see what plugins show.
    """
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.models.resource_details import AccessView

    manager = get_auth_manager()
    if not manager.is_authorized_view(access_view=AccessView.PLUGINS, user=account):
        raise HTTPException(403, "You may not see what Airflow's plugins show.")
    return User(
        account.get_name(),
        frozenset(manager.get_authorized_dag_ids(user=account, method="GET")),
        frozenset(manager.get_authorized_dag_ids(user=account, method="PUT")),
        account,
        str(account.get_id()),
    )


def may_freeze(user: User) -> bool:
    """Who may write Airflow's variables may stop the line and let it run: the freeze is one of them."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.models.resource_details import VariableDetails

    manager, details = get_auth_manager(), VariableDetails(key="airdock_freeze")
    methods: tuple[Any, ...] = ("POST", "PUT", "DELETE")
    return all(manager.is_authorized_variable(method=each, details=details, user=user.account) for each in methods)
