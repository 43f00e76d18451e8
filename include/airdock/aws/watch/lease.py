"""How the lease on an environment is waited for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from airdock.aws.faults import spoken
from airdock.aws.leases import newest_under
from airdock.aws.watch.subject import Facts, Lookup


class LeaseWatch:
    """Facts of a lease by its path: lease: the newest generation or None, free: whether it may be taken now."""

    service = "ssm"
    batch = 1

    def read(self, lookup: Lookup, ids: Sequence[str]) -> dict[str, Facts]:
        with spoken("asking who deploys"):
            return {path: _facts(newest_under(lookup("ssm"), path)) for path in ids}

    def finished(self, facts: Facts, options: Mapping[str, Any]) -> bool:
        lease = facts["lease"] or {}
        ours = [lease.get("dag_id"), lease.get("run_id")] == list(options.get("holder", ()))
        return bool(facts["free"] or ours)

    def progress(self, before: Facts | None, now: Facts) -> list[str]:
        if (before and before["lease"] == now["lease"]) or now["free"] or not now["lease"]:
            return []
        return [f"the run {now['lease']['run_id']} of {now['lease']['dag_id']} deploys here: waiting for its end"]


def _facts(lease: Any) -> Facts:
    if lease is None:
        return {"lease": None, "free": True}
    expired = datetime.fromisoformat(lease.expires) <= datetime.now(UTC)
    return {"lease": lease.to_json(), "free": lease.released or expired}
