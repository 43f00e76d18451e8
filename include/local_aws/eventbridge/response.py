"""EventBridge's API: moto keeps buses, rules and destinations; events are accepted here."""

import json
from typing import Any

from moto.events.exceptions import ValidationException
from moto.events.responses import EventsHandler

from local_aws.events import Events
from local_aws.world import world

_MOST_ENTRIES = 10


def _refusal(entry: dict[str, Any]) -> dict[str, str] | None:
    for name in ("Source", "DetailType", "Detail"):
        if not entry.get(name):
            message = f"Parameter {name} is not valid. Reason: {name} is a required argument."
            return {"ErrorCode": "InvalidArgument", "ErrorMessage": message}
    try:
        detail = json.loads(entry["Detail"])
    except ValueError:
        detail = None
    if not isinstance(detail, dict):
        return {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
    return None


class EventsResponse(EventsHandler):
    """PutEvents; everything else is inherited."""

    def put_events(self) -> str:
        """Accept each entry that is well formed, and say of each other one what is wrong."""
        entries = self._get_param("Entries")
        if len(entries) > _MOST_ENTRIES:
            raise ValidationException(
                "1 validation error detected: Value at 'entries' failed to satisfy constraint: "
                f"Member must have length less than or equal to {_MOST_ENTRIES}"
            )
        events = Events(world())
        answers = [_refusal(entry) or {"EventId": events.put(entry, self.region)} for entry in entries]
        failed = sum("ErrorCode" in answer for answer in answers)
        return json.dumps({"FailedEntryCount": failed, "Entries": answers})
