"""What a release leaves as it is: where the service's tasks run, and which container the balancer sends to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from airdock.aws.operators.codedeploy import CodeDeployCreateDeploymentOperator
from airdock.aws.operators.codedeploy_rollback import CodeDeployRollBackOperator
from tests.blue_green import APPLICATION, CLUSTER, BlueGreen
from tests.delivery import a_release, a_source, a_target, connect
from tests.fakes import a_context, run_task
from tests.local_aws_process import LocalAws

STRATEGY = [{"capacityProvider": "FARGATE_SPOT", "weight": 3, "base": 1}]
APPSPEC = """version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: <TASK_DEFINITION>
        LoadBalancerInfo: {ContainerName: web, ContainerPort: 8080}
"""
BEHIND: dict[str, Any] = {"container": "app"}
"""The greeter of a task is called web, and the application that is delivered is behind it."""


class Stage(BlueGreen):
    """The greeter on capacity providers and a platform version of its own, before an application."""

    def _make_service(self, task_definition: str) -> None:
        balancer = {"targetGroupArn": self.target_groups["blue"], "containerName": "web", "containerPort": 8080}
        self.aws.client("ecs").create_service(
            cluster=CLUSTER,
            serviceName=APPLICATION,
            taskDefinition=task_definition,
            desiredCount=1,
            capacityProviderStrategy=STRATEGY,
            platformVersion="1.4.0",
            deploymentController={"type": "CODE_DEPLOY"},
            loadBalancers=[balancer],
            networkConfiguration=self.network,
        )

    def with_application(self, version: str) -> str:
        """The greeter's version with the application behind it, which has a port of its own."""
        ecs, arn = self.aws.client("ecs"), self.task_definition(version)
        told = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
        [web] = told["containerDefinitions"]
        app = {"name": "app", "image": self.image, "essential": False, "portMappings": [{"containerPort": 9090}]}
        kept = {key: told[key] for key in ("family", "networkMode", "requiresCompatibilities", "cpu", "memory")}
        made = ecs.register_task_definition(
            **kept, containerDefinitions=[web, {**app, "command": ["python", "-c", "import time; time.sleep(3600)"]}]
        )
        return str(made["taskDefinition"]["taskDefinitionArn"])

    @property
    def live(self) -> dict[str, Any]:
        [primary] = [each for each in self.task_sets() if each["status"] == "PRIMARY"]
        return primary

    @property
    def way(self) -> tuple[str, int]:
        """The container and port that production's traffic goes to."""
        [balancer] = self.live["loadBalancers"]
        return balancer["containerName"], balancer["containerPort"]


@pytest.fixture
def stage(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    aws = LocalAws(tmp_path / "aws", minute_seconds=0.5).start()
    try:
        connect(aws, monkeypatch)
        yield Stage(aws)
    finally:
        aws.end()


def deploy(stage: Stage, arn: str, xcoms: dict[tuple[str, str], Any] | None = None, **changes: Any) -> None:
    record = a_release(arn, before=stage.live["taskDefinition"], image=stage.image)
    (xcoms if xcoms is not None else {})["production.register", "return_value"] = record
    operator = CodeDeployCreateDeploymentOperator(
        task_id="deploy",
        application="greeter",
        environment="production",
        target=a_target(**changes),
        source=a_source(appspec=APPSPEC),
        task_definition=record,
        poll_seconds=0.5,
        handoff_seconds=1,
    )
    run_task(operator, a_context("production.deploy"))


def roll_back(xcoms: dict[tuple[str, str], Any], **changes: Any) -> Any:
    operator = CodeDeployRollBackOperator(
        task_id="roll_back",
        application="greeter",
        environment="production",
        target=a_target(**changes),
        register_task="production.register",
        deploy_task="production.deploy",
        poll_seconds=0.5,
        handoff_seconds=1,
    )
    context = a_context("production.roll_back", xcoms=xcoms, states={"production.deploy": "success"})
    return run_task(operator, context)


def assert_runs_as_before(stage: Stage) -> None:
    live = stage.live
    assert live["capacityProviderStrategy"] == STRATEGY
    assert (live["platformVersion"], live.get("launchType")) == ("1.4.0", None)
    assert live["networkConfiguration"] == stage.network


@pytest.mark.parametrize("target", [{}, {"appspec": "appspec.yaml"}], ids=["made AppSpec", "the repository's AppSpec"])
def test_capacity_providers_platform_and_network_survive_a_release(stage: Stage, target: dict[str, Any]) -> None:
    deploy(stage, stage.task_definition("v2"), **target)
    assert stage.answer() == (200, "v2")
    assert_runs_as_before(stage)


def test_codedeploy_itself_lets_go_of_what_no_appspec_says(stage: Stage) -> None:
    stage.ended(stage.deploy(stage.task_definition("v2")))
    live = stage.live
    assert "capacityProviderStrategy" not in live
    assert (live["launchType"], live["platformVersion"]) == ("FARGATE", "LATEST")
    assert live["networkConfiguration"] == stage.network
    [service] = stage.aws.client("ecs").describe_services(cluster=CLUSTER, services=[APPLICATION])["services"]
    assert "capacityProviderStrategy" not in service
    assert (service["launchType"], service["platformVersion"]) == ("FARGATE", "LATEST")


def test_a_release_of_what_is_behind_a_proxy_leaves_the_traffic_with_the_proxy(stage: Stage) -> None:
    deploy(stage, stage.with_application("v2"), **BEHIND)
    assert (stage.answer(), stage.way) == ((200, "v2"), ("web", 8080))


def test_the_way_back_goes_through_the_container_that_the_repositorys_appspec_chose(stage: Stage) -> None:
    stage.ended(stage.deploy(stage.with_application("v2")))
    xcoms: dict[tuple[str, str], Any] = {}
    target = {**BEHIND, "appspec": "appspec.yaml", "container_port": 9090}
    before = stage.live["taskDefinition"]
    deploy(stage, stage.with_application("v3"), xcoms, **target)
    record = roll_back(xcoms, **target)
    assert record["task_definition"] == before
    assert (stage.answer(), stage.way) == ((200, "v2"), ("web", 8080))
