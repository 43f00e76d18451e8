"""A service and its CodeDeploy in memory: enough of both to deploy, fail, stop and roll back within one test."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from tests.fakes import FakeParameters

ENDED = ("Succeeded", "Failed", "Stopped")
SERVICE = "arn:aws:ecs:eu-west-1:123456789012:service/demo/greeter"


def arn(revision: int) -> str:
    return f"arn:aws:ecs:eu-west-1:123456789012:task-definition/greeter:{revision}"


def image(revision: int) -> str:
    return f"x.example/greeter@sha256:{revision:064x}"


class FakeStage:
    """Production runs `runs`. A deployment ends at the `patience`-th look; one of a `bad` revision is rolled back."""

    def __init__(self, runs: int = 1, patience: int = 1) -> None:
        self.runs = runs
        self.patience = patience
        self.bad: set[int] = set()
        self.rolls_back = True
        self.keeps_old_tasks = False
        """Whether a good deployment stays in its termination wait for ever, all traffic moved."""
        self.infos: dict[str, dict[str, Any]] = {}
        self.created: list[dict[str, Any]] = []
        self.stopped: list[str] = []
        self.ssm = FakeParameters()

    def client(self, connection: Any, region: Any, service: str, once: bool) -> Any:
        return self.ssm if service == "ssm" else self

    meta = SimpleNamespace(region_name="eu-west-1")

    # CodeDeploy

    def create_deployment(self, **request: Any) -> dict[str, Any]:
        busy = next((each for each, info in self.infos.items() if info["status"] not in ENDED), None)
        if busy:
            message = f"The Deployment Group 'greeter' already has an active Deployment '{busy}'"
            error = {"Error": {"Code": "DeploymentLimitExceededException", "Message": message}}
            raise ClientError(error, "CreateDeployment")
        self.created.append(request)
        return {"deploymentId": self._add(request["description"], self._revision(request))}

    def stop_deployment(self, deploymentId: str, autoRollbackEnabled: bool) -> dict[str, Any]:
        assert autoRollbackEnabled
        info = self.infos[deploymentId]
        if info["status"] in ENDED:
            raise ClientError({"Error": {"Code": "DeploymentAlreadyCompletedException"}}, "StopDeployment")
        self.stopped.append(deploymentId)
        self._end(info, "Stopped", {"code": "MANUAL_STOP", "message": "stopped"})
        return {"status": "Succeeded"}

    def get_paginator(self, name: str) -> Any:
        return SimpleNamespace(paginate=lambda **_: [{"deployments": list(self.infos)}])

    def batch_get_deployments(self, deploymentIds: list[str]) -> dict[str, Any]:
        return {"deploymentsInfo": [self._look(self.infos[each]) for each in deploymentIds if each in self.infos]}

    def list_deployment_targets(self, deploymentId: str) -> dict[str, Any]:
        return {"targetIds": []}

    def get_deployment_config(self, deploymentConfigName: str) -> dict[str, Any]:
        return {}

    # ECS

    def describe_services(self, **_: Any) -> dict[str, Any]:
        balancers = [{"containerName": "web", "containerPort": 8080}]
        primary = {"status": "PRIMARY", "taskDefinition": arn(self.runs), "loadBalancers": balancers}
        told = {"serviceArn": SERVICE, "status": "ACTIVE", "taskDefinition": arn(1), "events": []}
        return {"services": [{**told, "taskSets": [primary]}]}

    def describe_task_definition(self, taskDefinition: str, **_: Any) -> dict[str, Any]:
        image_of = image(int(taskDefinition.rpartition(":")[2]))
        container = {"name": "web", "image": image_of, "portMappings": [{"containerPort": 8080}]}
        return {"taskDefinition": {"containerDefinitions": [container]}}

    def list_tasks(self, **_: Any) -> dict[str, Any]:
        return {"taskArns": []}

    # What happens by itself

    def _add(self, description: str, revision: int, creator: str = "user") -> str:
        deployment_id = f"d-{len(self.infos):09d}"
        self.infos[deployment_id] = {
            "deploymentId": deployment_id,
            "status": "InProgress",
            "description": description,
            "creator": creator,
            "createTime": datetime.now(UTC),
            "autoRollbackConfiguration": {"enabled": True},
            "revision": revision,
            "before": self.runs,
            "looks": 0,
        }
        return deployment_id

    def _look(self, info: dict[str, Any]) -> dict[str, Any]:
        info["looks"] += 1
        if info["status"] == "InProgress" and info["looks"] >= self.patience:
            if info["revision"] in self.bad:
                self._end(info, "Failed", {"code": "TIMEOUT", "message": "no steady state"})
            elif self.keeps_old_tasks:
                self.runs, info["instanceTerminationWaitTimeStarted"] = info["revision"], True
            else:
                self.runs = info["revision"]
                self._end(info, "Succeeded")
        return dict(info)

    def _end(self, info: dict[str, Any], status: str, error: dict[str, str] | None = None) -> None:
        info.update(status=status, completeTime=datetime.now(UTC), errorInformation=error)
        if not error:
            return
        if not self.rolls_back:
            self.runs = info["revision"]
            info["autoRollbackConfiguration"] = {"enabled": False}
            return
        rollback = self._add("", info["before"], "codeDeployRollback")
        self.infos[rollback].update(status="Succeeded", completeTime=datetime.now(UTC))
        info["rollbackInfo"] = {"rollbackDeploymentId": rollback}
        self.runs = info["before"]

    def _revision(self, request: dict[str, Any]) -> int:
        content = json.loads(request["revision"]["appSpecContent"]["content"])
        properties = content["Resources"][0]["TargetService"]["Properties"]
        assert properties["LoadBalancerInfo"] == {"ContainerName": "web", "ContainerPort": 8080}
        return int(properties["TaskDefinition"].rpartition(":")[2])
