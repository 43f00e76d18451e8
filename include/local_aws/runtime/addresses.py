"""An address of its own for each task: Linux answers on all of 127.0.0.0/8 without any set-up."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Sequence

_ATTEMPTS = 1000


class NoAddressError(Exception):
    """No free address was found."""


def free_address(ports: Sequence[int]) -> str:
    """An address in 127.64.0.0/16 on which all the ports are free.

    Drawn at random, so that several local AWSs on one host stay out of each other's way. Raises NoAddressError.
    """
    for _ in range(_ATTEMPTS):
        address = f"127.64.{secrets.randbelow(256)}.{1 + secrets.randbelow(254)}"
        if all(_free(address, port) for port in ports):
            return address
    raise NoAddressError(f"no address in 127.64.0.0/16 has the ports {list(ports)} free")


def _free(address: str, port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
