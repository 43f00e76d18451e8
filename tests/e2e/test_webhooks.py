"""Signed messages to a real api-server: what it answers, what it stores, and which runs come of it."""

from __future__ import annotations

import contextlib
import http.client
import json
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from demo.place import Place, Ports
from demo.rest import RestError
from demo.stack import Stack
from tests.e2e.pipelines import copied_dags
from tests.e2e.senders import CONNECTIONS, MESSAGES, PIPELINES, TOPIC_OF_TESTS
from tests.e2e.sns_proxy import Proxy, proxying
from tests.git_server import GitServer, serving
from tests.hooks.sender import COMMIT, Sent, payload, sent, signed
from tests.hooks.sns_topic import HOST

SECONDS = 90
MONOREPO = "source: {provider: github, repository: acme/greeter}\n"
IDENTIFIED = ", repository_id: '35129377'"
PASSWORD = "the-password-of-the-git-server"
LOGIN = {"AIRFLOW_CONN_SOURCE": json.dumps({"conn_type": "git", "login": "airdock", "password": PASSWORD})}


class Hooks:
    """An api-server that providers send to, and the database behind it. No scheduler: runs stay as they were made."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.client = httpx.Client(base_url=f"{stack.place.ui}/airdock/hooks", timeout=30, trust_env=False)

    def send(self, message: Sent) -> httpx.Response:
        provider, body, headers = message
        return self.client.post(f"/{provider}", content=body, headers=headers)

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        database = sqlite3.connect(f"file:{self.stack.place.home / 'airflow.db'}?mode=ro", uri=True, timeout=20)
        try:
            return list(database.execute(sql, values))
        finally:
            database.close()

    def runs(self, run_id: str) -> list[str]:
        """The dags that have a run of this id, each as often as it has one."""
        return [dag for (dag,) in self.query("select dag_id from dag_run where run_id = ? order by dag_id", run_id)]

    def wait_until_done(self, delivery: str) -> None:
        """Return once all is started that the push starts."""
        done = "select 1 from airdock_accepted_push where delivery = ? and done_at is not null"
        self.until(lambda: bool(self.query(done, delivery)), f"nobody took the push {delivery}")

    def wait_until_looked_at(self, delivery: str) -> None:
        """What concerns nobody is looked at again for some minutes: once that begins, the first look is over."""
        again = "select 1 from airdock_accepted_push where delivery = ? and (done_at is not null or attempts > 1)"
        self.until(lambda: bool(self.query(again, delivery)), f"nobody took the push {delivery}")

    def until(self, ready: Callable[[], bool], complaint: str) -> None:
        deadline = time.monotonic() + SECONDS
        while not ready():
            assert time.monotonic() < deadline, complaint
            self.stack.check()
            threading.Event().wait(0.2)

    def healthy(self) -> bool:
        try:
            return httpx.get(f"{self.stack.place.ui}/api/v2/version", timeout=5, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def restart(self) -> None:
        """Let the api-server die at once, and start it anew."""
        self.stack.kill("api-server")
        self.start()

    def start(self) -> None:
        self.stack.start("api-server")
        self.until(self.healthy, "the api-server does not answer")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    """A git server that wants a password."""
    with serving(tmp_path_factory.mktemp("served")) as state:
        state.password = PASSWORD
        yield state


@pytest.fixture(scope="module")
def sns(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with proxying(tmp_path_factory.mktemp("sns"), TOPIC_OF_TESTS) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory, server: GitServer, sns: Proxy) -> Iterator[Hooks]:
    folder = tmp_path_factory.mktemp("hooks")
    dags = _dags(folder / "dags", server.url())
    place = Place(folder / "run", dags, Ports.free(), settings={**CONNECTIONS, **LOGIN, **sns.settings})
    with Stack(place) as stack:
        stack.migrate()
        stack.start("dag-processor")
        served = Hooks(stack)
        served.start()
        for name in ("one", "two", "three", "four", *PIPELINES):
            stack.wait_for_dag(f"deliver_{name}")
        yield served


def _dags(folder: Path, address: str) -> Path:
    """The demonstration's dags, with two applications in a repository at GitHub, two in one at a git server, and one in
    a repository of each other provider."""
    pipelines = copied_dags(folder, 8000) / "pipelines"
    text = (pipelines / "greeter.yaml").read_text()
    head, _, rest = text.partition("source:")
    rest = rest.partition("\nbuild:")[2]
    own_server = f"source: {{provider: git, repository: '{address}', connection: source}}\n"
    sources = dict(PIPELINES)
    for name, source in {"one": MONOREPO, "two": MONOREPO, "three": own_server, "four": own_server}.items():
        identified = IDENTIFIED if source is MONOREPO else ""
        sources[name] = f"{source}triggers: {{paths: [services/{name}], tags: ['v*']{identified}}}\n"
    for name, source in sources.items():
        own = head.replace("application: greeter", f"application: {name}") + source + "build:" + rest
        (pipelines / f"{name}.yaml").write_text(own)
    return folder


def test_signed_push_starts_one_run_of_the_pushed_commit(hooks: Hooks) -> None:
    files = {"added": ["services/two/new"], "removed": [], "modified": []}
    commits = [{"id": COMMIT, "message": "Add it", **files}]
    answer = hooks.send(sent("github_push", "first", commits=commits, head_commit=commits[0]))
    assert (answer.status_code, answer.json()["runs"]) == (202, ["github__first"])
    hooks.wait_until_done("first")

    assert hooks.runs("github__first") == ["deliver_two"]
    run = hooks.stack.airflow.run("deliver_two", "github__first")
    assert run["conf"] == {"revision": COMMIT, "ref": "refs/heads/main"}
    assert run["triggering_user_name"] == "ada"
    assert run["note"] == "main of acme/greeter pushed by ada (github): Add it"


@pytest.mark.parametrize("way", MESSAGES)
def test_25_redeliveries_start_one_run_and_all_are_answered_well(hooks: Hooks, way: str) -> None:
    delivery = str(uuid.uuid4())
    dag, message_of = MESSAGES[way]
    message = message_of(delivery)
    with ThreadPoolExecutor(20) as at_once:
        answers = list(at_once.map(hooks.send, [message] * 20))
    hooks.wait_until_done(delivery)
    answers += [hooks.send(message) for _ in range(5)]

    run_id = f"{message[0]}__{delivery}"
    assert sorted(answer.status_code for answer in answers) == [200] * 24 + [202]
    assert {tuple(answer.json()["runs"]) for answer in answers} == {(run_id,)}
    assert hooks.runs(run_id) == [dag]
    for late in answers[-5:]:
        started = [f"deliver_{each['application']}" for each in late.json()["results"] if each["run_id"] == run_id]
        assert started == [dag]


def test_all_messages_of_a_topic_need_its_certificate_once(hooks: Hooks, sns: Proxy) -> None:
    _, message_of = MESSAGES["codecommit by sns"]
    answers = [hooks.send(message_of(str(uuid.uuid4()))) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [202] * 5
    assert sns.asked.count(f"{HOST}:443") == 1


def test_redelivery_is_answered_with_what_came_of_the_push(hooks: Hooks) -> None:
    delivery = str(uuid.uuid4())
    files = {"added": [], "removed": [], "modified": [f"services/one/{number}" for number in range(400)]}
    message = sent("github_push", delivery, commits=[{"id": COMMIT, **files}])
    hooks.send(message)
    hooks.wait_until_done(delivery)
    [one, two] = sorted(hooks.send(message).json()["results"], key=lambda each: each["application"])
    assert one["run_id"] == f"github__{delivery}"
    assert (two["run_id"], two["sentence"]) == (
        "",
        "the push to main changes 400 files, none of which is among the paths of two",
    )


def test_push_of_unknown_files_starts_what_git_says(hooks: Hooks, server: GitServer, tmp_path: Path) -> None:
    before = server.push(tmp_path)
    (tmp_path / "services" / "three").mkdir(parents=True)
    for number in range(400):
        (tmp_path / "services" / "three" / str(number)).write_text("new")
    after = server.push(tmp_path)
    told = {"repository": server.url(), "ref": "refs/heads/main", "before": before, "after": after}
    assert hooks.send(signed("generic_push", json.dumps(told).encode(), "asked")).status_code == 202
    # It is never done here: what the broken pipeline file would want of it is not known.
    hooks.until(lambda: bool(hooks.runs("generic__asked")), "nobody took the push asked")
    assert hooks.runs("generic__asked") == ["deliver_three"]


def test_accepted_push_outlives_the_api_server(hooks: Hooks) -> None:
    deliveries = [str(uuid.uuid4()) for _ in range(10)]
    answers = [hooks.send(sent("github_tag", each, pushed_for=each)).status_code for each in deliveries]
    hooks.restart()
    assert answers == [202] * 10
    for delivery in deliveries:
        hooks.wait_until_done(delivery)
        assert hooks.runs(f"github__{delivery}") == ["deliver_one", "deliver_two"]


def test_request_starts_the_application_that_it_names(hooks: Hooks) -> None:
    body = json.dumps({"application": "two", "environment": "production", "pusher": "ada"}).encode()
    assert hooks.send(signed("generic_request", body, "wanted-1")).status_code == 202
    hooks.wait_until_done("wanted-1")
    assert hooks.runs("generic__wanted-1") == ["deliver_two"]


def test_rest_api_takes_the_same_params_once_and_refuses_others(hooks: Hooks) -> None:
    airflow = hooks.stack.airflow
    wanted = {"revision": "v1.2.0", "environment": "production"}
    assert airflow.trigger("deliver_one", "ada__1", wanted) == "ada__1"
    assert airflow.run("deliver_one", "ada__1")["conf"] == wanted
    for run_id, conf, status in (("ada__1", wanted, 409), ("ada__2", {"environment": "moon"}, 400)):
        with pytest.raises(RestError) as refused:
            airflow.trigger("deliver_one", run_id, conf)
        assert refused.value.status == status


@pytest.mark.parametrize("name", ["github_deleted", "github_fork", "github_pull_request", "github_push"])
def test_push_that_is_not_wanted_starts_nothing(hooks: Hooks, name: str) -> None:
    delivery = str(uuid.uuid4())
    other = {"repository": {**payload("github_push")["repository"], "id": 1}} if name == "github_push" else {}
    answer = hooks.send(sent(name, delivery, **other))
    assert answer.status_code == (204 if name == "github_deleted" else 202)
    if answer.status_code == 202:
        hooks.wait_until_looked_at(delivery)
    assert hooks.runs(f"github__{delivery}") == []


def test_who_is_not_believed_is_told_so_and_writes_nothing(hooks: Hooks) -> None:
    before = hooks.query("select count(*) from airdock_accepted_push")
    provider, body, _ = sent("github_push")
    for headers in ({}, {"X-Hub-Signature-256": "sha256=" + "0" * 64}):
        with ThreadPoolExecutor(10) as at_once:
            answers = list(at_once.map(hooks.send, [(provider, body, headers)] * 100))
        assert [answer.status_code for answer in answers] == [401] * 100
    assert hooks.query("select count(*) from airdock_accepted_push") == before


def test_thirty_megabytes_without_a_length_are_cut_short(hooks: Hooks) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", hooks.stack.place.ports.ui, timeout=30)
    parts = (b" " * 2**16 for _ in range(480))
    # The server may answer and hang up before it has been told all; the answer is there all the same.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        forged = {"X-Hub-Signature-256": "sha256=" + "0" * 64}
        connection.request("POST", "/airdock/hooks/github", parts, forged, encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()


def test_neither_pages_nor_methods_lead_anywhere_else(hooks: Hooks) -> None:
    for path in ("/docs", "/openapi.json", "/redoc", "/"):
        assert hooks.client.get(path).status_code in (404, 405)
    assert hooks.client.get("/github").status_code == 405
