"""The SSM parameter by which infrastructure code learns the image that is live."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airdock.aws.faults import error_code, spoken
from airdock.aws.hooks import Account


def export(account: Account, name: str, image: str) -> bool:
    """Let the parameter tell the image; whether it did not yet. A parameter that is there keeps its type.

    Raises:
        Refused, Fault: by Systems Manager.
    """
    with spoken(f"writing the image into the parameter {name}"):
        now = _told(account, name)
        if now.get("Value") == image:
            return False
        account.client("ssm").put_parameter(Name=name, Value=image, Type=now.get("Type", "String"), Overwrite=bool(now))
        return True


def _told(account: Account, name: str) -> Mapping[str, Any]:
    """The parameter, or {} where there is none."""
    from botocore.exceptions import ClientError

    try:
        parameter: Mapping[str, Any] = account.client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]
    except ClientError as error:
        if error_code(error) != "ParameterNotFound":
            raise
        return {}
    return parameter
