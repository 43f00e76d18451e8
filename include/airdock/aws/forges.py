"""The forge that a pipeline's commits are reported to, and the connection that may report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airdock.aws.code_repositories import CodeRepository, login_of
from airdock.errors import Refused

if TYPE_CHECKING:
    from airdock.forge.api import Api
    from airdock.spec.report import Report


def may_have_one(repository: CodeRepository, report: Report) -> bool:
    """Whether it is worth looking at a connection at all."""
    if report.to_forge is False or repository.provider == "codecommit":
        return False
    return bool(report.to_forge or report.connection or repository.connection)


def forge_of(repository: CodeRepository, report: Report) -> Api | None:
    """The forge's API with a token for it; None where there is none at hand, and the pipeline did not ask for it.

    Raises:
        Refused: the pipeline did, and it can't be had.
    """
    asked_for = bool(report.to_forge or report.connection)
    try:
        return _api(repository, report, asked_for)
    except Refused:
        if asked_for:
            raise
        return None


def _api(repository: CodeRepository, report: Report, asked_for: bool) -> Api:
    # Whoever has no forge to tell does not pay for an HTTP library.
    from airdock.forge.access import authorization
    from airdock.forge.address import address
    from airdock.forge.api import Api

    named = report.connection or repository.connection
    connection = _connection(named)
    allow_http = bool(connection.extra_dejson.get("allow_http"))
    at = address(repository.provider, repository.name, report.forge, allow_http)
    if at is None:
        raise Refused(f"what the server of {repository.name} is, `report` does not say")
    header = authorization(at.forge, login_of(connection, repository.provider), asked_for)
    if not header:
        raise Refused(f"the Airflow connection {named!r} holds no API token")
    return Api(at, header)


def _connection(named: str | None) -> Any:
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    if named is None:
        raise Refused("neither `report` nor the source names a connection")
    try:
        return BaseHook.get_connection(named)
    except AirflowNotFoundException:
        raise Refused(f"there is no Airflow connection {named!r}") from None
