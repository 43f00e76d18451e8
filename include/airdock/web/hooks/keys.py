"""What a provider's messages are checked with, from an Airflow connection.

The connection `airdock_hook_<provider>` (with _ for -) holds the secret as its password. Its extra may hold `previous`,
the secret that is being replaced, `topic_arns`, the SNS topics that are believed, and `repositories`, those that have a
secret of their own. Like every connection it may come from the environment, a secrets backend or the UI, and Airflow
masks its secrets in logs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airdock.web.hooks.lookups import Lookups
from airdock.web.hooks.message import Declined

KEPT_SECONDS = 20.0
"""How long an answer is kept, also that there is none: no flood of requests becomes a flood of look-ups."""
FAILED_SECONDS = 5.0
MOST = 10
"""Providers: one whose secret takes long to be looked up has a thread of its own, and holds up no other."""
SHORTEST_SECRET = 16


@dataclass(frozen=True, slots=True)
class Keys:
    """Secrets and topics of one provider, and the certificate of the message in hand; secrets stay out of its repr.

    `repositories`: by its name in lower case, the secrets of each repository that has its own.
    """

    secrets: tuple[str, ...] = field(default=(), repr=False)
    topics: tuple[str, ...] = ()
    certificate: bytes = field(default=b"", repr=False)
    repositories: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    def of_repository(self, name: str) -> Keys:
        """What messages to the address of one repository are checked with; nothing fits where it has no secret."""
        return Keys(self.repositories.get(name.lower(), ()), repositories=self.repositories)


def connection_id(provider: str) -> str:
    return f"airdock_hook_{provider.replace('-', '_')}"


class KeyRing:
    """The keys of all providers, looked up anew every `KEPT_SECONDS`."""

    def __init__(self, find: Callable[[str], Any]) -> None:
        self._lookups = Lookups(lambda name: _keys(find(name)), KEPT_SECONDS, FAILED_SECONDS, MOST, MOST)

    async def of(self, provider: str) -> Keys:
        """The provider's keys, of which there is at least one.

        Raises:
            Declined: there are none, so that nothing can be believed; or they can't be looked up.
        """
        keys = await self._lookups.of(connection_id(provider))
        if not (keys.secrets or keys.topics or keys.repositories):
            raise Declined(503, f"closed: no secret is set in the Airflow connection {connection_id(provider)}")
        return keys


def airflow_connection(name: str) -> Any:
    """Airflow's connection; None when there is none."""
    from airflow.exceptions import AirflowNotFoundException
    from airflow.models import Connection

    try:
        return Connection.get_connection_from_secrets(name)
    except AirflowNotFoundException:
        return None


def _keys(connection: Any) -> Keys:
    """What the connection holds; a secret that could be guessed is none."""
    if connection is None:
        return Keys()
    extra = connection.extra_dejson
    topics, repositories = extra.get("topic_arns"), extra.get("repositories")
    own = {name.lower(): _good(told) for name, told in repositories.items()} if isinstance(repositories, dict) else {}
    believed = tuple(each for each in topics if isinstance(each, str)) if isinstance(topics, list) else ()
    return Keys(_good([connection.password, extra.get("previous")]), believed, repositories=own)


def _good(told: Any) -> tuple[str, ...]:
    """The secrets in a text, or a list of texts, that nobody could guess."""
    secrets = told if isinstance(told, list) else [told]
    return tuple(each for each in secrets if isinstance(each, str) and len(each) >= SHORTEST_SECRET)
