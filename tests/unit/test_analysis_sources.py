"""Where the numbers of an analysis come from: what is asked, and what becomes of sources that fail."""

from __future__ import annotations

import json
import sqlite3
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import airflow.sdk
import pytest
from botocore.session import Session
from botocore.validate import ParamValidator

from airdock.aws import analysis
from airdock.aws.analysis import Subject, Version, gather
from airdock.aws.analysis.cloudwatch import period_seconds
from airdock.aws.analysis.subject import Window
from airdock.plan.analysis import Measured
from airdock.spec import Analysis

ARN = "arn:aws:ecs:eu-west-1:123456789012:task-definition/greeter:{}"
GROUP = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/greeter-{}/1"
BALANCER = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/demo/5"
ERRORS = {"errors": {"metric": "Errors", "missing": 0}, "requests": {"metric": "RequestCount"}}
RATE = {
    "name": "rate",
    "kind": "cloudwatch",
    "metrics": ERRORS,
    "expression": "errors / requests",
    "samples": "requests",
    "at_most_times_baseline": 2,
}
LATENCY = {
    "name": "latency",
    "kind": "cloudwatch",
    "metrics": {"p99": {"metric": "TargetResponseTime", "statistic": "p99"}},
    "at_most": 1,
}


class FakeCloudWatch:
    """An account whose CloudWatch answers in pages with what a test wants by (metric, target group, page)."""

    def __init__(self, *pages: dict[tuple[str, str], list[float]], status: str = "Complete") -> None:
        self.pages, self.status = pages, status
        self.asked: list[dict[str, Any]] = []

    def client(self, service: str) -> Any:
        assert service == "cloudwatch"
        return self

    def get_paginator(self, operation: str) -> Any:
        assert operation == "get_metric_data"
        return self

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        self.asked.append(request)
        for number, page in enumerate(self.pages):
            last = number == len(self.pages) - 1
            yield {"MetricDataResults": [self._result(query, page, last) for query in request["MetricDataQueries"]]}

    def _result(self, query: dict[str, Any], page: dict[tuple[str, str], list[float]], last: bool) -> dict[str, Any]:
        metric = query["MetricStat"]["Metric"]
        group = next(each["Value"] for each in metric["Dimensions"] if each["Name"] == "TargetGroup")
        values = page.get((metric["MetricName"], group.split("/")[1]), [])
        return {"Id": query["Id"], "Values": values, "StatusCode": self.status if last else "PartialData"}


def a_subject(account: Any = None, old: bool = True, **told: Any) -> Subject:
    new, before = (
        Version(ARN.format(revision), GROUP.format(colour)) for revision, colour in ((8, "green"), (7, "blue"))
    )
    since = told.pop("since", datetime.now(UTC) - timedelta(minutes=3))
    return Subject(account, "demo", "greeter", new, before if old else None, BALANCER, since)


def measured(*checks: dict[str, Any], of: Subject | None = None, **told: Any) -> list[Measured]:
    return gather(Analysis.model_validate({"checks": list(checks)}), of or a_subject(), **told)


def test_all_metrics_of_both_versions_are_one_question() -> None:
    page = {("Errors", "greeter-green"): [3.0], ("RequestCount", "greeter-green"): [60.0, 40.0]}
    old = {("RequestCount", "greeter-blue"): [900.0], ("TargetResponseTime", "greeter-green"): [0.5]}
    aws = FakeCloudWatch(page, old)
    rate, latency = measured(RATE, LATENCY, of=a_subject(aws))
    assert (rate.value, rate.baseline, rate.samples, rate.baseline_samples) == (0.03, 0.0, 100, 900)
    assert (latency.value, latency.baseline, latency.samples) == (0.5, None, None)
    [request] = aws.asked
    assert len(request["MetricDataQueries"]) == 5
    assert request["MetricDataQueries"][0]["MetricStat"]["Metric"]["Dimensions"] == [
        {"Name": "TargetGroup", "Value": "targetgroup/greeter-green/1"},
        {"Name": "LoadBalancer", "Value": "app/demo/5"},
    ]


def test_the_largest_analysis_is_still_one_question() -> None:
    metrics = {f"m{number}": {"metric": "RequestCount"} for number in range(10)}
    check = {**RATE, "metrics": metrics, "expression": "m0 + m9", "samples": "m0"}
    aws = FakeCloudWatch({})
    measured(*({**check, "name": f"c{number}"} for number in range(20)), of=a_subject(aws))
    [request] = aws.asked
    assert len(request["MetricDataQueries"]) == 400
    assert len({query["Id"] for query in request["MetricDataQueries"]}) == 400
    model = Session().get_service_model("cloudwatch").operation_model("GetMetricData").input_shape
    assert not ParamValidator().validate(request, model).has_errors()


def test_no_requests_are_no_number_and_no_samples() -> None:
    [rate] = measured(RATE, of=a_subject(FakeCloudWatch({})))
    assert (rate.value, rate.baseline, rate.samples, rate.baseline_samples, rate.error) == (None, None, 0, 0, "")


