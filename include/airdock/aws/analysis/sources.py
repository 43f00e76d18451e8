"""Numbers from the service itself, from a database, and from Prometheus.

A check's author is reviewed code of the team's own, and its connections are made by those who run Airflow. The
addresses are asked as `airdock.aws.answer` asks: no redirects, nothing link-local.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airdock.aws.analysis.subject import Subject, Version, Window, filled
from airdock.aws.answer import ask
from airdock.aws.watch.answers import Question, why_bad
from airdock.errors import Fault, Refused
from airdock.plan.analysis import Measured
from airdock.spec.check import HttpCheck, PrometheusCheck, SqlCheck

if TYPE_CHECKING:
    from airflow.sdk import Connection

ANSWER_SECONDS = 5
QUERY_SECONDS = 20


def http(check: HttpCheck, subject: Subject, window: Window) -> Measured:  # noqa: ARG001 - one shape for all
    """How many answers were bad, of how many; enough bad ones end it. Raises Refused for what may not be asked."""
    question = Question(check.url, check.status, check.contains)
    asked, bad = 0, list[str]()
    while asked < check.samples and len(bad) <= check.most_failures:
        asked += 1
        bad += filter(None, [_why_bad(question)])
    return Measured(check.name, len(bad), samples=asked, note=bad[-1] if bad else "")


def _why_bad(question: Question) -> str:
    """No answer is a bad one: whether the service answers is the very question."""
    try:
        return why_bad(question, ask(question.url, ANSWER_SECONDS))
    except Fault as fault:
        return fault.sentence.removeprefix(question.url).strip()


def sql(check: SqlCheck, subject: Subject, window: Window) -> Measured:
    """What the queries tell. Values go as parameters, never into the text. Raises Refused; and what drivers raise."""
    from airflow.sdk import BaseHook

    hook = BaseHook.get_hook(check.connection)
    if not hasattr(hook, "get_first"):
        raise Refused(f"the connection {check.connection} is none to a database")

    def row(query: str, version: Version) -> Sequence[Any]:
        return _first_row(hook, query, {**subject.words(version), "since": window.start, "until": window.end})

    new = row(check.query, subject.new)
    old = row(check.baseline_query or check.query, subject.old) if check.compares and subject.old else ()
    return Measured(check.name, _cell(new, 0), _cell(old, 0), _cell(new, 1), _cell(old, 1))


def _first_row(hook: Any, query: str, parameters: Mapping[str, Any]) -> Sequence[Any]:
    """The first row, or nothing. The hook's own methods commit; closed without it, a query that writes is undone."""
    with closing(hook.get_conn()) as connection, closing(connection.cursor()) as cursor:
        cursor.execute(query, dict(parameters))
        return cursor.fetchone() or ()


def _cell(row: Sequence[Any], column: int) -> float | None:
    """A number of a row, Decimal or whatever the driver makes; NULL and what is not there are None."""
    if len(row) <= column or row[column] is None:
        return None
    try:
        return float(row[column])
    except (TypeError, ValueError):
        raise Refused(f"the query gave {str(row[column])[:80]!r}, which is no number") from None


def prometheus(check: PrometheusCheck, subject: Subject, window: Window) -> Measured:
    """What the queries tell at the window's end. Raises Refused or Fault."""
    from airflow.sdk import BaseHook

    connection = BaseHook.get_connection(check.connection)

    def number(query: str | None, version: Version | None) -> float | None:
        if query is None or version is None:
            return None
        words = {**subject.words(version), "window": f"{window.seconds}s"}
        return _instant(connection, filled(query, words), window)

    old = subject.old if check.compares else None
    return Measured(
        check.name,
        number(check.query, subject.new),
        number(check.query, old),
        _counted(check, number(check.samples_query, subject.new)),
        _counted(check, number(check.samples_query, old)) if old else None,
    )


def _counted(check: PrometheusCheck, samples: float | None) -> float | None:
    """No result of a query that counts means none."""
    return samples if check.samples_query is None or samples is not None else 0.0


def _instant(connection: Connection, query: str, window: Window) -> float | None:
    """Prometheus "HTTP API", instant queries."""
    url = f"{_address(connection)}/api/v1/query?query={quote(query, safe='')}&time={window.end.timestamp():.3f}"
    answer = ask(url, QUERY_SECONDS, _authorization(connection))
    told = _parsed(answer.body)
    if answer.status != 200 or told.get("status") != "success":
        kind = Fault if answer.status >= 500 else Refused
        raise kind(f"Prometheus answered {answer.status}: {str(told.get('error') or answer.body)[:200]}")
    return _single(told["data"])


def _single(data: Mapping[str, Any]) -> float | None:
    kind, result = data.get("resultType"), data.get("result") or []
    if kind == "scalar":
        return float(result[1])
    if kind != "vector" or len(result) > 1:
        raise Refused(f"the query gave {len(result)} series as {kind}, and a single number is wanted")
    return float(result[0]["value"][1]) if result else None


def _parsed(body: str) -> Mapping[str, Any]:
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _address(connection: Connection) -> str:
    """The address as an HTTP connection of Airflow tells it: the scheme in the host, the schema, or http."""
    host = (connection.host or "").rstrip("/")
    if "://" in host:
        return host
    port = f":{connection.port}" if connection.port else ""
    return f"{connection.schema or 'http'}://{host}{port}"


def _authorization(connection: Connection) -> dict[str, str]:
    """Basic where there is a login, else a bearer's token where there is only a password."""
    if connection.login:
        pair = f"{connection.login}:{connection.password or ''}".encode()
        return {"Authorization": f"Basic {b64encode(pair).decode()}"}
    return {"Authorization": f"Bearer {connection.password}"} if connection.password else {}
