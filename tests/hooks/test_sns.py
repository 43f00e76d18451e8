"""Events that come by Amazon SNS, signed by a certificate of this test alone."""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1

from airdock.web.hooks import certificates
from airdock.web.hooks.lookups import MOST_FAILURES
from airdock.web.hooks.message import Declined
from airdock.web.hooks.sns import signed_text
from tests.git_server import serving
from tests.hooks.conftest import Door, a_connection
from tests.hooks.sender import COMMIT, payload, sent
from tests.hooks.sns_topic import CERTIFICATE, TOPIC, Topic


@pytest.fixture
def topic(door: Door, monkeypatch: pytest.MonkeyPatch) -> Iterator[Topic]:
    found = Topic()
    monkeypatch.setattr(certificates, "_fetched", found.certificate)
    door.connections["airdock_hook_codecommit"] = a_connection("", topic_arns=[TOPIC])
    return found


EVENT = json.dumps(payload("codecommit_push"))


def test_event_by_sns_is_the_same_push_as_by_eventbridge(door: Door, topic: Topic) -> None:
    assert door.send(topic.says(EVENT)).status_code == 202
    assert door.send(topic.says(EVENT, MessageId="another", Subject="told")).status_code == 200
    [push] = door.stored()
    assert (push.delivery, push.after) == (payload("codecommit_push")["id"], COMMIT)


