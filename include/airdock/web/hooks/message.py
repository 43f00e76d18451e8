"""A request read under limits: nothing of it has been believed yet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

LONGEST_HEADER = 1000
LONGEST_WAIT_SECONDS = 10
"""How long a body may take to arrive. Forges give up after ten seconds themselves."""


class Declined(Exception):
    """The answer to what is not accepted: an HTTP status, and a short sentence for the sender's log."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Message:
    """A body as it came, and the headers as they came: names in lower case, each as often as it was sent."""

    headers: Sequence[tuple[bytes, bytes]]
    body: bytes = b""

    def header(self, name: str) -> str:
        """The one value of a header, which is not a list; "" when it is missing.

        Raises:
            Declined: it is there twice, also when somebody on the way has joined the two.
        """
        value = self.one(name)
        if "," in value:
            raise Declined(400, f"the header {name} has several values")
        return value

    def one(self, name: str) -> str:
        """The value of a header that stands there once; "" when it is missing. Raises Declined."""
        values = [value for key, value in self.headers if key == name.encode()]
        if len(values) > 1:
            raise Declined(400, f"the header {name} is there {len(values)} times")
        value = values[0] if values else b""
        if not value.isascii() or len(value) > LONGEST_HEADER:
            raise Declined(400, f"the header {name} is not ASCII, or longer than {LONGEST_HEADER} characters")
        return value.decode().strip()


async def read_body(headers: Sequence[tuple[bytes, bytes]], parts: AsyncIterator[bytes], most_bytes: int) -> Message:
    """The message, as soon as all of it is there; what is too large is refused before it has been taken in.

    Raises:
        Declined: the body is too large, or too slow.
    """
    if _announced(headers) > most_bytes:
        raise Declined(413, f"the body is larger than {most_bytes} bytes")
    try:
        async with asyncio.timeout(LONGEST_WAIT_SECONDS):
            return Message(headers, await _joined(parts, most_bytes))
    except TimeoutError:
        raise Declined(408, f"the body had not arrived after {LONGEST_WAIT_SECONDS} s") from None


async def _joined(parts: AsyncIterator[bytes], most_bytes: int) -> bytes:
    body = bytearray()
    async for part in parts:
        body += part
        if len(body) > most_bytes:
            raise Declined(413, f"the body is larger than {most_bytes} bytes")
    return bytes(body)


def _announced(headers: Sequence[tuple[bytes, bytes]]) -> int:
    """What Content-Length says; what it says wrongly is the server's business."""
    found = [value for key, value in headers if key == b"content-length" and value.isdigit()]
    return int(found[0][:20]) if found else 0
