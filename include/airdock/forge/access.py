"""Who asks: an API token as each forge takes it.

The documents behind it: GitHub "Authenticating to the REST API", GitLab "REST API authentication" (tokens in OAuth's
header), Bitbucket Cloud "Access tokens" and "API tokens", Bitbucket Data Center "HTTP access tokens".
"""

from __future__ import annotations

from base64 import b64encode

from airdock.plan.forge_status import Forge
from airdock.source.remote import Login

TOKEN_LOGINS = frozenset({"", "git", "oauth2", "x-access-token", "x-token-auth"})
"""Users that stand for a token and for nobody."""

GITLAB_TOKENS = ("glpat-", "gloas-")


def authorization(forge: Forge, login: Login, chosen: bool) -> str:
    """The value of the Authorization header, "" where the login is no API token.

    `chosen`: the login was set up to report with. Otherwise it is git's, whose password may be a person's own at a
    server of one's own, and is not tried at the API.
    """
    if not login.password:
        return ""
    if forge is Forge.BITBUCKET:
        return _bearer(login) if login.user in TOKEN_LOGINS else _basic(login)
    if forge is Forge.GITHUB or login.user in TOKEN_LOGINS:
        return _bearer(login)
    if forge is Forge.GITLAB:
        return _bearer(login) if chosen or login.password.startswith(GITLAB_TOKENS) else ""
    return _basic(login) if chosen else ""


def _bearer(login: Login) -> str:
    return f"Bearer {login.password}"


def _basic(login: Login) -> str:
    return f"Basic {b64encode(f'{login.user}:{login.password}'.encode()).decode()}"
