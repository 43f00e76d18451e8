"""What providers are checked with, and how often it is looked up."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from airdock.web.hooks import keys as module
from airdock.web.hooks import lookups
from airdock.web.hooks.keys import KeyRing, Keys, airflow_connection, connection_id
from airdock.web.hooks.message import Declined
from tests.hooks.conftest import Door, a_connection
from tests.hooks.sender import SECRET, sent


def of(ring: KeyRing, provider: str) -> Keys:
    return asyncio.run(ring.of(provider))


class Found:
    """Airflow's connections; `asked` holds the names in the order of the questions."""

    def __init__(self, connection: Any = None) -> None:
        self.connection = connection
        self.asked: list[str] = []

    def __call__(self, name: str) -> Any:
        self.asked.append(name)
        return self.connection


def test_flood_is_one_look_up_whether_there_is_a_secret_or_not() -> None:
    for connection in (a_connection(), None):
        found = Found(connection)
        ring = KeyRing(found)
        for _ in range(100):
            try:
                assert of(ring, "github").secrets == (SECRET,)
            except Declined as declined:
                assert declined.status == 503
        assert found.asked == ["airdock_hook_github"]


def test_look_up_that_fails_is_not_made_again_for_every_message(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookups, "time", SimpleNamespace(monotonic=lambda: 0.0))  # all within one moment
    asked: list[int] = []

    class Away:
        @property
        def password(self) -> str:
            asked.append(1)
            raise ConnectionError("the secrets backend is away")

        extra_dejson: dict[str, Any] = {}

    door.connections["airdock_hook_github"] = Away()
    answers = [door.send(sent("github_push")) for _ in range(20)]
    assert [answer.status_code for answer in answers] == [503] * 20
    assert "backend" not in answers[0].text
    assert len(asked) == 1
    assert door.send(sent("gitlab_push")).status_code == 202


def test_slow_look_up_of_one_provider_holds_up_no_other(door: Door) -> None:
    begun, ends = threading.Event(), threading.Event()

    class Slow:
        extra_dejson: dict[str, Any] = {}

        @property
        def password(self) -> str:
            begun.set()
            ends.wait(60)
            return SECRET

    door.connections["airdock_hook_bitbucket"] = Slow()
    with ThreadPoolExecutor(40) as at_once:
        waiting = [at_once.submit(door.send, sent("bitbucket_push", f"d{number}", n=number)) for number in range(20)]
        begun.wait(30)
        others = [at_once.submit(door.send, sent(name)) for name in ("github_push", "gitlab_push", "generic_push")]
        try:
            answers = [each.result(20).status_code for each in others]
        finally:
            ends.set()
    assert answers == [202] * 3
    assert [each.result().status_code for each in waiting] == [202] * 20


def test_change_is_seen_once_the_answer_has_aged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT_SECONDS", -1)
    found = Found()
    ring = KeyRing(found)
    with pytest.raises(Declined):
        of(ring, "bitbucket-data-center")
    found.connection = a_connection("the-new-secret-of-today", previous=SECRET, topic_arns=["arn", 7])
    assert of(ring, "bitbucket-data-center") == Keys(("the-new-secret-of-today", SECRET), ("arn",))


@pytest.mark.parametrize("password", [None, "", "short", "x" * 15])
def test_secret_that_could_be_guessed_is_none(password: Any) -> None:
    with pytest.raises(Declined, match="airdock_hook_github"):
        of(KeyRing(Found(a_connection(password))), "github")


def test_secret_is_in_no_repr() -> None:
    assert SECRET not in repr(Keys((SECRET,)))


def test_connection_that_airflow_does_not_have_is_none() -> None:
    assert airflow_connection("airdock_hook_nobody") is None


def test_connection_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_AIRDOCK_HOOK_GITLAB", f'{{"conn_type": "generic", "password": "{SECRET}"}}')
    assert of(KeyRing(airflow_connection), "gitlab").secrets == (SECRET,)
    assert connection_id("gitlab") == "airdock_hook_gitlab"
