"""Between the steps of ECS's traffic: what was measured is judged, and ECS is told to go on or back, once for each."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context

from airdock.aws.alarms import on_since
from airdock.aws.operators.memory import memory
from airdock.aws.production import Service
from airdock.aws.service_deployments import answer_hook
from airdock.errors import Refused
from airdock.plan.analysis import Answer, Decision, alarmed, before_traffic, judge
from airdock.release import Record

if TYPE_CHECKING:
    from airdock.spec.analysis import Analysis

UNSEEN = "an earlier step has moved traffic, and ECS does not tell that the new version has any"
"""ECS's weights are a snapshot that may be late: after the first step they are no reason to measure nothing."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Taken(Record):
    """A decision of one step: the hook that asked, when it was decided (ISO 8601), and what share had moved."""

    step: int
    hook: str
    at: str
    percent: float
    answer: Answer
    sentence: str
    evidence: tuple[str, ...] = ()


def decisions(context: Context, deployment_id: str) -> list[Taken]:
    """The decisions on a deployment so far, in their order."""
    kept = memory(context).get("decisions") or {}
    told = kept.get("taken", ()) if kept.get("deployment") == deployment_id else ()
    return [Taken.from_json(each) for each in told]


def leave_decisions(context: Context, deployment_id: str) -> None:
    """Leave what was decided for the verdict and the board; a try that had nothing to decide any more leaves it too."""
    if taken := decisions(context, deployment_id):
        context["ti"].xcom_push(key="decisions", value=[each.to_json() for each in taken])


class TrafficSteps:
    """The decisions of one deployment, kept in the task's store, so that no step is decided twice.

    A decision is kept before it is sent: a task that dies in between sends the same one again.
    """

    def __init__(self, service: Service, analysis: Analysis, context: Context) -> None:
        self._service = service
        self._analysis = analysis
        self._context = context

    def answer(self, facts: Mapping[str, Any]) -> bool:
        """Answer the pause that waits; False when it must be measured once more."""
        hook = facts["waiting"][0]
        taken = next((each for each in decisions(self._context, facts["id"]) if each.hook == hook), None)
        taken = taken or self._decided(facts, hook)
        if taken is None:
            return False
        answer_hook(self._service, facts["id"], hook, str(taken.answer))
        return True

    def _decided(self, facts: Mapping[str, Any], hook: str) -> Taken | None:
        before = decisions(self._context, facts["id"])
        decision = self._judged(facts, before, hook)
        log.info("Step %d: %s: %s", len(before) + 1, decision.answer, decision.sentence)
        for line in decision.evidence:
            log.info("| %s", line)
        if decision.answer is Answer.WAIT:
            return None
        now, percent = datetime.now(UTC).isoformat(), float(facts["weights"].get("new", 0))
        taken = Taken(len(before) + 1, hook, now, percent, decision.answer, decision.sentence, decision.evidence)
        self._keep(facts["id"], [*before, taken])
        return taken

    def _judged(self, facts: Mapping[str, Any], before: list[Taken], hook: str) -> Decision:
        on, unread = self._alarms(facts)
        if on:
            return alarmed(on)
        moved = bool(facts["weights"].get("new"))
        first = not moved and not before
        checks = self._analysis.before_traffic if first else self._analysis.checks
        analysis = self._analysis.model_copy(update={"checks": checks})
        if not checks and not unread:
            return before_traffic()
        from airdock.aws.analysis import gather
        from airdock.aws.sides import sides

        since = datetime.fromisoformat(before[-1].at if before else facts["started_at"])
        measured = gather(analysis, sides(self._service, facts, since))
        return judge(analysis, measured, self._waited(hook), unread or ("" if moved or first else UNSEEN))

    def _alarms(self, facts: Mapping[str, Any]) -> tuple[list[str], str]:
        """The deployment's alarms that have gone on in it, and why that can't be told, or "".

        ECS itself ignores what was on before: so does this, or no release could mend what the alarm is about.
        """
        names, since = facts["alarms"].get("names", ()), datetime.fromisoformat(facts["started_at"])
        try:
            return on_since(self._service.account, names, since) if names else [], ""
        except Refused as error:
            return [], error.sentence

    def _waited(self, hook: str) -> int:
        """How often this step was measured before, and counted up for the next time."""
        store = memory(self._context)
        waits = store.get("waits") or {}
        count = int(waits.get("count", 0)) if waits.get("hook") == hook else 0
        store.set("waits", {"hook": hook, "count": count + 1})
        return count

    def _keep(self, deployment_id: str, taken: list[Taken]) -> None:
        told = [each.to_json() for each in taken]
        memory(self._context).set("decisions", {"deployment": deployment_id, "taken": told})
        leave_decisions(self._context, deployment_id)
