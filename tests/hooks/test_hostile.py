"""What nobody honest sends: the right answer each, and nothing stored."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airdock.web.hooks import providers
from airdock.web.hooks.app import MOST_BYTES
from airdock.web.hooks.message import Declined, read_body
from tests.hooks.conftest import Door, a_connection
from tests.hooks.sender import COMMIT, SECRET, by_token, payload, sent, signed, standard

BODY = json.dumps(payload("github_push")).encode()
UNCHECKED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
SIGNED = [
    "github_push",
    "gitlab_push",
    "bitbucket_push",
    "bitbucket-data-center_push",
    "codecommit_push",
    "ecr_push",
    "generic_push",
]
PROOFS = {
    "github": ["X-Hub-Signature-256"],
    "gitlab": ["webhook-signature"],
    "bitbucket": ["X-Hub-Signature"],
    "bitbucket-data-center": ["X-Hub-Signature"],
    "codecommit": ["X-Airdock-Token"],
    "ecr": ["X-Airdock-Token"],
    "generic": ["webhook-signature", "webhook-timestamp", "webhook-id"],
}
NO_JSON = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"text"',
    b"{}{}",
    b"payload=%7B%7D",
    b'{"ref": NaN}',
    b'{"ref": -Infinity}',
    b'{"ref": 1' + b"0" * 5000 + b"}",
    b'{"ref": "a", "ref": "b"}',
    b'{"ref": "\\ud800"}',
    b'{"\\udfff": 1}',
    b'{"ref": "\\u12"}',
    b'{"ref": "Gr\xc3\xbc\xc3"}',
    b'{"ref": "\xff\xfe"}',
    b"\xef\xbb\xbf{}",
    b'{"a":' * 65 + b"1" + b"}" * 65,
    b"[" * 200_000,
    b'{"a": "' + b'\\"' * 300_000,
    b"\x00" * 100,
]


@pytest.mark.parametrize("name", SIGNED)
def test_one_wrong_bit_in_the_body_or_the_proof_is_401(door: Door, name: str) -> None:
    provider, body, headers = sent(name)
    proof = PROOFS[provider][0]
    for place in _bits(headers[proof].encode()):
        forged = {**headers, proof: _flipped(headers[proof].encode(), place)}
        # What is no ASCII any more, or several values, is no proof at all.
        assert door.client.post(f"/{provider}", content=body, headers=forged).status_code in (400, 401), place
    if "Token" not in proof:
        for place in _bits(body, 200):
            assert door.send((provider, _flipped(body, place), headers)).status_code == 401, place
    assert door.stored() == []


def _bits(told: bytes, most: int = 0) -> range:
    """The places of all bits, or of so many that lie evenly, the first and the last among them."""
    count = 8 * len(told)
    return range(0, count, max(1, (count - 1) // most)) if most else range(count)


def _flipped(told: bytes, place: int) -> bytes:
    changed = bytearray(told)
    changed[place // 8] ^= 1 << place % 8
    return bytes(changed)


@pytest.mark.parametrize("name", SIGNED)
def test_missing_or_empty_proof_is_401(door: Door, name: str) -> None:
    provider, body, headers = sent(name)
    for proof in PROOFS[provider]:
        without = {key: value for key, value in headers.items() if key != proof}
        assert door.send((provider, body, without)).status_code == 401
        assert door.send((provider, body, {**headers, proof: ""})).status_code == 401
    assert door.stored() == []


@pytest.mark.parametrize("name", SIGNED)
def test_proof_that_is_twice_there_or_no_ascii_is_400(door: Door, name: str) -> None:
    provider, body, headers = sent(name)
    for proof in PROOFS[provider]:
        value = headers[proof].encode()
        others = [(key.encode(), each.encode()) for key, each in headers.items() if key != proof]
        for twice in ([value, value], [b"x", value], ["Привіт".encode()], [b"\xff" + value], [b"x" * 2000]):
            sent_headers = others + [(proof.encode(), each) for each in twice]
            assert door.client.post(f"/{provider}", content=body, headers=sent_headers).status_code == 400
        joined = door.send((provider, body, {**headers, proof: f"{headers[proof]}, {headers[proof]}"}))
        # A Standard Webhooks signature holds a comma of its own: joined, it is one of another form.
        assert joined.status_code == (401 if proof == "webhook-signature" else 400)
    assert door.stored() == []


@pytest.mark.parametrize("secret", ["another-secret-of-somebody", SECRET + "x", SECRET[:-1]])
@pytest.mark.parametrize("name", SIGNED)
def test_other_secret_is_401(door: Door, name: str, secret: str) -> None:
    assert door.send(signed(name, BODY, "d1", secret)).status_code == 401
    assert door.stored() == []


def test_sha1_is_not_believed(door: Door) -> None:
    _, body, headers = sent("github_push")
    del headers["X-Hub-Signature-256"]
    assert door.send(("github", body, {**headers, "X-Hub-Signature": "sha1=" + "0" * 40})).status_code == 401
    assert door.send(("github", body, {**headers, "X-Hub-Signature-256": "sha1=" + "0" * 40})).status_code == 401


@pytest.mark.parametrize("password", ["", "short"])
def test_provider_without_a_good_secret_is_closed(door: Door, password: str) -> None:
    door.connections["airdock_hook_github"] = a_connection(password) if password else None
    answer = door.send(signed("github_push", BODY, "d1", password))
    assert answer.status_code == 503
    assert "airdock_hook_github" in answer.json()["message"]


def test_both_secrets_count_while_one_replaces_the_other(door: Door) -> None:
    new, old = "the-new-secret-of-today", "the-old-secret-of-before"
    door.connections["airdock_hook_github"] = a_connection(new, previous=old)
    bodies = {each: BODY + b" " * number for number, each in enumerate((new, old, SECRET))}
    answers = [door.send(signed("github_push", body, each, each)).status_code for each, body in bodies.items()]
    assert answers == [202, 202, 401]


def test_gitlab_token_counts_where_no_signature_is_sent(door: Door) -> None:
    _, body, _ = sent("gitlab_push")
    _, _, headers = by_token("gitlab_push", body, "e1")
    assert door.send(("gitlab", body, headers)).status_code == 202
    assert door.send(by_token("gitlab_push", body, "e1", "wrong")).status_code == 401
    # Whoever has the token can't get round a signature that is there.
    assert door.send(("gitlab", body, {**headers, "webhook-signature": "v1,AAAA"})).status_code == 401


@pytest.mark.parametrize(("age_seconds", "status"), [(-86400, 401), (-301, 401), (-300, 202), (300, 202), (301, 401)])
def test_message_that_was_signed_long_ago_or_later_than_now_is_401(
    door: Door, monkeypatch: pytest.MonkeyPatch, age_seconds: int, status: int
) -> None:
    now = int(time.time())
    monkeypatch.setattr(providers, "time", SimpleNamespace(time=lambda: now))  # or a message of 301 s could be of 300
    _, body, _ = sent("generic_push")
    headers = standard(body, "d1", SECRET, now + age_seconds)
    assert door.send(("generic", body, headers)).status_code == status


@pytest.mark.parametrize("body", NO_JSON, ids=lambda body: repr(body[:20]))
def test_body_that_is_no_json_is_400(door: Door, body: bytes) -> None:
    begun = time.process_time()
    for name in SIGNED:
        assert door.send(signed(name, body, "d1")).status_code == 400, name
    assert time.process_time() - begun < 5
    assert door.stored() == []


@pytest.mark.parametrize("delivery", ["", "a b", "a/b", "a\tb", "../x", "a..b", "x" * 121, "-x", "{}", "ä"])
def test_delivery_id_that_could_be_no_part_of_a_run_id_is_4xx(door: Door, delivery: str) -> None:
    provider, body, headers = sent("github_push")
    headers["X-GitHub-Delivery"] = delivery
    raw = [(key.encode(), value.encode()) for key, value in headers.items()]
    answer = door.client.post(f"/{provider}", content=body, headers=raw)
    assert answer.status_code in (400, 422)
    assert door.stored() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"ref": "main"},
        {"ref": "refs/heads/"},
        {"ref": "refs/heads/--upload-pack=touch canary"},
        {"ref": "refs/heads/a..b"},
        {"ref": "refs/heads/a\nb"},
        {"ref": ["refs/heads/main"]},
        {"ref": None},
        {"after": "--upload-pack=x"},
        {"after": COMMIT[:12]},
        {"after": COMMIT.upper()},
        {"after": COMMIT + "\n"},
        {"before": {}},
        {"repository": None},
        {"repository": []},
        {"repository": {"id": True, "full_name": "acme/greeter"}},
        {"repository": {"id": 1, "full_name": ""}},
        {"commits": "none"},
    ],
    ids=repr,
)
def test_payload_of_another_form_is_422(door: Door, changes: dict[str, object]) -> None:
    assert door.send(sent("github_push", **changes)).status_code == 422
    assert door.stored() == []


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("github_tag", {"head_commit": {"id": "--upload-pack=touch canary"}}),
        ("github_tag", {"head_commit": None}),
        ("gitlab_tag", {"checkout_sha": "--upload-pack=touch canary"}),
        ("gitlab_tag", {"checkout_sha": None}),
        ("generic_request", {"revision": "--upload-pack=touch canary"}),
        ("generic_request", {"application": "../greeter"}),
        ("generic_push", {"repository": "ext::sh -c touch% canary"}),
        ("generic_push", {"files": "services"}),
    ],
)
def test_commit_or_name_that_git_could_misread_is_422(door: Door, name: str, changes: dict[str, object]) -> None:
    assert door.send(sent(name, **changes)).status_code == 422
    assert door.stored() == []


def test_large_body_is_413_before_it_has_been_taken_in(door: Door) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while taken < 30 * MOST_BYTES:
            taken += 65536
            yield b" " * 65536

    with pytest.raises(Declined) as declined:
        asyncio.run(read_body([], endless(), MOST_BYTES))
    assert declined.value.status == 413
    assert taken == MOST_BYTES + 65536


def test_body_that_is_announced_as_large_is_413_unread(door: Door) -> None:
    announced = {"Content-Length": str(30 * MOST_BYTES), "X-Hub-Signature-256": "sha256=" + "0" * 64}
    assert door.client.post("/github", content=b"{}", headers=announced).status_code == 413


def test_body_that_does_not_arrive_is_408(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never() -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""

    monkeypatch.setattr("airdock.web.hooks.message.LONGEST_WAIT_SECONDS", 0.01)
    with pytest.raises(Declined) as declined:
        asyncio.run(read_body([], never(), MOST_BYTES))
    assert declined.value.status == 408


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/redoc", "/nobody", "/nobody/x", "/%0a", "/GITHUB"])
def test_nothing_else_is_served(door: Door, path: str) -> None:
    assert door.client.post(path, content=b"{}").status_code in (404, 405)
    assert door.client.get(path).status_code in (404, 405)


def test_every_method_but_post_is_405(door: Door) -> None:
    for method in ("GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"):
        assert door.client.request(method, "/github").status_code == 405


def test_database_that_is_away_is_503_and_nothing_was_accepted(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: object) -> None:
        raise OSError("no route to the database")

    monkeypatch.setattr(door.inbox, "put", away)
    answer = door.send(sent("github_push", "d1"))
    assert answer.status_code == 503
    assert "database" not in answer.text
    monkeypatch.undo()
    assert door.send(sent("github_push", "d1")).status_code == 202


def test_secret_that_can_not_be_looked_up_is_503(door: Door) -> None:
    door.connections["airdock_hook_github"] = a_connection(previous=SECRET)
    del door.connections["airdock_hook_github"].extra_dejson
    answer = door.send(sent("github_push"))
    assert answer.status_code == 503
    assert "extra" not in answer.text
    assert door.stored() == []


@settings(max_examples=150, suppress_health_check=UNCHECKED)
@given(
    name=st.sampled_from(SIGNED),
    body=st.one_of(
        st.binary(max_size=400),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
            max_leaves=20,
        ).map(lambda value: json.dumps(value).encode()),
    ),
)
def test_signed_nonsense_never_breaks_anything(door: Door, name: str, body: bytes) -> None:
    assert door.send(signed(name, body, "d1")).status_code in (200, 202, 204, 400, 422)


def _places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, inner in items for place in _places(inner, (*path, key)))]


@settings(max_examples=300, suppress_health_check=UNCHECKED)
@given(data=st.data(), name=st.sampled_from(SIGNED))
def test_signed_payload_with_something_else_somewhere_never_breaks_anything(
    door: Door, data: st.DataObject, name: str
) -> None:
    told = payload(name)
    place = data.draw(st.sampled_from([each for each in _places(told) if each]))
    other = data.draw(
        st.sampled_from([None, True, -1, 10**30, "", "x" * 5000, "\x00", "\u202e", [], {}, [None], {"": 0}])
    )
    holder: object = told
    for part in place[:-1]:
        holder = holder[part]  # type: ignore[index]
    holder[place[-1]] = other  # type: ignore[index]
    answer = door.send(signed(name, json.dumps(told).encode(), data.draw(st.uuids().map(str))))
    assert answer.status_code in (200, 202, 204, 422), answer.text
    door.stored()