def test_first_release_has_no_baseline() -> None:
    [rate] = measured(RATE, of=a_subject(FakeCloudWatch({("RequestCount", "greeter-green"): [9.0]}), old=False))
    assert (rate.value, rate.baseline, rate.baseline_samples) == (0, None, None)


@pytest.mark.parametrize("status", ["PartialData", "InternalError", "Forbidden"])
def test_metrics_that_are_not_complete_are_an_error(status: str) -> None:
    page = {("RequestCount", "greeter-green"): [9.0]}
    [rate] = measured(RATE, of=a_subject(FakeCloudWatch(page, status=status)))
    assert rate.error == f"CloudWatch answered {status}"


@pytest.mark.parametrize(("minutes", "seconds"), [(1, 60), (30, 300)])
def test_window_is_the_last_minutes_but_nothing_from_before_the_step(minutes: int, seconds: int) -> None:
    now = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)
    window = Window.of(now - timedelta(minutes=minutes), 5, now)
    assert window == Window(now - timedelta(seconds=seconds), now)
    assert period_seconds(window) % 60 == 0
    assert window.start.replace(second=0) + timedelta(seconds=period_seconds(window)) >= now


def test_step_that_begins_this_moment_still_has_a_window() -> None:
    now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert Window.of(now + timedelta(seconds=5), 5, now).seconds == 1


class FakeHook:
    """A hook of a database, over SQLite."""

    def __init__(self, file: Path, *orders: tuple[str, float]) -> None:
        self.file = str(file)
        with sqlite3.connect(self.file) as database:
            database.execute("create table orders (version text, price real)")
            database.executemany("insert into orders values (?, ?)", orders)

    def get_conn(self) -> sqlite3.Connection:
        return sqlite3.connect(self.file)

    def get_first(self, sql: str, parameters: Any = None) -> Any:
        raise AssertionError("commits what it was given to do")


class FakeDriver:
    """A hook, its connection and its cursor, whose queries do what a test says."""

    def __init__(self, row: Callable[[], Any]) -> None:
        self.row = row
        self.asked: list[str] = []

    def get_conn(self) -> FakeDriver:
        return self

    get_first = cursor = get_conn

    def execute(self, query: str, parameters: Any) -> None:
        self.asked.append(query)

    def fetchone(self) -> Any:
        return self.row()

    def close(self) -> None:
        """Nothing is open."""


def hooked(monkeypatch: pytest.MonkeyPatch, hook: Any) -> None:
    monkeypatch.setattr(airflow.sdk.BaseHook, "get_hook", staticmethod(lambda connection: hook))


SQL = {
    "name": "price",
    "kind": "sql",
    "connection": "shop",
    "query": "select avg(price), count(*) from orders where version = :version",
    "at_least_times_baseline": 0.5,
}


ALONE = {**SQL, "at_least_times_baseline": None, "at_least": 1}


def test_sql_tells_the_number_and_the_samples_of_both_versions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    hooked(monkeypatch, FakeHook(tmp_path / "shop", ("greeter:8", 4), ("greeter:7", 10), ("greeter:7", 20)))
    assert measured(SQL) == [Measured("price", 4, 15, 1, 2)]


def test_sql_has_a_query_of_its_own_for_the_old_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    hooked(monkeypatch, FakeHook(tmp_path / "shop", ("greeter:8", 4)))
    assert measured({**SQL, "baseline_query": "select 7"}) == [Measured("price", 4, 7, 1)]


def test_query_that_writes_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    hook = FakeHook(tmp_path / "shop", ("greeter:8", 4))
    hooked(monkeypatch, hook)
    assert measured({**ALONE, "query": "delete from orders returning price"})[0].value == 4
    assert hook.get_conn().execute("select count(*) from orders").fetchone() == (1,)


@pytest.mark.parametrize(("row", "value"), [((Decimal("1.5"),), 1.5), ((None,), None), (None, None), ((), None)])
def test_rows_of_drivers_become_numbers(monkeypatch: pytest.MonkeyPatch, row: Any, value: float | None) -> None:
    hooked(monkeypatch, FakeDriver(lambda: row))
    [price] = measured(ALONE)
    assert (price.value, price.error) == (value, "")


def test_query_that_fails_or_gives_no_number_is_its_checks_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hooked(monkeypatch, FakeHook(tmp_path / "shop"))
    broken, text = measured({**SQL, "query": "select prize from orders"}, {**SQL, "name": "b", "query": "select 'x'"})
    assert broken.error == "OperationalError: no such column: prize"
    assert text.error == "the query gave 'x', which is no number"


def test_connection_to_something_else_than_a_database_is_its_checks_error(monkeypatch: pytest.MonkeyPatch) -> None:
    hooked(monkeypatch, object())
    assert measured(SQL)[0].error == "the connection shop is none to a database"


