"""One HTTP question to a deployed service, put so that nobody can lead it elsewhere.

The address comes from the pipeline file, which is reviewed code of the team's own. Still a name may come to resolve
to the credentials that a worker finds at its link-local metadata address, so:

- every address of the name is looked at once, and the connection goes to exactly what was looked at;
- link-local, metadata, multicast, reserved and unspecified addresses are refused, in every IPv6 disguise;
- private and loopback addresses are allowed, because most balancers worth verifying are internal;
- redirects are answers like any other and never followed; proxies of the environment are not used.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from types import MappingProxyType
from urllib.parse import SplitResult, urlsplit

from airdock.errors import Fault, Refused

Address = IPv4Address | IPv6Address

METADATA_IPV6 = IPv6Network("fd00:ec2::/32")
"""Amazon's IPv6 addresses for instance metadata, credentials and time: private by number, never a balancer."""
NAT64 = IPv6Network("64:ff9b::/96")
LONGEST_BODY_BYTES = 256 * 1024
OWN_HEADERS = {"User-Agent": "airdock", "Connection": "close"}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: str


def ask(url: str, timeout_seconds: float, headers: Mapping[str, str] = MappingProxyType({})) -> Answer:
    """GET `url` once, with more headers; the body is cut at 256 KiB and at the timeout.

    Raises:
        Refused: the address is none that may be asked.
        Fault: no answer came.
    """
    parts = checked(url)
    try:
        return _get(parts, _address_of(parts), timeout_seconds, headers)
    except (OSError, HTTPException) as error:
        raise Fault(f"{url} gave no answer: {error or type(error).__name__}") from error


def checked(url: str) -> SplitResult:
    """The parts of a URL that may be asked: http or https, with a host, without credentials in it."""
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        raise Refused(f"{url!r} is no address that can be asked") from None
    if not sound or parts.username is not None or not (url.isascii() and url.isprintable()) or " " in url:
        raise Refused(f"{url!r} is no http(s) address of the form https://host/path")
    return parts


def forbidden(address: Address) -> bool:
    """Whether no service that Airdock delivers can live at this address."""
    inner = _unwrapped(address)
    if isinstance(inner, IPv6Address) and inner in METADATA_IPV6:
        return True
    reserved = inner.is_reserved and not inner.is_loopback
    return inner.is_link_local or inner.is_multicast or inner.is_unspecified or reserved


def _unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, if it does."""
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


def _address_of(parts: SplitResult) -> tuple[str, int]:
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]).partition("%")[0] for entry in found]
    _refuse_forbidden(str(parts.hostname), addresses)
    return addresses[0], port


def _refuse_forbidden(host: str, addresses: Iterable[str]) -> None:
    for address in addresses:
        if forbidden(ip_address(address)):
            raise Refused(f"{host} is at {address}: link-local and metadata addresses are never asked")


def _get(parts: SplitResult, address: tuple[str, int], timeout_seconds: float, headers: Mapping[str, str]) -> Answer:
    until = time.monotonic() + timeout_seconds
    connection = _connected(parts, address, timeout_seconds)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", path, headers={**OWN_HEADERS, **headers})
        response = connection.getresponse()
        return Answer(response.status, _body(response, until))
    finally:
        connection.close()


def _connected(parts: SplitResult, address: tuple[str, int], timeout_seconds: float) -> HTTPConnection:
    """A connection to the address that was looked at, speaking to the host that was named."""
    host = str(parts.hostname)
    raw = socket.create_connection(address, timeout_seconds)
    if parts.scheme == "http":
        connection = HTTPConnection(host, parts.port, timeout=timeout_seconds)
        connection.sock = raw
        return connection
    secure = HTTPSConnection(host, parts.port, timeout=timeout_seconds)
    secure.sock = ssl.create_default_context().wrap_socket(raw, server_hostname=host)
    return secure


def _body(response: HTTPResponse, until: float) -> str:
    body = b""
    while len(body) < LONGEST_BODY_BYTES and time.monotonic() < until:
        chunk = response.read1(65536)
        if not chunk:
            break
        body += chunk
    return body[:LONGEST_BODY_BYTES].decode("utf-8", "replace")
