"""Before anything changes: what the release needs, and what it will change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Context

from airdock.aws.operators.job import DeliveryOperator
from airdock.aws.preflight import preflight
from airdock.errors import Fault, Refused
from airdock.plan.difference import in_words
from airdock.plan.preflight import flat, judge, passes_by_itself, rendered
from airdock.release import Image, Source

if TYPE_CHECKING:
    from airdock.spec.environment import Environment

MOST_LINES = 200
"""How many lines of the difference travel on; the log has them all."""


class PreflightOperator(DeliveryOperator):
    """Looks at all that a release needs, and refuses it while nothing has changed yet.

    Where an alarm that fires is all that is wrong, it looks again with each try of the task, and refuses at the last.

    Args:
        application, environment: whose release it is.
        target: where it goes, and how traffic moves there.
        source: the record of the source, for the repository's files.
        build: the record of the build, for the image.
        again: "True" where the release has been live before: going back must not wait for anything.

    Record: {"checks": [{"name", "finding", "sentence"}], "difference": [line]}.
    """

    template_fields = ("source", "build", "again")

    def __init__(
        self,
        *,
        application: str,
        environment: str,
        target: Environment,
        source: Any,
        build: Any,
        again: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.application = application
        self.environment = environment
        self.target = target
        self.source = source
        self.build = build
        self.again = again

    def deliver(self, context: Context) -> dict[str, Any]:
        if self.again == "True" and self.build.get("task_definition"):
            self.log.info("The release has been live here before: it is not looked at again")
            return {"checks": [], "difference": []}
        found = preflight(self.target, Source.from_json(self.source), Image.from_json(self.build["image"]))
        changes, verdict = in_words(list(found.changes)), judge(found.tree)
        told = [f"{self.application} to {self.environment}", *rendered(found.tree)]
        for line in [*told, *(changes if found.changes or verdict.passed else ())]:
            self.log.info(line)
        if passes_by_itself(found.tree) and context["ti"].try_number <= context["ti"].max_tries:
            # As after a rollback, whose alarm is on for some minutes more: the release that mends it must not be lost.
            raise Fault(verdict.reason)
        if not verdict.passed:
            raise Refused(verdict.reason)
        self.log.info(verdict.reason)
        return {"checks": flat(found.tree), "difference": changes[:MOST_LINES]}
