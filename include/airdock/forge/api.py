"""One request to a forge's API: soon answered or given up, never redirected, and silent about its token."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError

from airdock.errors import Fault
from airdock.forge.address import Address
from airdock.plan.forge_status import Request
from airdock.plan.masking import HIDDEN

TIMEOUT_SECONDS = (5, 5)
"""To connect, and between two bytes."""

LARGEST_ANSWER_BYTES = 1024 * 1024
BUSY = 429


@dataclass(frozen=True, slots=True)
class Answer:
    """What a forge said: `told` is its JSON, None where it was none."""

    status: int
    told: Any = None


@dataclass(frozen=True, slots=True)
class Api:
    """The API of one forge for one login."""

    address: Address
    authorization: str = field(repr=False)

    def ask(self, request: Request) -> Answer:
        """Send one request.

        Raises:
            Fault: nobody answered, or the forge said that it can't just now.
        """
        asking = f"{request.method} {urlsplit(self.address.api).hostname}{request.path.partition('?')[0]}"
        try:
            answer = self._sent(request)
        except (requests.RequestException, HTTPError, OSError) as error:
            # The error's own text has the whole address in it, and may have more.
            raise Fault(f"{asking}: no answer ({type(error).__name__})") from None
        if answer.status == BUSY or answer.status >= 500:
            raise Fault(f"{asking}: answered {answer.status}")
        return answer

    def hidden(self, text: str) -> str:
        """The text without the token, should an answer repeat it."""
        token = self.authorization.partition(" ")[2]
        return text.replace(token, HIDDEN) if token else text

    def _sent(self, request: Request) -> Answer:
        # Authorization goes by `auth`: without it, requests would look for a login in ~/.netrc and prefer that.
        sent = requests.request(
            request.method,
            self.address.api + request.path,
            json=request.body,
            headers={"Accept": "application/json", "User-Agent": "airdock"},
            auth=_Header(self.authorization),
            timeout=TIMEOUT_SECONDS,
            allow_redirects=False,
            stream=True,
        )
        with closing(sent):
            return Answer(sent.status_code, _json(sent.raw.read(LARGEST_ANSWER_BYTES, decode_content=True)))


class _Header(AuthBase):
    """The Authorization header as it is."""

    def __init__(self, value: str) -> None:
        self._value = value

    def __call__(self, prepared: Any) -> Any:
        prepared.headers["Authorization"] = self._value
        return prepared


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
