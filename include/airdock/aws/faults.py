"""Which AWS errors are worth another try, and which are an answer.

Rule: AWS "Error retries and exponential backoff"; every service's "Common errors" page.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airdock.errors import AirdockError, Fault, Refused

if TYPE_CHECKING:  # DAG files import the operators: parsing must not pay for botocore
    from botocore.exceptions import ClientError

THROTTLES = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
        "SlowDown",
        "PriorRequestNotComplete",
        "TooManyUpdates",
    }
)
PASSING = frozenset(
    {
        "RequestTimeout",
        "RequestTimeoutException",
        "InternalFailure",
        "InternalError",
        "InternalServerError",
        "ServerException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "ExpiredTokenException",
        "ExpiredToken",
    }
)


UNSET = ("NoCredentialsError", "NoRegionError", "ParamValidationError", "PartialCredentialsError", "ProfileNotFound")
"""botocore's errors before anything is sent, which somebody must mend."""


def error_code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def is_throttling(error: BaseException) -> bool:
    """Whether AWS refused a call for nothing but its rate; `error` may be a Fault that `spoken` made of it."""
    from botocore.exceptions import ClientError

    told = error.__cause__ or error
    return isinstance(told, ClientError) and error_code(told) in THROTTLES


def may_pass(error: Exception) -> bool:
    """Whether the same call may succeed later with nothing changed by anybody."""
    from botocore.exceptions import BotoCoreError, ClientError

    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return error_code(error) in THROTTLES | PASSING or status in (429, *range(500, 600))
    return isinstance(error, BotoCoreError) and type(error).__name__ not in UNSET


@contextmanager
def spoken(doing: str) -> Iterator[None]:
    """Turn an AWS error met while `doing` into Refused (final) or Fault (try again).

    Raises:
        Refused: AWS understood the call and will answer the same next time.
        Fault: throttling, a server's fault, or the network.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except AirdockError:
        raise
    except (ClientError, BotoCoreError) as error:
        kind = Fault if may_pass(error) else Refused
        raise kind(f"{doing}: {error}") from error
