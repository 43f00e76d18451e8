"""One HTTP question: where it may go, what it makes of the reply."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address

import pytest

from airdock.aws.answer import Answer, ask, checked, forbidden
from airdock.aws.watch.answers import AnswerWatch, Question, why_bad
from airdock.errors import Fault, Refused


class _Service(BaseHTTPRequestHandler):
    """Answers /<status> with that status; /moved redirects to /200."""

    asked: list[str] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        status = 302 if self.path == "/moved" else int(self.path.strip("/").split("?")[0])
        self.send_response(status)
        self.send_header("Location", "/200")
        self.end_headers()
        self.wfile.write(f"version 7 for {self.headers['Host']}".encode())

    def log_message(self, *_: object) -> None:
        """Silence."""


@pytest.fixture
def service() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Service)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    _Service.asked.clear()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.170.2",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "fe80::1",
        "::",
        "fd00:ec2::254",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
    ],
)
def test_addresses_that_no_service_can_have_are_forbidden(address: str) -> None:
    assert forbidden(ip_address(address))


@pytest.mark.parametrize("address", ["10.0.3.7", "192.168.1.1", "127.0.0.1", "::1", "fd12::7", "52.94.0.1", "2600::1"])
def test_public_private_and_loopback_addresses_are_allowed(address: str) -> None:
    assert not forbidden(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "file:///etc/passwd",
        "http://",
        "//example.com",
        "http://user:pw@example.com/",
        "http://exa mple.com/",
        "http://example.com/\r\nX-Evil: 1",
        "http://example.com:99999/",
        "http://[::1/",
        "http://example.com/gesundheit-ä",
    ],
)
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        checked(url)


def test_asking_a_metadata_address_is_refused_in_words() -> None:
    with pytest.raises(Refused, match=r"169\.254\.169\.254"):
        ask("http://169.254.169.254/latest/meta-data/", 1)


@pytest.mark.parametrize("host", ["0.0.0.0", "0", "0x0", "[::ffff:0.0.0.0]"])
def test_nobody_is_asked_at_a_forbidden_address(service: str, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """These lead to this machine itself, where somebody listens: nothing but the refusal keeps the request from him."""
    url = f"http://{host}:{service.rpartition(':')[2]}/200"
    with pytest.raises(Refused, match="never asked"):
        ask(url, 30)
    assert _Service.asked == []
    monkeypatch.setattr("airdock.aws.answer.forbidden", lambda _: False)
    assert (ask(url, 30).status, _Service.asked) == (200, ["/200"])


def test_a_name_is_refused_when_one_of_its_addresses_is_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(2, 1, 6, "", ("10.0.0.1", 80)), (2, 1, 6, "", ("169.254.169.254", 80))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: found)
    with pytest.raises(Refused, match="never asked"):
        ask("http://greeter.example/", 1)


def test_the_connection_goes_to_the_address_that_was_looked_at(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    port = int(service.rpartition(":")[2])
    looked_up: list[str] = []

    def lookup(host: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        looked_up.append(host)
        return [(2, 1, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr("airdock.aws.answer.socket.getaddrinfo", lookup)
    answer = ask(f"http://greeter.example:{port}/200", 30)
    assert (answer.status, answer.body) == (200, f"version 7 for greeter.example:{port}")
    assert looked_up[0] == "greeter.example"


def test_a_redirect_is_an_answer_and_not_followed(service: str) -> None:
    assert ask(f"{service}/moved", 30).status == 302
    assert _Service.asked == ["/moved"]


def test_silence_is_a_fault() -> None:
    with pytest.raises(Fault, match="gave no answer"):
        ask("http://127.0.0.1:9/", 1)


@pytest.mark.parametrize(
    ("status", "text", "body", "why"),
    [
        (200, "", "hello", ""),
        (200, "hell", "hello", ""),
        (200, "", "", ""),
        (200, "v2", "v1", "without 'v2'"),
        (200, "hello", "", "without 'hello'"),
        (404, "", "hello", "answered 200 where 404"),
    ],
)
def test_an_answer_is_judged_by_status_and_text(status: int, text: str, body: str, why: str) -> None:
    said = why_bad(Question("http://x/", status=status, text=text), Answer(200, body))
    assert bool(said) == bool(why)
    assert why in said


def test_one_look_counts_good_answers_in_a_row_and_stops_at_a_bad_one(service: str) -> None:
    good, bad = Question(f"{service}/200", good_answers=4), Question(f"{service}/500", good_answers=4)
    watch = AnswerWatch()
    facts = watch.read(lambda _: None, [good.to_id(), bad.to_id()])
    assert watch.finished(facts[good.to_id()], {})
    assert not watch.finished(facts[bad.to_id()], {})
    assert facts[bad.to_id()]["good"] == 0
    assert _Service.asked == ["/200"] * 4 + ["/500"]


def test_progress_is_told_once_for_the_same_answer() -> None:
    facts = {"url": "http://x/", "good": 1, "wanted": 3, "answer": "answered 503 where 200 is expected"}
    watch = AnswerWatch()
    assert watch.progress(None, facts) == ["http://x/ answered 503 where 200 is expected; 1 of 3 good answers in a row"]
    assert watch.progress(facts, dict(facts)) == []
