"""A message that comes again: from the provider, from somebody who has recorded it, or from many at once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text, update

from airdock.web.hooks.inbox import KEPT, SEALED, TABLE, Inbox
from tests.hooks.conftest import Door
from tests.hooks.sender import payload, sent, signed
from tests.hooks.test_hostile import SIGNED

RECORDED = [
    ("github_tag", "github__first"),
    ("github_push", "github__first"),
    ("github_pull_request", "github__first"),
    ("bitbucket_push", "bitbucket__first"),
    ("bitbucket_pull_request", "bitbucket__first"),
    ("bitbucket-data-center_tag", "bitbucket-data-center__first"),
]


def body(name: str) -> bytes:
    return json.dumps(payload(name)).encode()


@pytest.mark.parametrize("name", SIGNED)
def test_25_redeliveries_are_one_push_and_all_are_answered_well(door: Door, name: str) -> None:
    message = signed(name, body(name), "d1")
    with ThreadPoolExecutor(20) as at_once:
        answers = list(at_once.map(door.send, [message] * 20))
    answers += [door.send(message) for _ in range(5)]
    assert sorted(answer.status_code for answer in answers) == [200] * 24 + [202]
    [push] = door.stored()
    assert {tuple(answer.json()["runs"]) for answer in answers} == {(push.run_id,)}


@pytest.mark.parametrize(("name", "run"), RECORDED)
def test_signed_body_under_another_delivery_id_is_the_push_that_it_was(door: Door, name: str, run: str) -> None:
    assert door.send(signed(name, body(name), "first")).json()["runs"] == [run]
    for delivery in ("second", "third", "first"):
        again = door.send(signed(name, body(name), delivery))
        assert (again.status_code, again.json()["runs"]) == (200, [run])
    assert [push.delivery for push in door.stored()] == ["first"]


def test_each_change_of_a_recorded_message_is_the_push_that_it_was(door: Door) -> None:
    name, runs = "bitbucket_several", ["bitbucket__first.0", "bitbucket__first.1"]
    assert door.send(signed(name, body(name), "first")).json()["runs"] == runs
    again = door.send(signed(name, body(name), "second"))
    assert (again.status_code, again.json()["runs"]) == (200, runs)
    assert len(door.stored()) == 2


def test_result_of_the_push_is_what_a_recording_is_answered_with(door: Door) -> None:
    door.send(signed("github_tag", body("github_tag"), "first"))
    [waiting] = door.inbox.take(1)
    door.inbox.done(waiting.number, [{"application": "greeter", "run_id": "github__first"}])
    again = door.send(signed("github_tag", body("github_tag"), "second"))
    assert again.json()["results"] == [{"application": "greeter", "run_id": "github__first"}]


def test_next_push_of_the_same_tag_is_a_push_of_its_own(door: Door) -> None:
    told = payload("github_tag")
    for moment in (1, 2):
        message = sent("github_tag", f"d{moment}", repository={**told["repository"], "pushed_at": moment})
        assert door.send(message).status_code == 202
    assert len(door.stored()) == 2


@pytest.mark.parametrize("name", ["generic_request", "gitlab_tag"])
def test_same_words_under_another_signed_id_are_a_wish_of_their_own(door: Door, name: str) -> None:
    for delivery in ("first", "second"):
        assert door.send(signed(name, body(name), delivery)).status_code == 202
    assert len(door.stored()) == 2


def test_recording_is_known_for_longer_than_the_push_is_kept(tmp_path: Path, door: Door) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'airflow.db'}")
    for name in ("github_tag", "gitlab_tag"):
        door.send(signed(name, body(name), "first"))
    for waiting in door.inbox.take(10):
        door.inbox.done(waiting.number, [])
    inbox = Inbox(engine)

    def aged(age: timedelta) -> list[tuple[str, str]]:
        with engine.begin() as database:
            database.execute(update(TABLE).values(done_at=datetime.now(UTC) - age))
        inbox.forget_old()
        with engine.begin() as database:
            return [tuple(row) for row in database.execute(text("select provider, push from airdock_accepted_push"))]

    assert aged(KEPT + timedelta(hours=1)) == [("github", "")]
    again = door.send(signed("github_tag", body("github_tag"), "second"))
    assert (again.status_code, again.json()["runs"]) == (200, ["github__first"])
    assert door.stored() == []
    assert aged(SEALED + timedelta(hours=1)) == []
