"""API destinations: an event as an HTTP request, authorised as its connection says."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

import requests
from moto.events.models import Connection, events_backends

from local_aws.eventbridge.refusal import CannotDeliverError

if TYPE_CHECKING:
    from local_aws.world import World

# Both as in "API destinations" of the EventBridge guide.
_TIMEOUT_SECONDS = 5
_RETRIED = {401, 407, 409, 429}


def send_to_destination(world: World, target: dict[str, Any], text: str) -> None:
    """Send one event.

    Raises CannotDeliverError for any answer but a success.
    """
    region, name = target["Arn"].split(":")[3], target["Arn"].split("/")[1]
    backend = events_backends[world.settings.account][region]
    destination = backend.destinations.get(name)
    if destination is None:
        raise CannotDeliverError(f"there is no API destination {name}", final=True)
    connection = backend.connections[destination.connection_arn.split("/")[1]]
    extra = target.get("HttpParameters", {})
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Amazon/EventBridge/ApiDestinations",
    }
    request = requests.Request(
        destination.http_method,
        _filled(destination.invocation_endpoint, extra.get("PathParameterValues", [])),
        headers={**headers, **extra.get("HeaderParameters", {}), **authorization(connection)},
        params={**extra.get("QueryStringParameters", {}), **_invocation(connection, "QueryStringParameters")},
        data=text.encode(),
    )
    _send(request)


def authorization(connection: Connection) -> dict[str, str]:
    """The headers that the connection adds to every request."""
    given = connection.auth_parameters
    headers = _invocation(connection, "HeaderParameters")
    match connection.authorization_type:
        case "API_KEY":
            key = given["ApiKeyAuthParameters"]
            return {**headers, key["ApiKeyName"]: key["ApiKeyValue"]}
        case "BASIC":
            user = given["BasicAuthParameters"]
            pair = f"{user['Username']}:{user['Password']}".encode()
            return {**headers, "Authorization": "Basic " + base64.b64encode(pair).decode()}
    raise CannotDeliverError(f"not implemented by the local AWS: {connection.authorization_type}", final=True)


def _invocation(connection: Connection, kind: str) -> dict[str, str]:
    listed = connection.auth_parameters.get("InvocationHttpParameters", {}).get(kind, [])
    return {item["Key"]: item["Value"] for item in listed}


def _filled(endpoint: str, values: list[str]) -> str:
    for value in values:
        endpoint = endpoint.replace("*", value, 1)
    return endpoint


def _send(request: requests.Request) -> None:
    with requests.Session() as session:
        # A proxy of the environment is meant for the internet, not for an endpoint on this host.
        session.trust_env = False
        try:
            answer = session.send(session.prepare_request(request), timeout=_TIMEOUT_SECONDS)
        except requests.RequestException as error:
            raise CannotDeliverError(re.sub(r"0x[0-9a-f]+", "…", str(error))) from error
    if not answer.ok:
        retried = answer.status_code in _RETRIED or answer.status_code >= 500
        raise CannotDeliverError(f"{answer.url} answered {answer.status_code}", final=not retried)
