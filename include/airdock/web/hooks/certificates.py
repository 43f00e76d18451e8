"""Amazon SNS's signing certificates, fetched once each."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any

from airdock.web.hooks.lookups import Lookups
from airdock.web.hooks.message import Declined
from airdock.web.hooks.sns import CERTIFICATE

LARGEST_BYTES = 64 * 1024
KEPT_SECONDS, FAILED_SECONDS = 86400.0, 300.0
AT_ONCE, MOST = 2, 8
"""Whoever knows a topic can invent names of certificates: they cost two threads at most, and nobody else's time."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Nowhere else than to the address that was checked."""


def certificates() -> Lookups[bytes]:
    """The certificates by their addresses."""
    return Lookups(certificate, KEPT_SECONDS, FAILED_SECONDS, AT_ONCE, MOST)


def certificate(address: str) -> bytes:
    """The certificate at an address of Amazon SNS. Raises Declined when it can't be had."""
    assert CERTIFICATE.fullmatch(address)
    try:
        return _fetched(address)
    except urllib.error.HTTPError as error:
        if error.code < 500:
            raise Declined(401, "there is no certificate at SigningCertURL") from None
    except (OSError, ValueError):
        pass
    raise Declined(503, "Amazon SNS's certificate can't be fetched now")


def _fetched(address: str) -> bytes:
    opener = urllib.request.build_opener(_NoRedirects)
    with opener.open(address, timeout=5) as answer:
        return bytes(answer.read(LARGEST_BYTES))
