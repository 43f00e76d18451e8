"""A service behind a balancer, delivered by ECS itself in the local AWS: rolling, blue/green, linear or canary."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.blue_green import APPLICATION, CLUSTER, Greeter, until
from tests.local_aws_process import LocalAws

ENDED = {"SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"}
DAY = 24 * 60
"""Minutes that no test lives to see the end of: a test that acts in the middle must not race against a shift."""
HELD_CANARY = {
    "strategy": "CANARY",
    "canaryConfiguration": {"canaryPercent": 10, "canaryBakeTimeInMinutes": DAY},
    "bakeTimeInMinutes": 0,
}


class NativeService(Greeter):
    """A service of ECS's own deployment controller at version v1, whose first service deployment is over.

    Both listeners have a rule for all paths that forwards to both target groups; `configuration` is the
    service's deployment configuration, ROLLING when it names no strategy.
    """

    def __init__(self, aws: LocalAws, desired: int = 1, **configuration: Any) -> None:
        super().__init__(aws)
        self.ecs = aws.client("ecs")
        self.rules = {name: self._make_rule(arn) for name, arn in self.listeners.items()}
        self.ecs.create_service(
            cluster=CLUSTER,
            serviceName=APPLICATION,
            taskDefinition=self.task_definition("v1"),
            desiredCount=desired,
            launchType="FARGATE",
            loadBalancers=[self.balanced()],
            networkConfiguration=self.network,
            **({"deploymentConfiguration": configuration} if configuration else {}),
        )
        self.ended(self.deployments()[0]["serviceDeploymentArn"])
        until(lambda: self.answer() == (200, "v1"), "v1 to answer", aws)

    def balanced(self, **advanced: str) -> dict[str, Any]:
        """The service's load balancer as CreateService takes it."""
        return {
            "targetGroupArn": self.target_groups["blue"],
            "containerName": "web",
            "containerPort": 8080,
            "advancedConfiguration": {
                "alternateTargetGroupArn": self.target_groups["green"],
                "productionListenerRule": self.rules["production"],
                "testListenerRule": self.rules["test"],
                "roleArn": "arn:aws:iam::123456789012:role/balancer",
                **advanced,
            },
        }

    def update(self, task_definition: str, **configuration: Any) -> str:
        """UpdateService with another task definition; the ARN of the service deployment that it begins."""
        changed = {"deploymentConfiguration": configuration} if configuration else {}
        self.ecs.update_service(cluster=CLUSTER, service=APPLICATION, taskDefinition=task_definition, **changed)
        return str(self.deployments()[0]["serviceDeploymentArn"])

    def deployments(self, **filters: Any) -> list[dict[str, Any]]:
        """ListServiceDeployments, the newest first."""
        found = self.ecs.list_service_deployments(cluster=CLUSTER, service=APPLICATION, **filters)
        return list(found["serviceDeployments"])

    def deployment(self, arn: str) -> dict[str, Any]:
        """DescribeServiceDeployments of one."""
        (found,) = self.ecs.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"]
        return dict(found)

    def revision(self, arn: str) -> dict[str, Any]:
        """DescribeServiceRevisions of one."""
        (found,) = self.ecs.describe_service_revisions(serviceRevisionArns=[arn])["serviceRevisions"]
        return dict(found)

    def service(self) -> dict[str, Any]:
        """DescribeServices."""
        return dict(self.ecs.describe_services(cluster=CLUSTER, services=[APPLICATION])["services"][0])

    def rollouts(self) -> list[tuple[str, str]]:
        """Status and rollout state of the service's deployments, the primary one first."""
        return [(each["status"], each["rolloutState"]) for each in self.service()["deployments"]]

    def reached(self, arn: str, stage: str, seconds: float = 40) -> dict[str, Any]:
        """The service deployment once it is at this lifecycle stage."""
        until(lambda: self.deployment(arn).get("lifecycleStage") == stage, f"{arn} at {stage}", self.aws, seconds)
        return self.deployment(arn)

    def ended(self, arn: str, seconds: float = 60) -> dict[str, Any]:
        """The service deployment once it is over."""
        until(lambda: self.deployment(arn)["status"] in ENDED, f"{arn} to end", self.aws, seconds)
        return self.deployment(arn)

    def paused(self, arn: str, at: str, seconds: float = 40) -> str:
        """The id of the PAUSE hook that waits at a stage."""

        def waits() -> bool:
            told = self.deployment(arn)
            return told.get("lifecycleStage") == at and bool(self._waiting(told))

        until(waits, f"a pause at {at}", self.aws, seconds)
        return self._waiting(self.deployment(arn))[0]

    def go_on(self, arn: str, hook_id: str, action: str = "CONTINUE") -> None:
        """ContinueServiceDeployment."""
        self.ecs.continue_service_deployment(serviceDeploymentArn=arn, hookId=hook_id, action=action)

    def shifted(self, arn: str, percent: float, seconds: float = 40) -> None:
        """Wait until this share of production is on the target."""
        until(lambda: percent in self.shifts(arn), f"{percent} % on the target", self.aws, seconds)

    def shifts(self, arn: str, route: str = "production") -> list[float]:
        """The shares that the target had of a route, in order, from the log of effects."""
        moves = self._effects("traffic_shifted", arn)
        return [move["weights"]["target"] for move in moves if move["route"] == route]

    def states(self, arn: str) -> list[str]:
        """The statuses of a service deployment, in order, from the log of effects."""
        return [state["status"] for state in self._effects("service_deployment_state", arn)]

    def weights(self, listener: str = "production") -> dict[str, int]:
        """Weight by target group, as the listener's rule has it now."""
        (rule,) = self.aws.client("elbv2").describe_rules(RuleArns=[self.rules[listener]])["Rules"]
        groups = rule["Actions"][0]["ForwardConfig"]["TargetGroups"]
        return {group["TargetGroupArn"].split("/")[1]: group["Weight"] for group in groups}

    def versions(self, count: int = 20) -> Counter[str]:
        """How often each version answers on the production listener."""
        return Counter(version for _, version in self.answers(count).elements())

    def events(self, detail_type: str) -> list[dict[str, Any]]:
        """The details of EventBridge's events of a kind, oldest first."""
        emitted = [entry["params"] for entry in self.aws.effects("events", "event_emitted")]
        return [event["detail"] for event in emitted if event["detail-type"] == detail_type]

    def _waiting(self, deployment: dict[str, Any]) -> list[str]:
        hooks = deployment.get("lifecycleHookDetails", [])
        return [hook["hookId"] for hook in hooks if hook["status"] == "AWAITING_ACTION"]

    def _effects(self, operation: str, arn: str) -> list[dict[str, Any]]:
        told = [entry["params"] for entry in self.aws.effects("ecs", operation)]
        return [params for params in told if params["serviceDeploymentArn"] == arn]

    def _make_rule(self, listener: str) -> str:
        groups = [
            {"TargetGroupArn": self.target_groups[colour], "Weight": weight}
            for colour, weight in (("blue", 1), ("green", 0))
        ]
        made = self.aws.client("elbv2").create_rule(
            ListenerArn=listener,
            Priority=1,
            Conditions=[{"Field": "path-pattern", "Values": ["/*"]}],
            Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}],
        )
        return str(made["Rules"][0]["RuleArn"])
