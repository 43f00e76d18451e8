"""A topic of Amazon SNS that signs with a key of the tests alone."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from airdock.web.hooks.sns import signed_text
from tests.hooks.sender import Sent

TOPIC = "arn:aws:sns:eu-west-1:123456789012:pushes"
HOST = "sns.eu-west-1.amazonaws.com"
CERTIFICATE = f"https://{HOST}/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"


class Topic:
    """Signs as SNS does; `fetched` holds the addresses that were asked for its certificate."""

    def __init__(self) -> None:
        self.key: RSAPrivateKey = generate_private_key(65537, 2048)
        self.fetched: list[str] = []

    def certificate(self, address: str) -> bytes:
        self.fetched.append(address)
        return self_signed(self.key, "sns.amazonaws.com")

    def says(self, message: str, kind: str = "Notification", **changes: Any) -> Sent:
        """A message with changes that are signed with it."""
        told = {
            "Type": kind,
            "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
            "TopicArn": TOPIC,
            "Message": message,
            "Timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "SignatureVersion": "2",
            "SigningCertURL": CERTIFICATE,
            **changes,
        }
        told["Signature"] = base64.b64encode(self.key.sign(signed_text(told), PKCS1v15(), SHA256())).decode()
        return self.sent(told)

    def sent(self, told: dict[str, Any]) -> Sent:
        headers = {"x-amz-sns-message-type": told["Type"], "Content-Type": "text/plain; charset=UTF-8"}
        return "codecommit", json.dumps(told).encode(), headers


def self_signed(key: RSAPrivateKey, host: str) -> bytes:
    """A certificate of a day for a host, which is its own authority."""
    now, day = datetime.now(UTC), timedelta(days=1)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - day).not_valid_after(now + day)
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return made.sign(key, SHA256()).public_bytes(Encoding.PEM)
