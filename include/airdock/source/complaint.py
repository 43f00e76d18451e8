"""What a failed git call means: final or worth another try, in words without secrets."""

from __future__ import annotations

import re

from airdock.errors import AirdockError, Fault, Refused
from airdock.source.remote import Remote

_LOGIN = re.compile(
    r"Authentication failed|could not read (Username|Password)|returned error: 40[13]|Permission denied|"
    r"HTTP Basic: Access denied",
    re.I,
)
_HOST_KEY = re.compile(r"Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED", re.I)
_ABSENT = re.compile(r"repository .*not found|returned error: 404|does not appear to be a git repository", re.I)
_COMMIT = re.compile(r"not our ref|unadvertised object|couldn't find remote ref|remote did not send all", re.I)
_MOVED = re.compile(r"unable to update url base from redirection|returned error: 30[1278]", re.I)
_BROKEN = re.compile(r"fsck error|error in object|bad object|unable to parse|index-pack.*died of signal 11", re.I)
_LIMIT = re.compile(r"signal 25|File too large|file size limit|SIGXFSZ|signal: 25", re.I)


class Withheld(Refused):
    """The server has the repository and does not give out this commit by its id alone."""


SIGXFSZ_STATUS = (-25, 153)


def verdict_on(remote: Remote, verb: str, status: int, stderr: bytes, secret: str) -> AirdockError:
    """The error to raise for a git call that ended with `status`."""
    said = _told(stderr, secret)
    if status in SIGXFSZ_STATUS or _LIMIT.search(said):
        return Refused(f"{remote.url} sends more than Airdock takes: {said}")
    if _COMMIT.search(said):
        return Withheld(f"{remote.url} does not give out this commit ({said})")
    for pattern, sentence in (
        (_HOST_KEY, "the host key of {url} is not the one in known_hosts"),
        (_LOGIN, "{url} refused the login: check the source's connection"),
        (_ABSENT, "there is no repository at {url}, or this login may not see it"),
        (_MOVED, "{url} has moved: put the new address into the pipeline"),
        (_BROKEN, "{url} holds malformed objects"),
    ):
        if pattern.search(said):
            return Refused(f"{sentence.format(url=remote.url)} ({said})")
    if status == 127:
        return Refused("git is not installed on this worker")
    return Fault(f"git {verb} of {remote.url} failed: {said or f'exit status {status}'}")


def _told(stderr: bytes, secret: str) -> str:
    """The last lines of git's complaint on one line, printable, without the secret."""
    text = stderr[-4096:].decode("utf-8", "replace")
    if secret:
        text = text.replace(secret, "***")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "".join(char for char in "; ".join(lines[-4:]) if char.isprintable())[-600:]
