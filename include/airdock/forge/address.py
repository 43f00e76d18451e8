"""Where the API of a repository's forge is: at a known address, or on the very host that git itself talks to.

No other host is ever asked, whatever a repository or an answer says; https only, by the rules of `source.remote`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from airdock.errors import Refused
from airdock.plan.forge_status import Forge
from airdock.source.remote import Remote, forge_url

PUBLIC = {
    Forge.GITHUB: "https://api.github.com",
    Forge.GITLAB: "https://gitlab.com/api/v4",
    Forge.BITBUCKET: "https://api.bitbucket.org/2.0",
}
HOSTS = {"github.com": Forge.GITHUB, "gitlab.com": Forge.GITLAB, "bitbucket.org": Forge.BITBUCKET}

_REPOSITORY = re.compile(r"~?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+")


@dataclass(frozen=True, slots=True)
class Address:
    """`api` is the root of the forge's API, without a slash at its end; `repository` the name in its paths."""

    forge: Forge
    api: str
    repository: str


def address(provider: str, repository: str, server: str | None = None, allow_http: bool = False) -> Address | None:
    """The address of a pipeline's forge; None where the source has none that can be told.

    `repository` is owner/name, or an address for the provider git, of whose server `server` says what it is.
    `allow_http` as in `Remote`.

    Raises:
        Refused: the repository's address or name is none that Airdock opens.
    """
    if provider in PUBLIC:
        forge = Forge(provider)
        return Address(forge, PUBLIC[forge], _name(urlsplit(forge_url(provider, repository)).path))
    if provider != "git":
        return None
    parts = urlsplit(Remote(repository, allow_http=allow_http).url)
    if known := HOSTS.get(parts.hostname or ""):
        return Address(known, PUBLIC[known], _name(parts.path))
    return _own_server(Forge(server), parts) if server else None


def _own_server(forge: Forge, parts: SplitResult) -> Address:
    """GitHub Enterprise, GitLab or Bitbucket Data Center; ssh has its own port, the API is at https' own."""
    origin = f"https://{parts.hostname}" if parts.scheme == "ssh" else f"{parts.scheme}://{parts.netloc}"
    if forge is Forge.GITHUB and str(parts.hostname).endswith(".ghe.com"):
        return Address(forge, f"https://api.{parts.hostname}", _name(parts.path))
    if forge is not Forge.BITBUCKET_DATA_CENTER:
        root = "/api/v3" if forge is Forge.GITHUB else "/api/v4"
        return Address(forge, f"{origin}{root}", _name(parts.path))
    # Over https its repositories are under /scm, which may itself be under the path of the installation.
    before, scm, below = parts.path.rpartition("/scm/")
    return Address(forge, f"{origin}{before}/rest/api/latest", _name(below if scm else parts.path))


def _name(path: str) -> str:
    name = path.strip("/").removesuffix(".git")
    if not _REPOSITORY.fullmatch(name) or ".." in name:
        raise Refused(f"{name!r} is no repository name that a forge gives")
    return name
