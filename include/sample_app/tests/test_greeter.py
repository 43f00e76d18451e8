"""The service, asked over HTTP."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPResponse

import pytest

import greeter


@pytest.fixture
def address() -> Iterator[str]:
    server = greeter.Server(("127.0.0.1", 0), greeter.Greeter)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def ask(url: str) -> HTTPResponse:
    return urllib.request.urlopen(url, timeout=5)


def test_page_tells_its_version(address: str) -> None:
    answer = ask(address + "/")
    assert answer.status == 200
    assert answer.headers["Greeter-Version"] == greeter.VERSION
    assert f"<strong>{greeter.VERSION}</strong>" in answer.read().decode()


def test_page_greets(address: str) -> None:
    assert "<h1>Hello" in ask(address + "/").read().decode()


def test_version_is_machine_readable(address: str) -> None:
    assert json.load(ask(address + "/version")) == {"version": greeter.VERSION, "commit": greeter.commit()}


def test_health_is_ok(address: str) -> None:
    assert json.load(ask(address + "/health")) == {"status": "ok"}


def test_unknown_page_is_not_found(address: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(address + "/nothing")
    assert refused.value.code == 404
