"""The way back where CodeDeploy deploys."""

from __future__ import annotations

from functools import partial
from typing import Any

from airflow.sdk import Context

from airdock.aws.appspecs import made_for
from airdock.aws.deployments import (
    Group,
    Order,
    adopt_or_create,
    console_url,
    ensure_config,
    of_delivery,
    run_since,
    stop,
)
from airdock.aws.operators.memory import clear_number
from airdock.aws.operators.rollback import Deployed, RollBackOperator
from airdock.aws.production import described
from airdock.aws.watch import Facts, Subject
from airdock.aws.watch.deployment import DeploymentWatch
from airdock.aws.watch.subject import look
from airdock.names import Marker, marker, parse_marker
from airdock.plan.adoption import State
from airdock.plan.deployment_result import deployment_state
from airdock.plan.traffic import traffic_configuration
from airdock.spec.codedeploy_rollout import AllAtOnce


class CodeDeployRollBackOperator(RollBackOperator):
    """Finds the run's deployment by its marker; the way back carries one of its own."""

    kind = "deployment"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.group = Group.of(self.target)

    def console_url(self, job_id: str) -> str:
        return console_url(self.group, job_id)

    def overdue(self, context: Context, facts: Facts | None) -> Any:
        """Judge it by what production runs, where all traffic has moved and only replaced tasks have not ended."""
        return self.conclude(context, facts) if facts and facts["terminating"] else super().overdue(context, facts)

    def deployed(self, context: Context, deploy_state: str) -> Deployed | None:
        mark = self._mark(context)
        deployment_id = of_delivery(self.group, mark.base, run_since(context))
        if not deployment_id:
            return None
        facts = look(DeploymentWatch(), Subject(self.kind, deployment_id, self.account))
        state = deployment_state(facts["status"])
        # A success of an attempt before the clear is what was live then; a deploy task that failed has not touched it.
        untouched = deploy_state != "success" and state is State.SUCCEEDED
        if untouched and parse_marker(facts["description"]) != mark:
            return None
        return Deployed(facts, state, DeploymentWatch().finished(facts, {}))

    def stop(self, deployment_id: str) -> bool:
        return stop(self.account, deployment_id)

    def redeploy(self, context: Context, before: str, runs_now: str) -> str:
        config = ensure_config(self.account, traffic_configuration(AllAtOnce()))
        # To the container and port that production's traffic takes now, whoever chose them, pipeline or AppSpec file;
        # without hooks, as CodeDeploy itself rolls back: they judge a new version, and this one was live.
        appspec = made_for(self.service, described(self.service), before)
        order = Order(before, appspec, config, self._mark(context).rollback())
        insist = partial(self.lease.insist_for_way_back, context)
        return adopt_or_create(self.group, order, run_since(context), runs_now, insist)

    def is_way_back(self, context: Context, facts: Facts) -> bool:
        return parse_marker(facts["description"]) == self._mark(context).rollback()

    def _mark(self, context: Context) -> Marker:
        run = context["dag_run"]
        return marker(self.application, self.environment, (run.dag_id, run.run_id), clear_number(context))
