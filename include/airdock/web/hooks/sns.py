"""Messages by Amazon SNS, believed for their signature of version 2 and their topic.

See "Verifying the signatures of Amazon SNS messages" in its developer guide. A subscription is never confirmed from
here: visiting an address because a message says so is for the owner of the topic to decide.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from airdock.web.hooks.message import Declined

CERTIFICATE = re.compile(
    r"https://sns\.(?P<region>[a-z0-9-]{1,30})\.amazonaws\.com(\.cn)?/SimpleNotificationService-[0-9a-f]{32}\.pem"
)
LONGEST_RETRY = timedelta(days=1)
"""SNS repeats what it could not deliver for some hours."""
NOTIFIED = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
CONFIRMED = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


def certificate_address(envelope: dict[str, Any], topics: Sequence[str], now: datetime) -> str:
    """Where the certificate is that the envelope is checked with: all that can be told without it is in order.

    Raises:
        Declined: another topic, another version, a certificate from elsewhere, or too old.
    """
    if envelope.get("TopicArn") not in topics:
        raise Declined(401, "the topic is not among topic_arns in the extra of the connection")
    if envelope.get("SignatureVersion") != "2":
        raise Declined(401, "the topic's SignatureVersion is not 2: set it in the topic's attributes")
    address = envelope.get("SigningCertURL")
    found = CERTIFICATE.fullmatch(address) if isinstance(address, str) else None
    if found is None or f":sns:{found['region']}:" not in envelope["TopicArn"]:
        raise Declined(401, "SigningCertURL is not an address of Amazon SNS in the topic's region")
    if abs(now - _moment(envelope)) > LONGEST_RETRY:
        raise Declined(401, "the message is not of the last day, or a clock is wrong")
    return found[0]


def check(envelope: dict[str, Any], topics: Sequence[str], certificate: bytes, now: datetime) -> None:
    """Return when the envelope comes from one of the topics; `certificate`: the one at its address. Raises Declined."""
    certificate_address(envelope, topics, now)
    _check_signature(envelope, certificate)


def signed_text(envelope: dict[str, Any]) -> bytes:
    """What the signature is of."""
    names = NOTIFIED if envelope.get("Type") == "Notification" else CONFIRMED
    return "".join(f"{name}\n{envelope[name]}\n" for name in names if name in envelope).encode()


def _check_signature(envelope: dict[str, Any], certificate: bytes) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.x509 import load_pem_x509_certificate

    try:
        key = load_pem_x509_certificate(certificate).public_key()
        if not isinstance(key, RSAPublicKey):
            raise ValueError
        signature = base64.b64decode(str(envelope.get("Signature")), validate=True)
        key.verify(signature, signed_text(envelope), PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError, binascii.Error):
        raise Declined(401, "the signature is wrong") from None


def _moment(envelope: dict[str, Any]) -> datetime:
    try:
        return datetime.strptime(str(envelope.get("Timestamp")), "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        raise Declined(401, "Timestamp is not a moment") from None
