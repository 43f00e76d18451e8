"""A service that CodeDeploy deploys, and the disturbances that its deployments meet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from airdock.spec import Pipeline
from tests.blue_green import APPLICATION, BlueGreen, push_version, until
from tests.local_aws_process import LocalAws
from tests.outcomes.cases import Case, outcomes_aws
from tests.outcomes.greeter import (
    ALARM,
    a_pipeline,
    calm,
    fire,
    put_5xx_alarms,
    put_hook,
    task_definition_file,
)

CASES = [
    Case("good release", "live", "is live", production="the new version"),
    Case("crash at start", "rolled_back", "the configuration is missing", version="crash at start"),
    Case("unhealthy", "rolled_back", "failed ELB health checks", version="unhealthy"),
    Case(
        "5xx under traffic", "rolled_back", "greeter-5xx|answered 500", version="5xx under traffic", fails_requests=True
    ),
    Case("alarm", "rolled_back", "greeter-5xx", disturbed=True),
    Case("failing hook", "rolled_back", "AfterAllowTestTraffic"),
    Case("stopped by hand", "stopped", "stopped by hand", disturbed=True),
    Case("deadline", "rolled_back", "was not over after", deadline_minutes=0.05),
    Case("overtaken", "superseded", "another has deployed since", production="a newer version", disturbed=True),
]

LONG = 2880
"""Minutes: the longest wait that CodeDeploy knows."""
NO_HOOK = """
import boto3
def run(event, context):
    boto3.client("codedeploy").put_lifecycle_event_hook_execution_status(
        deploymentId=event["DeploymentId"],
        lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
        status="Failed")
"""


def staged(factory: pytest.TempPathFactory, strategy: str, traffic: dict[str, Any]) -> Iterator[CodeDeployStage]:
    """The stage on a local AWS of its own, to which the tasks under test are connected."""
    with outcomes_aws(factory) as aws:
        yield CodeDeployStage(aws, strategy, traffic)


class CodeDeployStage(BlueGreen):
    """The greeter under CodeDeploy, with an alarm on the 5xx answers of either colour."""

    def __init__(self, aws: LocalAws, strategy: str, traffic: dict[str, Any]) -> None:
        names = [ALARM, f"{ALARM}-blue", f"{ALARM}-green"]
        super().__init__(aws, alarmConfiguration={"enabled": True, "alarms": [{"name": name} for name in names]})
        self.strategy = strategy
        self.traffic = traffic
        put_5xx_alarms(self)
        put_hook(aws, "says-no", NO_HOOK)

    def task_definition(self, version: str, **variables: str) -> str:
        """Version v1 comes from its image alone, so that nothing but the image has to change."""
        told = json.loads(task_definition_file(self.image))
        made = self.aws.client("ecs").register_task_definition(**told)
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def pipeline(self, case: Case) -> Pipeline:
        self._set_waits(case)
        long = {"wait_minutes": LONG, "every_minutes": 1440}
        waits = {name: minutes for name, minutes in long.items() if name in self.traffic and case.held}
        rollout = {"strategy": "codedeploy", "application": APPLICATION, "deployment_group": APPLICATION}
        rollout |= {"traffic": self.traffic | waits, "success_at": "traffic_shift", "deadline_minutes": 6000}
        more = {"appspec": "appspec.yaml"} if case.name == "failing hook" else {}
        return a_pipeline({"rollout": rollout, **more}, self.page())

    def _set_waits(self, case: Case | None = None) -> None:
        """All at once has no step to stay in: where something is to happen in time, it waits before its shift."""
        waits = self.group()["blueGreenDeploymentConfiguration"]
        if case and case.held:
            waits["terminateBlueInstancesOnDeploymentSuccess"]["terminationWaitTimeInMinutes"] = LONG
        if case and self.traffic["type"] == "all_at_once" and (case.disturbed or case.deadline_minutes):
            waits["deploymentReadyOption"] = {"actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": LONG}
        names = {"applicationName": APPLICATION, "currentDeploymentGroupName": APPLICATION}
        self.codedeploy.update_deployment_group(**names, blueGreenDeploymentConfiguration=waits)

    def page(self) -> str:
        return f"http://127.0.0.1:{self.ports['production']}/"

    def files(self, case: Case) -> dict[str, str]:
        appspec = """version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: <TASK_DEFINITION>
        LoadBalancerInfo: {ContainerName: web, ContainerPort: 8080}
Hooks:
  - AfterAllowTestTraffic: says-no
"""
        return {"taskdef.json": task_definition_file("<IMAGE1_NAME>"), "appspec.yaml": appspec}

    def disturb(self, case: Case) -> None:
        deployment = self._deployment()
        {
            "alarm": partial(fire, self.aws, ALARM, lambda: "rollbackInfo" in self.info(deployment)),
            "stopped by hand": partial(self._stop, deployment),
            "overtaken": partial(self._overtake, deployment),
        }[case.name]()

    def settle(self) -> None:
        """No deployment is under way, no alarm is on, and the old tasks are gone."""
        calm(self.aws)
        open_ones = {"includeOnlyStatuses": ["Created", "Queued", "InProgress", "Baking", "Ready"]}
        group = {"applicationName": APPLICATION, "deploymentGroupName": APPLICATION}

        def over() -> bool:
            return not self.codedeploy.list_deployments(**group, **open_ones)["deployments"]

        until(over, "the deployments to end", self.aws)
        until(lambda: len(self.task_sets()) == 1, "one task set to be left", self.aws)

    def runs(self) -> str:
        [primary] = [each for each in self.task_sets() if each["status"] == "PRIMARY"]
        told = self.aws.client("ecs").describe_task_definition(taskDefinition=primary["taskDefinition"])
        return str(told["taskDefinition"]["containerDefinitions"][0]["image"])

    def _deployment(self) -> str:
        """The deployment under way, once its first share of traffic has moved or, all at once, it waits to."""
        until(lambda: bool(self._under_way()), "a deployment", self.aws)
        deployment = self._under_way()

        def held() -> bool:
            return bool(self.shares(deployment)) or self.info(deployment)["status"] == "Ready"

        until(held, "the deployment to stay", self.aws)
        return deployment

    def _under_way(self) -> str:
        found = self.codedeploy.list_deployments(
            applicationName=APPLICATION,
            deploymentGroupName=APPLICATION,
            includeOnlyStatuses=["Created", "Queued", "InProgress", "Baking", "Ready"],
        )
        return next(iter(found["deployments"]), "")

    def _stop(self, deployment: str) -> None:
        self.codedeploy.stop_deployment(deploymentId=deployment, autoRollbackEnabled=True)

    def _overtake(self, deployment: str) -> None:
        """Somebody stops this one and brings a newer release, which is live before the line goes on."""
        self.codedeploy.stop_deployment(deploymentId=deployment, autoRollbackEnabled=False)
        self.ended(deployment)
        self._set_waits()
        newer = push_version(self.aws, "greeter", "newer", VERSION="newer")
        made = self.aws.client("ecs").register_task_definition(**json.loads(task_definition_file(newer)))
        after = self.deploy(made["taskDefinition"]["taskDefinitionArn"])
        self.ended(after)
