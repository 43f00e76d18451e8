"""The fault plan: which calls fail, hang, lose their connection or wait, so that tests can watch a client cope."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local_aws.calls import Call, service_name

ACTIONS = ("throttle", "error", "hang", "reset_before", "reset_after", "block_before", "block_after")


class FaultPlanError(ValueError):
    """The plan is not one; the message says which field is wrong."""


@dataclass
class Fault:
    """One planned fault and what became of it.

    It hits the `nth` fitting call (counted from 1), or with `every` each one, or `percent` of them.
    """

    id: str
    service: str
    operation: str
    action: str
    nth: int | None = None
    every: bool = False
    percent: float | None = None
    seen: int = 0
    hits: int = 0
    blocked: int = 0
    released: threading.Event = field(default_factory=threading.Event)
    counting: threading.Lock = field(default_factory=threading.Lock)
    dice: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311

    def fits(self, call: Call) -> bool:
        """Whether the call is of the kind this fault is planned for."""
        return self.service in ("*", call.service) and self.operation in ("*", call.operation)

    def strikes(self) -> bool:
        """Count one fitting call and say whether it is hit."""
        self.seen += 1
        if self.percent is not None:
            hit = self.dice.random() * 100 < self.percent
        else:
            hit = self.every or self.seen == self.nth
        self.hits += hit
        return hit

    def hold(self) -> None:
        """Wait until released."""
        with self.counting:
            self.blocked += 1
        self.released.wait()
        with self.counting:
            self.blocked -= 1

    def summary(self) -> dict[str, Any]:
        """The fault as the control API shows it."""
        shown = ("id", "service", "operation", "action", "nth", "every", "percent", "seen", "hits", "blocked")
        return {name: getattr(self, name) for name in shown}


class FaultPlan:
    """The faults planned now. Calls of the parts themselves are never hit."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def replace(self, plan: list[Mapping[str, Any]]) -> None:
        """Put a new plan in place of the old one, whose waiting requests are released.

        Raises FaultPlanError; then the old plan stays.
        """
        faults = [_fault(number, item) for number, item in enumerate(plan, 1)]
        with self._lock:
            old, self._faults = self._faults, faults
        for fault in old:
            fault.released.set()

    def release(self, fault_id: str) -> bool:
        """Let the requests go on that this fault holds, now and later; False when there is no such fault."""
        with self._lock:
            found = [fault for fault in self._faults if fault.id == fault_id]
        for fault in found:
            fault.released.set()
        return bool(found)

    def summary(self) -> list[dict[str, Any]]:
        """Every fault with its counts."""
        with self._lock:
            return [fault.summary() for fault in self._faults]

    def strike(self, call: Call) -> Fault | None:
        """The fault that hits this call, if any; every fitting fault counts the call."""
        if call.internal:
            return None
        with self._lock:
            struck = [fault for fault in self._faults if fault.fits(call) and fault.strikes()]
        return struck[0] if struck else None


def _fault(number: int, item: Mapping[str, Any]) -> Fault:
    unknown = set(item) - {"id", "service", "operation", "action", "nth", "every", "percent"}
    if unknown:
        raise FaultPlanError(f"fault {number}: unknown field {sorted(unknown)[0]!r}")
    if item.get("action") not in ACTIONS:
        raise FaultPlanError(f"fault {number}: action must be one of {', '.join(ACTIONS)}")
    if sum(name in item for name in ("nth", "every", "percent")) > 1:
        raise FaultPlanError(f"fault {number}: give one of nth, every, percent")
    whole = {"id": f"fault-{number}", "service": "*", "operation": "*", **item}
    whole["service"] = service_name(whole["service"])
    if not any(name in item for name in ("nth", "every", "percent")):
        whole["nth"] = 1
    return Fault(**whole)
