"""A look at AWS on which nothing depends but a finding: what may not be seen is unknown, and says what it takes."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeVar

from airdock.aws.faults import error_code, may_pass, spoken
from airdock.plan.preflight import Check, unknown

Told = TypeVar("Told")

DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "NotAuthorized"}
)


def looked(name: str, action: str, look: Callable[[], Told]) -> Told | Check:
    """What `look` finds, or a finding of unknown where AWS does not let us look; `action` is what IAM calls it.

    Raises:
        Refused: the call can't be made at all: no credentials, no region.
        Fault: AWS is busy or broken.
    """
    from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

    try:
        return look()
    except ClientError as error:
        if may_pass(error):
            with spoken(f"looking at the {name}"):
                raise
        if error_code(error) in DENIED:
            return unknown(name, f"nobody may look: allow the connection's role {action} to have it checked")
        return unknown(name, f"AWS does not tell ({action}: {error})")
    except (ConnectionError, HTTPClientError) as error:
        # Airflow may be in a network that reaches less of AWS than the tasks do.
        return unknown(name, f"AWS is out of reach from here ({action}: {error})")


def present(call: Callable[[], Told], absent: Collection[str]) -> Told | None:
    """What the call answers, or None when its error is one of those codes that say that there is no such thing."""
    from botocore.exceptions import ClientError

    try:
        return call()
    except ClientError as error:
        if error_code(error) in absent:
            return None
        raise
