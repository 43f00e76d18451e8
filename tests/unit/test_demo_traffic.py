"""What the demonstration's client counts."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event
from types import SimpleNamespace

import pytest

from demo import traffic
from demo.traffic import CONNECTIONS, Answer, Client, Step, shares


def an_answer(at: float, version: str = "1.0.0", status: int | None = 200, took: float = 0.01) -> Answer:
    return Answer(at, at + took, version, status)


class Page(BaseHTTPRequestHandler):
    """Answers 200 with a version, or hangs up when the server is told to."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.server.hang_up.is_set():  # type: ignore[attr-defined]
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("Greeter-Version", "7.0.0")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    made = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    made.daemon_threads = True
    made.hang_up = Event()  # type: ignore[attr-defined]
    threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def wait_for(client: Client, count: int) -> list[Answer]:
    for _ in range(3000):
        if len(client.answers()) >= count:
            return client.answers()
        threading.Event().wait(0.02)
    raise AssertionError(f"only {len(client.answers())} answers came")


def test_client_counts_versions(server: ThreadingHTTPServer) -> None:
    with Client(f"http://127.0.0.1:{server.server_port}") as client:
        answers = wait_for(client, 50)
    assert {answer.version for answer in answers} == {"7.0.0"}
    assert not any(answer.failed for answer in answers)


def test_client_sends_at_its_rate(server: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    client, now = Client(f"http://127.0.0.1:{server.server_port}", per_second=40), [0.0]

    def wait(seconds: float) -> bool:
        now[0] += seconds
        return now[0] > 1.99

    monkeypatch.setattr(traffic, "time", SimpleNamespace(monotonic=lambda: now[0], time=lambda: now[0]))
    monkeypatch.setattr(client, "_stop", SimpleNamespace(wait=wait))
    for number in range(CONNECTIONS):
        now[0] = 0.0
        client._send(number)
    assert sorted(answer.at for answer in client.answers()) == pytest.approx([n / 40 for n in range(80)])


def test_client_counts_a_dropped_connection_as_failed(server: ThreadingHTTPServer) -> None:
    with Client(f"http://127.0.0.1:{server.server_port}") as client:
        wait_for(client, 10)
        server.hang_up.set()  # type: ignore[attr-defined]
        wait_for(client, len(client.answers()) + 25)
    failed = [answer for answer in client.answers() if answer.failed]
    assert failed
    assert all(answer.problem for answer in failed)


def test_shares_are_counted_between_the_changes_of_weight() -> None:
    steps = [Step(100.0, 10), Step(110.0, 100)]
    canary = [an_answer(102, "2")] + [an_answer(101 + n / 2, "1") for n in range(9)]
    after = [an_answer(112 + n, "2") for n in range(5)]
    first, second = shares([*canary, *after], steps, end=120.0)
    assert (first.percent, first.measured("2"), first.seconds) == (10, 10.0, 10.0)
    assert second.measured("2") == 100.0


def test_shares_leave_out_answers_that_span_a_change() -> None:
    steps = [Step(100.0, 10), Step(110.0, 100)]
    spanning = [an_answer(109.5, "1", took=1.0), an_answer(100.1, "1"), an_answer(109.9, "1")]
    first, _ = shares(spanning, steps, end=120.0)
    assert first.answered == {}
