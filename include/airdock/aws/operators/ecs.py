"""What a service is to run next: a task definition pinned to the image that was built and scanned."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk import Context

from airdock.aws.drafts import draft
from airdock.aws.faults import is_throttling
from airdock.aws.operators.job import DEADLINE_MARGIN, DeliveryOperator
from airdock.aws.operators.memory import memory, waits_since
from airdock.aws.production import Service, Standing, standing
from airdock.aws.task_definitions import definition, register, tagged
from airdock.errors import Fault
from airdock.plan.task_definition import Registration, stamped
from airdock.release import Image, Source, TaskDefinition

if TYPE_CHECKING:
    from airdock.spec.environment import Environment

LONGEST_THROTTLED = timedelta(minutes=60)
"""How long AWS may throttle a task before it is a fault: at one registration a second, 3,600 go before it."""


class EcsRegisterTaskDefinitionOperator(DeliveryOperator):
    """Registers the task definition of a delivery, unless a revision of the same content is there already.

    What AWS throttles waits for its turn in the triggerer, holds no worker and spends no try; then all is looked at
    anew, for a registration whose reply was lost may be there.

    Args:
        application: stamped on the revision, beside commit and run.
        target: the service, and where its task definition comes from.
        source: the record of the source, for the repository's task definition and the commit.
        build: the record of the build, for the image.

    Record: a TaskDefinition, with what production ran before.
    """

    template_fields = ("source", "build")

    def __init__(self, *, application: str, target: Environment, source: Any, build: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.application = application
        self.target = target
        self.source = source
        self.build = build
        self.service = Service.of(target)

    def deliver(self, context: Context) -> Any:
        try:
            return self._delivered(context)
        except Fault as fault:
            if is_throttling(fault):
                self._wait_for_turn(context, fault)
            raise

    def resume(self, context: Context, event: dict[str, Any]) -> Any:  # noqa: ARG002 - at the deadline it tries as well
        """Where the triggerer's event comes back to; the name is stored with waiting tasks, keep it."""
        return self._spoken(context, lambda: self.deliver(context))

    def _wait_for_turn(self, context: Context, fault: Fault) -> NoReturn:
        from airdock.aws.turn_trigger import TurnTrigger

        since, now = waits_since(context, "registering"), datetime.now(UTC)
        deadline = since + LONGEST_THROTTLED
        if deadline <= now:
            waited = (now - since) // timedelta(minutes=1)
            raise Fault(f"AWS has been throttling this task for {waited} minutes: {fault.sentence}") from fault
        until = deadline.isoformat(timespec="seconds")
        self.log.info("%s: waiting in the triggerer for its turn, until %s at the latest", fault.sentence, until)
        trigger = TurnTrigger(asdict(self.service.account), since.isoformat(), deadline.isoformat())
        self.defer(trigger=trigger, method_name="resume", timeout=deadline - now + DEADLINE_MARGIN)

    def _delivered(self, context: Context) -> Any:
        source, image = Source.from_json(self.source), Image.from_json(self.build["image"])
        arn = self._recorded() or self._made(context, source, image)
        before = self._before(context, arn)
        family, _, revision = arn.rpartition("/")[2].rpartition(":")
        record = TaskDefinition(arn, family, int(revision), image.uri, before.task_definition, before.image)
        return record.to_json()

    def _recorded(self) -> str:
        """The task definition that a release was recorded with, as long as ECS may still run it; else ""."""
        arn = str(self.build.get("task_definition") or "")
        if not arn or definition(self.service.account, arn).get("status") != "ACTIVE":
            return ""
        self.log.info("The release is registered as %s", arn)
        return arn

    def _made(self, context: Context, source: Source, image: Image) -> str:
        drafted = draft(self.target, source, image)
        self.log.info(drafted.sentence)
        run = context["dag_run"].run_id
        wanted = stamped(drafted, application=self.application, commit=source.commit.sha, run=run)
        return self._once_read(context, wanted)

    def _once_read(self, context: Context, wanted: Registration) -> str:
        """Registered, with no other revision read twice: a crowd that did would have its reads throttled for ever."""
        store, spec = memory(context), wanted.spec_tag["value"]
        known = store.get("others") or {}
        others = set(known["revisions"]) if known.get("spec") == spec else set()
        try:
            return self._registered(wanted, others)
        except Fault:
            store.set("others", {"spec": spec, "revisions": sorted(others)})
            raise

    def _registered(self, wanted: Registration, others: set[str]) -> str:
        account = self.service.account
        if arn := tagged(account, wanted.family, wanted.spec_tag, others):
            self.log.info("%s has this content already: nothing to register", arn)
            return arn
        arn = register(account, wanted.request)
        self.log.info("Registered %s", arn)
        return arn

    def _before(self, context: Context, arn: str) -> Standing:
        """What production ran before this run; remembered, for a run that is cleared after it went live."""
        store, now = memory(context), standing(self.service)
        if now.task_definition == arn and (known := store.get("before")):
            return Standing(**known)
        store.set("before", now.to_json())
        self.log.info("Production runs %s (%s)", now.task_definition, now.image)
        return now
