"""What a service is to run next: a task definition pinned to the image that was built and scanned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Context

from airdock.aws.drafts import draft
from airdock.aws.operators.job import DeliveryOperator, memory
from airdock.aws.production import Service, Standing, standing
from airdock.aws.task_definitions import definition, register, tagged
from airdock.plan.task_definition import Registration, stamped
from airdock.release import Image, Source, TaskDefinition

if TYPE_CHECKING:
    from airdock.spec.environment import Environment


class EcsRegisterTaskDefinitionOperator(DeliveryOperator):
    """Registers the task definition of a delivery, unless a revision of the same content is there already.

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
        return self._registered(stamped(drafted, application=self.application, commit=source.commit.sha, run=run))

    def _registered(self, wanted: Registration) -> str:
        account = self.service.account
        if arn := tagged(account, wanted.family, wanted.spec_tag):
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
