"""What providers are checked with, and how often it is looked up."""

from __future__ import annotations

from typing import Any

import pytest

from airdock.web.hooks import keys as module
from airdock.web.hooks.keys import KeyRing, Keys, airflow_connection, connection_id
from airdock.web.hooks.message import Declined
from tests.hooks.conftest import a_connection
from tests.hooks.sender import SECRET


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
                assert ring.of("github").secrets == (SECRET,)
            except Declined as declined:
                assert declined.status == 503
        assert found.asked == ["airdock_hook_github"]
        assert ring.knows("github")
        assert not ring.knows("gitlab")


def test_change_is_seen_once_the_answer_has_aged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT_SECONDS", -1)
    found = Found()
    ring = KeyRing(found)
    with pytest.raises(Declined):
        ring.of("bitbucket-data-center")
    found.connection = a_connection("the-new-secret-of-today", previous=SECRET, topic_arns=["arn", 7])
    assert ring.of("bitbucket-data-center") == Keys(("the-new-secret-of-today", SECRET), ("arn",))


@pytest.mark.parametrize("password", [None, "", "short", "x" * 15])
def test_secret_that_could_be_guessed_is_none(password: Any) -> None:
    with pytest.raises(Declined, match="airdock_hook_github"):
        KeyRing(Found(a_connection(password))).of("github")


def test_secret_is_in_no_repr() -> None:
    assert SECRET not in repr(Keys((SECRET,)))


def test_connection_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_AIRDOCK_HOOK_GITLAB", f'{{"conn_type": "generic", "password": "{SECRET}"}}')
    assert KeyRing(airflow_connection).of("gitlab").secrets == (SECRET,)
    assert connection_id("gitlab") == "airdock_hook_gitlab"
