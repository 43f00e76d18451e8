"""AWS clients through Airflow's connections: credentials, roles and endpoints are the connection's business."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from threading import Lock
from time import monotonic
from typing import Any, NamedTuple

from airdock.aws.faults import spoken

SERVICES = (
    "cloudwatch",
    "codebuild",
    "codedeploy",
    "ecr",
    "ecs",
    "elbv2",
    "iam",
    "logs",
    "service-quotas",
    "ssm",
    "sts",
)
"""Those that most deliveries call."""
CLIENT_SECONDS = 900
"""How long clients are kept; then they are made anew from the connection as it is by then."""


@dataclass(frozen=True, slots=True)
class Account:
    """Where calls go: an Airflow AWS connection and a region.

    `connection` None means boto3's own credential chain; `region` None means the connection's.
    """

    connection: str | None = "aws_default"
    region: str | None = None

    def client(self, service: str, *, once: bool = False) -> Any:
        """A boto3 client, kept for a quarter of an hour: a triggerer runs for months, and keys are changed.

        `once` sends each request a single time: for calls that AWS does not make idempotent, where botocore's
        own retry of a lost reply would create a second resource.

        Raises:
            Refused: no region, no profile of that name, or a role that may not be assumed: STS is asked here.
            Fault: STS is busy or out of reach.
        """
        with self._spoken(service):
            return _client(self.connection, self.region, service, once)

    def credentials(self) -> Any:
        """The connection's AWS credentials at this moment: `access_key`, `secret_key`, `token`. Raises as `client`."""
        from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

        with self._spoken("sts"):
            hook = AwsBaseHook(aws_conn_id=self.connection, region_name=self.region, client_type="sts")
            return hook.get_credentials()

    def _spoken(self, service: str) -> AbstractContextManager[None]:
        by = f"the connection {self.connection}" if self.connection else "the credentials of the environment"
        return spoken(f"reaching for {service} with {by}")


def _client(connection: str | None, region: str | None, service: str, once: bool) -> Any:
    clients, key = _kept().clients, (connection, region, service, once)
    with _making.setdefault(connection, Lock()):  # waits share threads, and clients a session
        if key not in clients:
            clients[key] = _made(*key)
    return clients[key]


_making: dict[str | None, Lock] = {}


class _Kept(NamedTuple):
    """By connection and region: what Airflow tells of it, and sessions; and by service and `once` as well: clients."""

    connections: dict[tuple[str | None, str | None], Any]
    sessions: dict[tuple[str | None, str | None], Any]
    clients: dict[tuple[str | None, str | None, str, bool], Any]


def _kept() -> _Kept:
    return _kept_in(int(monotonic() // CLIENT_SECONDS))


@lru_cache(maxsize=1)
def _kept_in(period: int) -> _Kept:  # noqa: ARG001 - the cache's key
    return _Kept({}, {}, {})


def _made(connection: str | None, region: str | None, service: str, once: bool) -> Any:
    # The provider takes a second to import: paid where calls are made, never where DAGs are parsed.
    from botocore.config import Config

    retries: Any = {"total_max_attempts": 1} if once else {"mode": "standard", "total_max_attempts": 4}
    hook = _hook_class()(aws_conn_id=connection, region_name=region, client_type=service)
    # A config given to the hook would replace what the connection says, such as its proxies.
    config = hook.config.merge(Config(retries=retries, connect_timeout=5, read_timeout=30))
    client = hook.get_client_type(region_name=hook.region_name, config=config)
    _kept().connections[connection, region] = hook.conn_config
    return client


@lru_cache(maxsize=1)
def _hook_class() -> type[Any]:
    """The provider's hook with one session for all clients of a connection and region: a role is assumed once for
    them, and AWS's models are read once in a process."""
    from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

    class Hook(AwsBaseHook):
        @cached_property
        def conn_config(self) -> Any:
            """As it was good for another client: asking Airflow anew is a call, or one to a secrets manager."""
            return _kept().connections.get((self.aws_conn_id, self._region_name)) or super().conn_config

        def get_session(self, region_name: str | None = None, deferrable: bool = False) -> Any:
            if deferrable:  # aiobotocore's, with a loader of its own
                return super().get_session(region_name, deferrable)
            sessions, key = _kept().sessions, (self.aws_conn_id, region_name)
            if key not in sessions:
                sessions[key] = super().get_session(region_name)
                sessions[key]._session.register_component("data_loader", _models())
            return sessions[key]

        def _generate_user_agent_extra_field(self, existing_user_agent_extra: str) -> str:
            """Our name. The provider goes through the stack and all modules for its caller's, for each client anew."""
            return f"Airdock {existing_user_agent_extra or ''}".strip()

    return Hook


@lru_cache(maxsize=1)
def _models() -> Any:
    """What botocore knows of AWS, as it was read: parsing it takes most of the time that a new client takes."""
    from botocore.session import get_session

    return get_session().get_component("data_loader")


def service_model(service: str) -> Any:
    """What botocore knows of a service (a `ServiceModel`), as this process's clients have it: it is not read again."""
    from botocore.model import ServiceModel

    return ServiceModel(_models().load_service_model(service, "service-2", api_version=None), service)


def read_models(services: Iterable[str] = SERVICES) -> None:
    """Read the models of these services, for the forks of this process to inherit. No call is made."""
    from botocore.session import get_session

    session = get_session()
    session.register_component("data_loader", _models())
    for service in services:
        session.create_client(service, "eu-west-1", aws_access_key_id="none", aws_secret_access_key="none")  # noqa: S106
