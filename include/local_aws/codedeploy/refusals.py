"""CodeDeploy's errors, by the names in its API reference."""

from __future__ import annotations

from typing import NoReturn

from moto.core.exceptions import ServiceException


class Refused(ServiceException):
    """A request that CodeDeploy refuses: `Refused(code, message)`."""


def refuse(code: str, message: str) -> NoReturn:
    """Raise the error `code`, without its ending "Exception"."""
    raise Refused(f"{code}Exception", message)
