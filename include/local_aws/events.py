"""Events of the AWS services on the default EventBridge bus."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from local_aws.world import World


class Events:
    """Puts events of `aws.*` sources on the default bus, where rules hand them to their targets."""

    def __init__(self, world: World) -> None:
        self._world = world

    def emit(
        self, source: str, detail_type: str, detail: dict[str, Any], resources: Sequence[str] = ()
    ) -> None:
        """Put one event; best effort as in AWS, where events only wake and state is read again."""
        entry = {
            "Source": source,
            "DetailType": detail_type,
            "Detail": json.dumps(detail, default=str),
            "Resources": list(resources),
            "Time": self._world.clock.now(),
        }
        self._world.client("events", source.removeprefix("aws.")).put_events(Entries=[entry])
