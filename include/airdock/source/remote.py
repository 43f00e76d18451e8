"""Where a repository is and who asks for it.

Plain http carries passwords and code in the clear, so it is for loopback hosts only, unless whoever set up the
connection has said that its network may be trusted (`allow_http`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from airdock.errors import Refused

FORGES = {
    "github": "https://github.com/{repository}.git",
    "gitlab": "https://gitlab.com/{repository}.git",
    "bitbucket": "https://bitbucket.org/{repository}.git",
}
TOKEN_USERS = {"github": "x-access-token", "gitlab": "oauth2", "bitbucket": "x-token-auth"}
"""The user name that each forge documents for a token in the place of the password."""

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9a-f:.]+")  # the second form is an IPv6 address
_NAME = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_LOOPBACK = re.compile(r"localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1")


@dataclass(frozen=True, slots=True)
class Login:
    """Who asks. Secrets stay out of its repr, and reach git through its environment and private files only."""

    user: str = ""
    password: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    known_hosts: str = ""
    """Lines of an ssh known_hosts file; "" means the machine's own."""


ANONYMOUS = Login()


@dataclass(frozen=True, slots=True)
class Remote:
    """A repository whose address has been checked.

    Raises:
        Refused: the address is none that Airdock lets git open.
    """

    url: str
    login: Login = ANONYMOUS
    allow_http: bool = False

    def __post_init__(self) -> None:
        _check(self.url, self.allow_http)

    @property
    def scheme(self) -> str:
        return urlsplit(self.url).scheme


def forge_url(provider: str, repository: str) -> str:
    """The https address of `owner/name` at a public forge.

    Raises:
        Refused: an unknown forge, or a name that no forge gives.
    """
    if provider not in FORGES:
        raise Refused(f"{provider!r} is no forge whose addresses Airdock knows: {', '.join(FORGES)}")
    if not _NAME.fullmatch(repository) or ".." in repository:
        raise Refused(f"{repository!r} is no repository name of the form owner/name")
    return FORGES[provider].format(repository=repository.removesuffix(".git"))


def _check(url: str, allow_http: bool) -> None:
    parts = _parts(url)
    host = parts.hostname or ""
    if not _HOST.fullmatch(host) or not parts.path.strip("/"):
        raise Refused(f"the repository address {_shown(parts)!r} is not of the form https://host/path")
    if parts.scheme == "http" and not (allow_http or _LOOPBACK.fullmatch(host)):
        raise Refused(f"{_shown(parts)!r} is plain http: use https, or set allow_http in the connection's extra")
    if parts.scheme not in ("https", "http", "ssh"):
        raise Refused(f"the repository address {_shown(parts)!r} is neither https nor ssh")
    _check_user(parts)


def _parts(url: str) -> SplitResult:
    if not url.isascii() or not url.isprintable() or " " in url:
        raise Refused("the repository address has a blank, a control or a non-ASCII character in it")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise Refused("the repository address is no URL") from None
    if "://" not in url or parts.query or parts.fragment:
        raise Refused(f"the repository address {_shown(parts)!r} is not of the form https://host/path")
    return parts


def _check_user(parts: SplitResult) -> None:
    """A user may be named for ssh (git@host); a password never, because addresses are logged and stored."""
    bare_ssh_user = parts.scheme == "ssh" and parts.password is None and _USER.fullmatch(parts.username or "git")
    if parts.username is not None and not bare_ssh_user:
        raise Refused(f"{_shown(parts)!r} carries credentials: put them into an Airflow connection")


def _shown(parts: SplitResult) -> str:
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
