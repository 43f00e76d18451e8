"""Which AWS errors are worth another try."""

from __future__ import annotations

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)

from airdock.aws.faults import spoken
from airdock.errors import Fault, Refused


def an_answer(code: str, status: int = 400) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Operation")


@pytest.mark.parametrize(
    "error",
    [
        an_answer("ThrottlingException"),
        an_answer("TooManyRequestsException", 429),
        an_answer("SomethingNew", 503),
        EndpointConnectionError(endpoint_url="https://ecs"),
        ConnectTimeoutError(endpoint_url="https://ecs"),
    ],
)
def test_what_passes_is_a_fault(error: Exception) -> None:
    with pytest.raises(Fault, match="asking ECS"), spoken("asking ECS"):
        raise error


@pytest.mark.parametrize(
    "error",
    [
        an_answer("AccessDeniedException"),
        an_answer("ServiceNotFoundException"),
        NoCredentialsError(),
        PartialCredentialsError(provider="env", cred_var="aws_secret_access_key"),
        NoRegionError(),
        ProfileNotFound(profile="deploy"),
    ],
)
def test_what_somebody_must_mend_first_is_refused(error: Exception) -> None:
    with pytest.raises(Refused, match="asking ECS"), spoken("asking ECS"):
        raise error
