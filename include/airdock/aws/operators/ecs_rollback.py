"""The way back where ECS deploys by itself."""

from __future__ import annotations

from functools import partial
from typing import Any

from airflow.sdk import Context

from airdock.aws.operators.memory import clear_number, memory
from airdock.aws.operators.rollback import Deployed, RollBackOperator
from airdock.aws.production import described
from airdock.aws.service_deployments import begin_once, configure, console_url, known, stop
from airdock.aws.watch import Facts, Subject
from airdock.aws.watch.service_deployment import ServiceDeploymentWatch
from airdock.aws.watch.subject import look
from airdock.errors import Refused
from airdock.plan.adoption import State
from airdock.plan.service_configuration import guarded_again, way_back_configuration
from airdock.plan.service_deployment_result import service_deployment_state
from airdock.spec.codedeploy_rollout import CodeDeployRollout


class EcsRollBackOperator(RollBackOperator):
    """Finds the run's deployment by the task definition that it brings."""

    kind = "service_deployment"

    def console_url(self, job_id: str) -> str:
        return console_url(self.service, job_id)

    def deployed(self, context: Context, deploy_state: str) -> Deployed | None:
        arn = self.released(context).arn
        found = next((each.id for each in known(self.service) if each.task_definition == arn), "")
        if not found:
            return None
        facts = look(ServiceDeploymentWatch(), Subject(self.kind, found, self.account))
        state = service_deployment_state(facts["status"])
        if deploy_state != "success" and state is State.SUCCEEDED and facts["newest"] != found:
            return None  # of an earlier delivery of the same: this one's deploy task came to nothing
        turned = facts["status"].startswith("ROLLBACK")
        return Deployed(facts, State.FAILED if turned else state, state is not State.RUNNING)

    def stop(self, deployment_id: str) -> bool:
        return stop(self.service, deployment_id)

    def redeploy(self, context: Context, before: str, runs_now: str) -> str:  # noqa: ARG002 - ECS knows what runs
        assert not isinstance(self.target.rollout, CodeDeployRollout)
        wanted = way_back_configuration(self.target.rollout)
        self.log.info(wanted.sentence)
        insist = partial(self._insist, context)
        return begin_once(self.service, before, wanted.request, memory(context), clear_number(context), insist)

    def conclude(self, context: Context, facts: Facts) -> Any:
        try:
            return super().conclude(context, facts)
        finally:
            self._guard_again(context)

    def overdue(self, context: Context, facts: Facts | None) -> Any:
        try:
            return super().overdue(context, facts)
        finally:
            self._guard_again(context)

    def is_way_back(self, context: Context, facts: Facts) -> bool:
        return bool(facts["task_definition"] == self.released(context).previous_arn)

    def _insist(self, context: Context) -> None:
        self.lease.insist_for_way_back(context)
        self._note_guards(context)

    def _note_guards(self, context: Context) -> None:
        """Note what the service has, before the way back goes without alarms and hooks; a next try finds it."""
        store = memory(context)
        if not store.get("own"):
            store.set("own", described(self.service).get("deploymentConfiguration") or {})

    def _guard_again(self, context: Context) -> None:
        """Put the service's alarms and hooks back: whatever is deployed next must not go unguarded."""
        store = memory(context)
        if wanted := guarded_again(store.get("own") or {}):
            try:
                configure(self.service, wanted)
            except Refused as error:
                self.log.error("The service is left without the alarms and hooks that it had: %s", error.sentence)
        store.set("own", {})
