"""What a part of the local AWS offers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from moto.core.responses import BaseResponse

    from local_aws.world import World

WSGIApp = Callable[[dict[str, Any], Any], Any]


def _nothing(_world: World) -> None:
    """A part without engines has nothing to start."""


@dataclass(frozen=True)
class Service:
    """One part: the AWS service it answers for, the paths it serves, and what it resumes at the start.

    `name` is the SigV4 signing name of the requests that `response` answers (None for a part of routes only);
    `routes` are WSGI apps by path prefix, served without SigV4; `start` resumes what was in flight when the
    process died and spawns the part's engine threads.
    """

    name: str | None = None
    response: type[BaseResponse] | None = None
    routes: Mapping[str, WSGIApp] = field(default_factory=dict)
    start: Callable[[World], None] = _nothing
