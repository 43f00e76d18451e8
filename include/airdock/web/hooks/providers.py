"""Who tells of pushes, how each proves who it is, and how its messages are read."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from airdock.errors import Refused
from airdock.plan import push_aws, push_bitbucket, push_document, push_generic, push_github, push_gitlab
from airdock.plan.push import DELIVERY, Event, Push, Unconcerning
from airdock.plan.push_fields import Malformed
from airdock.web.hooks import sns
from airdock.web.hooks.keys import Keys
from airdock.web.hooks.message import Declined, Message
from airdock.web.hooks.signature import check_hub, check_standard, check_token

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Provider:
    """`check` returns when the message is the provider's own, and raises Declined; `event` reads what was believed.

    `proofs`: the headers of which one must be there. `signs_delivery`: whether nobody but the provider can give a
    message another delivery id. `certificate`: the address of the one that `check` needs in the keys; "" for none.
    """

    proofs: tuple[str, ...]
    check: Callable[[Message, Keys], None]
    event: Callable[[Message], Event]
    signs_delivery: bool = True
    certificate: Callable[[Message, Keys], str] = lambda _message, _keys: ""


def refuse_unproved(message: Message, provider: Provider) -> None:
    """Decline what carries no proof at all, before anything else is done for it. Raises Declined."""
    if not any(message.one(name) for name in provider.proofs):
        raise Declined(401, "the signature is missing")


def event_in(message: Message, keys: Keys, provider: Provider) -> Event:
    """What a message says, once it is believed.

    Raises:
        Declined: it is not believed, or not understood.
    """
    provider.check(message, keys)
    try:
        told = provider.event(message)
    except Refused as refused:
        raise Declined(422, refused.sentence) from None
    return told if provider.signs_delivery or isinstance(told, Unconcerning) else _sealed(told, message.body)


def refuse_foreign(pushes: tuple[Push, ...], keys: Keys, repository: str) -> None:
    """Return when the secret that a message was signed with is one for the repositories that it tells of.

    `repository`: whose address it was sent to; "" for the provider's own. A repository with a secret of its own is
    believed with no other secret, and that secret for no other repository. Raises Declined.
    """
    for told in (push.repository for push in pushes):
        if repository and not told.is_only(repository):
            raise Declined(401, f"the message is not of {repository}, whose secret it was signed with")
        owner = next((name for name in keys.repositories if not repository and told.may_be(name)), None)
        if owner:
            raise Declined(401, f"{owner} has a secret of its own: send to the address that ends in its name")


def _sealed(pushes: tuple[Push, ...], body: bytes) -> tuple[Push, ...]:
    """Whoever has recorded the message can send it under any delivery id, but nobody can change its body."""
    digest = hashlib.sha256(body).hexdigest()
    return tuple(replace(push, seal=f"{digest}.{number}") for number, push in enumerate(pushes))


def _parsed(body: bytes) -> dict[str, Any]:
    """The JSON object in a body. Raises Declined."""
    try:
        return push_document.parse(body)
    except Malformed as malformed:
        raise Declined(400, malformed.sentence) from None


def _hub(name: str) -> Callable[[Message, Keys], None]:
    return lambda message, keys: check_hub(message.header(name), message.body, keys.secrets)


def _standard(message: Message, keys: Keys) -> None:
    identity, timestamp = message.header("webhook-id"), message.header("webhook-timestamp")
    check_standard(identity, timestamp, message.one("webhook-signature"), message.body, keys.secrets, time.time())


def _gitlab(message: Message, keys: Keys) -> None:
    """A signature where GitLab sends one; the token, which proves less, where it does not."""
    if message.one("webhook-signature"):
        _standard(message, keys)
    else:
        check_token(message.header("x-gitlab-token"), keys.secrets)


def _signed_by_sns(message: Message) -> bool:
    return bool(message.header("x-amz-sns-message-type"))


def _aws(message: Message, keys: Keys) -> None:
    """EventBridge has a secret to send; SNS signs."""
    if not _signed_by_sns(message):
        return check_token(message.header("x-airdock-token"), keys.secrets)
    return sns.check(_parsed(message.body), keys.topics, keys.certificate, datetime.now(UTC))


def _sns_certificate(message: Message, keys: Keys) -> str:
    if not _signed_by_sns(message):
        return ""
    return sns.certificate_address(_parsed(message.body), keys.topics, datetime.now(UTC))


def _github_event(message: Message) -> Event:
    name, delivery = message.header("x-github-event"), message.header("x-github-delivery")
    return push_github.event(name, DELIVERY.check(delivery), _parsed(message.body))


def _gitlab_event(message: Message) -> Event:
    delivery = next(filter(None, map(message.header, ("webhook-id", "idempotency-key", "x-gitlab-event-uuid"))), "")
    return push_gitlab.event(message.header("x-gitlab-event"), DELIVERY.check(delivery), _parsed(message.body))


def _bitbucket_event(message: Message) -> Event:
    name, delivery = message.header("x-event-key"), message.header("x-request-uuid")
    return push_bitbucket.cloud_event(name, DELIVERY.check(delivery.strip("{}")), _parsed(message.body))


def _data_center_event(message: Message) -> Event:
    name, delivery = message.header("x-event-key"), message.header("x-request-id")
    return push_bitbucket.data_center_event(name, DELIVERY.check(delivery), _parsed(message.body))


def _generic_event(message: Message) -> Event:
    return push_generic.event(DELIVERY.check(message.header("webhook-id")), _parsed(message.body))


def _aws_event(read: Callable[[dict[str, Any]], Event]) -> Callable[[Message], Event]:
    def event(message: Message) -> Event:
        told = _parsed(message.body)
        if not _signed_by_sns(message):
            return read(told)
        if told.get("Type") != "Notification":
            return _subscription(told)
        return read(_parsed(str(told.get("Message")).encode("utf-8", "surrogatepass")))

    return event


def _subscription(told: dict[str, Any]) -> Event:
    """The token in the log is good for nothing but this subscription."""
    command = f"aws sns confirm-subscription --topic-arn {told.get('TopicArn')} --token {told.get('Token')}"
    log.warning("Amazon SNS asks whether it may send here. If so: %s", command)
    return Unconcerning("the subscription awaits confirmation, see the api-server's log", greeting=True)


_STANDARD_PROOF = "webhook-signature"
_HUB_PROOF = "x-hub-signature"
_AWS_PROOFS = ("x-amz-sns-message-type", "x-airdock-token")

PROVIDERS = {
    "github": Provider(("x-hub-signature-256",), _hub("x-hub-signature-256"), _github_event, False),
    "gitlab": Provider((_STANDARD_PROOF, "x-gitlab-token"), _gitlab, _gitlab_event),
    "bitbucket": Provider((_HUB_PROOF,), _hub(_HUB_PROOF), _bitbucket_event, False),
    "bitbucket-data-center": Provider((_HUB_PROOF,), _hub(_HUB_PROOF), _data_center_event, False),
    "codecommit": Provider(_AWS_PROOFS, _aws, _aws_event(push_aws.codecommit_event), certificate=_sns_certificate),
    "ecr": Provider(_AWS_PROOFS, _aws, _aws_event(push_aws.ecr_event), certificate=_sns_certificate),
    "generic": Provider((_STANDARD_PROOF,), _standard, _generic_event),
}
