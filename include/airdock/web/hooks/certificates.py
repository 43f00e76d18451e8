"""Amazon SNS's signing certificates, fetched once each."""

from __future__ import annotations

import urllib.error
import urllib.request
from functools import lru_cache
from typing import Any

from airdock.web.hooks.message import Declined
from airdock.web.hooks.sns import CERTIFICATE

LARGEST_BYTES = 64 * 1024


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Nowhere else than to the address that was checked."""


def certificate(address: str) -> bytes:
    """The certificate at an address of Amazon SNS. Raises Declined when it can't be had now."""
    assert CERTIFICATE.fullmatch(address)
    try:
        return _fetched(address)
    except (OSError, ValueError):
        raise Declined(503, "Amazon SNS's certificate can't be fetched now") from None


@lru_cache(maxsize=32)
def _fetched(address: str) -> bytes:
    opener = urllib.request.build_opener(_NoRedirects)
    with opener.open(address, timeout=5) as answer:
        return bytes(answer.read(LARGEST_BYTES))
