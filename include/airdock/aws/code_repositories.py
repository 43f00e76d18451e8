"""Which address and which login lead to a pipeline's source: a forge, CodeCommit, or any git server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from airdock.aws.faults import spoken
from airdock.aws.hooks import Account
from airdock.errors import Refused
from airdock.source.remote import ANONYMOUS, TOKEN_USERS, Login, Remote, forge_url


@dataclass(frozen=True, slots=True)
class CodeRepository:
    """A repository as a pipeline names it.

    `provider`: codecommit, github, gitlab, bitbucket or git. `name`: the name at CodeCommit, owner/name at a
    forge, the address for git. `connection`: an Airflow connection of any type with login and password, or with
    `private_key` and `known_hosts` in its extra for ssh; its host is not used. `allow_http` in the extra lets its
    credentials travel in the clear.
    """

    provider: str
    name: str
    account: Account
    connection: str | None = None

    def remote(self) -> Remote:
        """Where to fetch from, with its login.

        Raises:
            Refused: no such repository or connection, or an address that git may not open.
            Fault: CodeCommit is out of reach.
        """
        extra, login = _connected(self.connection, self.provider)
        allow_http = bool(extra.get("allow_http"))
        if self.provider == "codecommit":
            return _codecommit(self, login, allow_http)
        if self.provider == "git":
            return Remote(self.name, login, allow_http)
        return Remote(forge_url(self.provider, self.name), login, allow_http)


def login_of(connection: Any, provider: str) -> Login:
    """The login that an Airflow connection holds; a token without a user gets the forge's own user for tokens."""
    extra = connection.extra_dejson
    password = connection.password or ""
    user = connection.login or (TOKEN_USERS.get(provider, "git") if password else "")
    return Login(user, password, extra.get("private_key", ""), extra.get("known_hosts", ""))


def codecommit_login(credentials: Any, region: str, url: str) -> Login:
    """A login for CodeCommit over HTTPS made of AWS credentials, good for 15 minutes.

    It is what AWS's own git-remote-codecommit sends: a SigV4 signature of the method GIT, over host and path only.
    """
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest

    parts = urlsplit(url)
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    request = AWSRequest(method="GIT", url=f"https://{parts.hostname}{parts.path}")
    request.context["timestamp"] = moment
    signer = SigV4Auth(credentials, "codecommit", region)
    canonical = f"GIT\n{parts.path}\n\nhost:{parts.hostname}\n\nhost\n"
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    session = f"%{credentials.token}" if credentials.token else ""
    return Login(f"{credentials.access_key}{session}", f"{moment}Z{signature}")


def _connected(connection: str | None, provider: str) -> tuple[Mapping[str, Any], Login]:
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    if connection is None:
        return {}, ANONYMOUS
    try:
        found = BaseHook.get_connection(connection)
        return found.extra_dejson, login_of(found, provider)
    except AirflowNotFoundException:
        raise Refused(f"there is no Airflow connection {connection!r} for the source") from None
    except json.JSONDecodeError:
        raise Refused(f"the extra of the Airflow connection {connection!r} is no JSON") from None


def _codecommit(named: CodeRepository, login: Login, allow_http: bool) -> Remote:
    client = named.account.client("codecommit")
    with spoken(f"asking CodeCommit for the repository {named.name}"):
        url = client.get_repository(repositoryName=named.name)["repositoryMetadata"]["cloneUrlHttp"]
    # The connection's own endpoint is the measure: code may travel as its metadata does, and to the same host.
    as_safe_as_the_api = _origin(url) == _origin(client.meta.endpoint_url)
    if login == ANONYMOUS:
        login = codecommit_login(named.account.credentials(), client.meta.region_name, url)
    return Remote(url, login, allow_http or as_safe_as_the_api)


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
