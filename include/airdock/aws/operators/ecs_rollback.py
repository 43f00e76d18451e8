"""The way back where ECS deploys by itself."""

from __future__ import annotations

from airflow.sdk import Context

from airdock.aws.operators.job import clear_number, memory
from airdock.aws.operators.rollback import Deployed, RollBackOperator
from airdock.aws.service_deployments import begin_once, console_url, known, stop
from airdock.aws.watch import Facts, Subject
from airdock.aws.watch.service_deployment import ServiceDeploymentWatch
from airdock.aws.watch.subject import look
from airdock.plan.adoption import State
from airdock.plan.service_configuration import way_back_configuration
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
        return begin_once(self.service, before, wanted.request, memory(context), clear_number(context))

    def is_way_back(self, context: Context, facts: Facts) -> bool:
        return bool(facts["task_definition"] == self.released(context).previous_arn)