@pytest.mark.parametrize(
    "changes",
    [
        {"TopicArn": TOPIC + "x"},
        {"TopicArn": None},
        {"SignatureVersion": "1"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-01.pem"},
        {"SigningCertURL": "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-01.pem"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com/other.pem"},
        {"SigningCertURL": CERTIFICATE.replace("0123", "012")},
        {"SigningCertURL": CERTIFICATE.replace("eu-west-1", "us-east-1")},
        {"SigningCertURL": "https://169.254.169.254/latest/meta-data/"},
        {"SigningCertURL": "https://u@sns.eu-west-1.amazonaws.com/SimpleNotificationService-01.pem"},
        {"SigningCertURL": CERTIFICATE + "?x=1"},
        {"SigningCertURL": 7},
    ],
    ids=repr,
)
def test_other_topic_version_or_certificate_is_401_and_nothing_is_fetched(
    door: Door, topic: Topic, changes: dict[str, Any]
) -> None:
    assert door.send(topic.says(EVENT, **changes)).status_code == 401
    assert topic.fetched == []
    assert door.stored() == []


@pytest.mark.parametrize("changes", [{"Timestamp": "2020-01-01T00:00:00.000Z"}, {"Timestamp": "now"}, {"Timestamp": 1}])
def test_old_message_is_401(door: Door, topic: Topic, changes: dict[str, Any]) -> None:
    assert door.send(topic.says(EVENT, **changes)).status_code == 401


@pytest.mark.parametrize("part", ["Message", "MessageId", "Timestamp", "Type", "Signature"])
def test_message_that_was_changed_after_signing_is_401(door: Door, topic: Topic, part: str) -> None:
    _, body, _ = topic.says(EVENT)
    told = json.loads(body)
    changed = {**told, part: told[part].replace("2", "3") if part != "Type" else "SubscriptionConfirmation"}
    assert door.send(topic.sent(changed)).status_code == 401
    assert door.stored() == []


@pytest.mark.parametrize("signature", ["", "x", "ä", None, 7, "A" * 344])
def test_signature_that_is_none_is_401(door: Door, topic: Topic, signature: Any) -> None:
    _, body, _ = topic.says(EVENT)
    assert door.send(topic.sent({**json.loads(body), "Signature": signature})).status_code == 401


def test_sha1_signature_is_401(door: Door, topic: Topic) -> None:
    _, body, _ = topic.says(EVENT)
    told = json.loads(body)
    told["Signature"] = base64.b64encode(topic.key.sign(signed_text(told), PKCS1v15(), SHA1())).decode()
    assert door.send(topic.sent(told)).status_code == 401


def test_subscription_is_left_to_the_topics_owner(door: Door, topic: Topic, caplog: pytest.LogCaptureFixture) -> None:
    visited = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription"
    asked = topic.says("Confirm", "SubscriptionConfirmation", Token="2336412f37", SubscribeURL=visited)
    assert door.send(asked).status_code == 200
    assert topic.fetched == [CERTIFICATE]
    assert f"aws sns confirm-subscription --topic-arn {TOPIC} --token 2336412f37" in caplog.text


@pytest.mark.parametrize("message", ["", "{", "[]", "null", '{"id": 1}'])
def test_message_that_is_no_event_is_declined(door: Door, topic: Topic, message: str) -> None:
    assert door.send(topic.says(message)).status_code in (204, 400, 422)


def test_certificate_that_can_not_be_fetched_is_503(door: Door, topic: Topic, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: str) -> bytes:
        raise TimeoutError

    monkeypatch.setattr(certificates, "_fetched", away)
    assert door.send(topic.says(EVENT)).status_code == 503


def invented(number: int) -> dict[str, str]:
    return {"SigningCertURL": CERTIFICATE.replace("0123456789abcdef0123456789abcdef", f"{number:032x}")}


def test_invented_certificate_is_asked_for_once(door: Door, topic: Topic, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def not_there(address: str) -> bytes:
        asked.append(address)
        raise HTTPError(address, 403, "Forbidden", EmailMessage(), None)

    monkeypatch.setattr(certificates, "_fetched", not_there)
    assert [door.send(topic.says(EVENT, **invented(1))).status_code for _ in range(20)] == [401] * 20
    assert len(asked) == 1


def test_flood_of_invented_certificates_holds_up_nobody_else(
    door: Door, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, ends = [], threading.Event()

    def hangs(address: str) -> bytes:
        asked.append(address)
        ends.wait(60)
        raise TimeoutError

    monkeypatch.setattr(certificates, "_fetched", hangs)
    with ThreadPoolExecutor(40) as at_once:
        flood = [at_once.submit(door.send, topic.says(EVENT, **invented(number))) for number in range(40)]
        # Those beyond the few that may wait are answered at once, and so are the pushes of others.
        early = [each.result(30).status_code for each in islice(as_completed(flood, 30), 40 - certificates.MOST)]
        accepted = door.send(sent("github_push")).status_code
        ends.set()
    assert early == [503] * (40 - certificates.MOST)
    assert accepted == 202
    assert len(asked) <= certificates.MOST


def test_certificate_that_was_found_outlasts_any_number_of_invented_ones(
    door: Door, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert door.send(topic.says(EVENT)).status_code == 202

    def not_there(address: str) -> bytes:
        raise HTTPError(address, 404, "Not Found", EmailMessage(), None)

    monkeypatch.setattr(certificates, "_fetched", not_there)
    for number in range(MOST_FAILURES + 10):
        assert door.send(topic.says(EVENT, **invented(number))).status_code == 401
    assert door.send(topic.says(EVENT, MessageId="another")).status_code == 200


def test_certificate_is_fetched_from_nowhere_else() -> None:
    with pytest.raises((AssertionError, Declined)):
        certificates.certificate("https://example.com/SimpleNotificationService-01.pem")


def test_certificate_is_not_looked_for_where_a_redirect_leads(tmp_path: Path) -> None:
    with serving(tmp_path) as asked, serving(tmp_path) as elsewhere:
        asked.redirect_to = f"http://127.0.0.1:{elsewhere.port}"
        with pytest.raises(HTTPError, match="302"):
            certificates._fetched(asked.url())
    assert (len(asked.requests), elsewhere.requests) == (1, [])


def test_no_address_in_a_message_is_visited(door: Door, topic: Topic, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/SimpleNotificationService-{'0' * 32}.pem"
        wanted = topic.says("Confirm", "SubscriptionConfirmation", Token="2336412f37", SubscribeURL=address)
        assert door.send(wanted).status_code == 200
        monkeypatch.undo()
        assert door.send(topic.says(EVENT, SigningCertURL=address, UnsubscribeURL=address)).status_code == 401
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_message_of_a_topic_is_still_believed_hours_later(door: Door, topic: Topic) -> None:
    before = (datetime.now(UTC) - timedelta(hours=6)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert door.send(topic.says(EVENT, Timestamp=before)).status_code == 202
