"""Which rules an event meets. What they owe to their targets is in the store before an event counts as accepted."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from moto.events.models import Rule, events_backends

if TYPE_CHECKING:
    from local_aws.world import World

Event = dict[str, Any]
OWED = "event_delivery"


class Events:
    """Accepts events. Delivery is at least once, and outlives the process."""

    def __init__(self, world: World) -> None:
        self._world = world

    def emit(
        self,
        source: str,
        detail_type: str,
        detail: dict[str, Any],
        resources: Sequence[str] = (),
        region: str | None = None,
    ) -> str:
        """Put an event of a part, such as `aws.codebuild`, on the default bus; returns its id."""
        event = self._event(source, detail_type, json.loads(json.dumps(detail, default=_text)), resources, region)
        shown = {"source": source, "detail-type": detail_type, "detail": event["detail"]}
        self._world.effects.record("events", "event_emitted", source, shown)
        self.accept(event)
        return str(event["id"])

    def put(self, entry: dict[str, Any], region: str) -> str:
        """Put a caller's own event on the bus it names; returns its id."""
        at = entry.get("Time")
        event = self._event(
            entry["Source"],
            entry["DetailType"],
            json.loads(entry["Detail"]),
            entry.get("Resources", ()),
            region,
            datetime.fromtimestamp(at, self._world.clock.now().tzinfo) if at else None,
        )
        self.accept(event, entry.get("EventBusName") or "default")
        return str(event["id"])

    def accept(self, event: Event, bus: str = "default") -> None:
        """Owe the event to every target of every rule that it meets."""
        for rule in self._rules_met(event, bus):
            for target in list(rule.targets):
                key = uuid.uuid4().hex
                owed = {"key": key, "event": event, "target": target, "rule": rule.arn, "attempts": 0}
                self._world.store.put(OWED, key, owed)
        self._world.threads.wakeups.notify()

    def _rules_met(self, event: Event, bus: str) -> Iterator[Rule]:
        backend = events_backends[self._world.settings.account][event["region"]]
        for rule in list(backend.describe_event_bus(bus.split("/")[-1]).rules.values()):
            # A rule without a pattern is a schedule; moto would let it meet everything.
            pattern = rule.event_pattern
            if rule.state == "ENABLED" and pattern.get_pattern() and pattern.matches_event(event):  # type: ignore[arg-type]
                yield rule

    def _event(
        self,
        source: str,
        detail_type: str,
        detail: dict[str, Any],
        resources: Sequence[str],
        region: str | None,
        at: datetime | None = None,
    ) -> Event:
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": detail_type,
            "source": source,
            "account": self._world.settings.account,
            "time": _text(at or self._world.clock.now()),
            "region": region or self._world.settings.region,
            "resources": list(resources),
            "detail": detail,
        }


def _text(value: Any) -> str:
    """Times as EventBridge writes them, whole seconds in UTC."""
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else str(value)
