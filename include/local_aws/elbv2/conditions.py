"""Which requests a listener rule meets: "Condition types for listener rules" of the balancer's guide."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

Condition = Mapping[str, Any]


@dataclass(frozen=True)
class Asked:
    """What the conditions look at in a request; header names are in lower case."""

    method: str
    host: str
    path: str
    query: str
    headers: Mapping[str, str]
    client: str


@lru_cache(maxsize=1024)
def _pattern(wildcards: str, flags: int = 0) -> re.Pattern[str]:
    """`*` for any characters, `?` for exactly one."""
    parts = ({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in wildcards)
    return re.compile("".join(parts), flags | re.DOTALL)


def _like(pattern: str, text: str, flags: int = 0) -> bool:
    return _pattern(pattern, flags).fullmatch(text) is not None


def _values(condition: Condition, config: str) -> list[Any]:
    return list(condition.get(config, {}).get("Values") or condition.get("Values") or [])


def _path(condition: Condition, asked: Asked) -> bool:
    return any(_like(value, asked.path) for value in _values(condition, "PathPatternConfig"))


def _host(condition: Condition, asked: Asked) -> bool:
    host = asked.host.rpartition(":")[0] if re.search(r":\d+$", asked.host) else asked.host
    return any(_like(value, host, re.IGNORECASE) for value in _values(condition, "HostHeaderConfig"))


def _header(condition: Condition, asked: Asked) -> bool:
    config = condition["HttpHeaderConfig"]
    given = asked.headers.get(config["HttpHeaderName"].lower())
    return given is not None and any(_like(value, given, re.IGNORECASE) for value in config["Values"])


def _method(condition: Condition, asked: Asked) -> bool:
    return asked.method in _values(condition, "HttpRequestMethodConfig")


def _query(condition: Condition, asked: Asked) -> bool:
    pairs = parse_qsl(asked.query, keep_blank_values=True)
    return any(
        _like(wanted["Value"], value, re.IGNORECASE) and _like(wanted.get("Key") or "*", key, re.IGNORECASE)
        for wanted in _values(condition, "QueryStringConfig")
        for key, value in pairs
    )


def _source(condition: Condition, asked: Asked) -> bool:
    client = ipaddress.ip_address(asked.client)
    return any(client in ipaddress.ip_network(value) for value in _values(condition, "SourceIpConfig"))


_TESTS: dict[str, Callable[[Condition, Asked], bool]] = {
    "path-pattern": _path,
    "host-header": _host,
    "http-header": _header,
    "http-request-method": _method,
    "query-string": _query,
    "source-ip": _source,
}


def meets(conditions: list[dict[str, Any]], asked: Asked) -> bool:
    """Whether a request meets all conditions of a rule; the default rule has none."""
    return all(_TESTS[condition["Field"]](condition, asked) for condition in conditions)