def test_text_that_looks_like_a_template_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    hook = FakeDriver(lambda: (1,))
    hooked(monkeypatch, hook)
    query = "select '{{ conn.shop.password }}', '{version}'"
    measured({**ALONE, "query": query})
    assert hook.asked == [query]


def test_source_that_hangs_costs_its_check_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    going_on = threading.Event()
    hooked(monkeypatch, FakeDriver(lambda: going_on.wait(60)))
    # The minute is all but over once the metrics are there, which are waited for first.
    monkeypatch.setattr(analysis, "time", SimpleNamespace(monotonic=iter([0.0, 0.0, 59.9]).__next__))
    aws = FakeCloudWatch({("TargetResponseTime", "greeter-green"): [0.5]})
    price, latency = measured(SQL, LATENCY, of=a_subject(aws), longest_seconds=60)
    going_on.set()
    assert price == Measured("price", error="there was no answer within 60 seconds")
    assert latency.value == 0.5


class _Prometheus(BaseHTTPRequestHandler):
    """Answers a query with what a test has put under it."""

    answers: dict[str, Any] = {}
    asked: list[tuple[str, str | None]] = []

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)["query"][0]
        self.asked.append((query, self.headers["Authorization"]))
        result = self.answers.get(query)
        body = {"status": "success", "data": result} if result else {"status": "error", "error": "parse error"}
        self.send_response(200 if result else 400)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        """Silence."""


@pytest.fixture
def prometheus(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Prometheus]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Prometheus)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _Prometheus.answers, _Prometheus.asked = {}, []
    told = {"conn_type": "http", "host": "127.0.0.1", "port": server.server_port, "login": "me", "password": "secret"}
    monkeypatch.setenv("AIRFLOW_CONN_PROM", json.dumps(told))
    yield _Prometheus
    server.shutdown()
    server.server_close()


def a_vector(*values: str) -> dict[str, Any]:
    return {"resultType": "vector", "result": [{"metric": {}, "value": [1.0, value]} for value in values]}


PROM = {"name": "slow", "kind": "prometheus", "connection": "prom", "query": 'slow{v="{version}"}'}


def test_prometheus_is_asked_for_both_versions(prometheus: type[_Prometheus]) -> None:
    prometheus.answers = {
        'slow{v="greeter:8"}': a_vector("0.5"),
        'slow{v="greeter:7"}': {"resultType": "scalar", "result": [1.0, "0.25"]},
        'n{v="greeter:8"}[180s]': a_vector("40"),
        'n{v="greeter:7"}[180s]': a_vector(),
    }
    check = {**PROM, "samples_query": 'n{v="{version}"}[{window}]', "at_most_times_baseline": 2}
    long_ago = a_subject(since=datetime(2026, 1, 1, tzinfo=UTC))
    asked = Analysis.model_validate({"checks": [check], "window_minutes": 3})
    assert gather(asked, long_ago) == [Measured("slow", 0.5, 0.25, 40, 0)]
    pair = b64encode(b"me:secret").decode()
    assert {header for _, header in prometheus.asked} == {f"Basic {pair}"}


@pytest.mark.parametrize(
    ("answer", "value", "error"),
    [
        (a_vector(), None, ""),
        (a_vector("1", "2"), None, "the query gave 2 series as vector, and a single number is wanted"),
        ({"resultType": "matrix", "result": []}, None, "the query gave 0 series as matrix"),
        (None, None, "Prometheus answered 400: parse error"),
    ],
)
def test_prometheus_without_a_single_number(
    prometheus: type[_Prometheus], answer: Any, value: float | None, error: str
) -> None:
    prometheus.answers = {'slow{v="greeter:8"}': answer}
    [slow] = measured({**PROM, "at_most": 1})
    assert slow.value == value
    assert error in slow.error
    assert bool(error) == bool(slow.error)


@pytest.mark.parametrize("told", ["NaN", "+Inf", "-Inf"])
def test_what_is_no_number_is_none(prometheus: type[_Prometheus], told: str) -> None:
    prometheus.answers = {'slow{v="greeter:8"}': a_vector(told)}
    [slow] = measured({**PROM, "at_most": 1})
    assert slow == Measured("slow", note=f"value is {float(told)}")


def test_connections_lead_to_no_metadata_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_PROM", json.dumps({"conn_type": "http", "host": "169.254.169.254"}))
    probe = {"name": "probe", "kind": "http", "url": "http://169.254.170.2/"}
    for found in measured({**PROM, "at_most": 1}, probe):
        assert "link-local and metadata addresses are never asked" in found.error


def test_service_that_gives_no_answer_answers_badly() -> None:
    probe = {"name": "probe", "kind": "http", "url": "http://127.0.0.1:1/", "most_failures": 2}
    [found] = measured(probe)
    assert (found.value, found.samples, found.error) == (3, 3, "")
    assert "gave no answer" in found.note
