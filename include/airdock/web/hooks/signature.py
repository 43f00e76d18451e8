"""Whether a message comes from who knows the secret. Compared as bytes, in time that tells nothing."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Sequence

from airdock.web.hooks.message import Declined

TOLERANCE_SECONDS = 300
"""How far the sender's clock may be off, and how old a signed message may be (Standard Webhooks)."""
_STANDARD = re.compile(r"v1,([A-Za-z0-9+/]+={0,2})")
_PREFIX = "whsec_"

Secrets = Sequence[str]
"""The secrets that are good now: one, or two while one replaces the other."""


def check_hub(header: str, body: bytes, secrets: Secrets) -> None:
    """`sha256=<hex>`, an HMAC of the raw body: GitHub's X-Hub-Signature-256, Bitbucket's X-Hub-Signature.

    Raises:
        Declined: no signature, another kind, or a wrong one.
    """
    digests = ["sha256=" + hmac.new(secret.encode(), body, "sha256").hexdigest() for secret in secrets]
    _check(header, digests)


def check_token(header: str, secrets: Secrets) -> None:
    """The secret itself in a header: it shows who sends, but not that nobody changed the body. Raises Declined."""
    _check(header, secrets)


def check_standard(
    identity: str, timestamp: str, header: str, body: bytes, secrets: Secrets, now_seconds: float
) -> None:
    """The Standard Webhooks signature: an HMAC of id, timestamp and raw body; `header` may hold several.

    Raises:
        Declined: a header of another form, a wrong signature, or one that is too old or from the future.
    """
    given = [_STANDARD.fullmatch(each) for each in header.split(" ")]
    if not identity or not re.fullmatch(r"[0-9]{1,12}", timestamp) or not all(given):
        raise Declined(401, "the signature is missing or has another form")
    signed = b".".join((identity.encode(), timestamp.encode(), body))
    wanted = [base64.b64encode(hmac.digest(_key(secret), signed, "sha256")).decode() for secret in secrets]
    matches = [_equal(each[1], one) for each in given if each for one in wanted]
    if not any(matches):
        raise Declined(401, "the signature is wrong")
    if abs(now_seconds - int(timestamp)) > TOLERANCE_SECONDS:
        raise Declined(401, f"the message is not of the last {TOLERANCE_SECONDS // 60} minutes, or a clock is wrong")


def _check(given: str, wanted: Sequence[str]) -> None:
    if not given:
        raise Declined(401, "the signature is missing")
    if not any([_equal(given, one) for one in wanted]):  # noqa: C419 - all are compared, whichever fits
        raise Declined(401, "the signature is wrong")


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _key(secret: str) -> bytes:
    """A secret that begins with whsec_ is base64 for its bytes, as Standard Webhooks writes them."""
    if secret.startswith(_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            pass
    return secret.encode()
