"""A service that ECS deploys by itself, and the disturbances that its deployments meet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from airdock.spec import Pipeline
from tests.blue_green import APPLICATION, push_version, until
from tests.local_aws_process import LocalAws
from tests.native_service import ENDED, NativeService
from tests.outcomes.cases import Case, outcomes_aws
from tests.outcomes.greeter import ALARM, a_pipeline, calm, fire, put_5xx_alarms, put_hook, task_definition_file

CASES = [
    Case("good release", "live", "is live", production="the new version"),
    Case("crash at start", "rolled_back", "the configuration is missing", version="crash at start"),
    Case("unhealthy", "rolled_back", "failed ELB health checks", version="unhealthy"),
    Case("5xx under traffic", "rolled_back", "greeter-5xx", version="5xx under traffic", fails_requests=True),
    Case("alarm", "rolled_back", "greeter-5xx", disturbed=True),
    Case("failing hook", "rolled_back", "says-no"),
    Case("stopped by hand", "stopped", "StopServiceDeployment", disturbed=True),
    Case("deadline", "rolled_back", "was not over after", deadline_minutes=0.05),
    Case("overtaken", "superseded", "a newer deployment", production="a newer version", disturbed=True),
]
ROLLING_CASES = [
    *CASES[:3],
    Case(
        "5xx under traffic", "rolled_back", "greeter-5xx|answered 500", version="5xx under traffic", fails_requests=True
    ),
    Case("failing hook", "rolled_back", "says-no"),
    # What never gets healthy keeps a rolling update where it is.
    Case("alarm", "rolled_back", "greeter-5xx", version="unhealthy", disturbed=True),
    Case("stopped by hand", "stopped", "StopServiceDeployment", version="unhealthy", disturbed=True),
    Case("deadline", "rolled_back", "was not over after", version="unhealthy", deadline_minutes=0.1),
    Case(
        "overtaken",
        "superseded",
        "a newer deployment",
        production="a newer version",
        version="unhealthy",
        disturbed=True,
    ),
]
LONG = 1440
"""Minutes: the longest wait that ECS knows."""
NO_HOOK = """
def run(event, context):
    return {"hookStatus": "FAILED"}
"""
ROLE = "arn:aws:iam::123456789012:role/hooks"


def staged(factory: pytest.TempPathFactory, strategy: str, traffic: dict[str, Any] | None) -> Iterator[EcsStage]:
    """The stage on a local AWS of its own, to which the tasks under test are connected."""
    with outcomes_aws(factory) as aws:
        yield EcsStage(aws, strategy, traffic)


def _hooks(case: Case, stage: str) -> list[dict[str, Any]]:
    """The hook that says no, in the case that is about it."""
    return [{"function": "says-no", "role": ROLE, "stages": [stage]}] if case.name == "failing hook" else []


def _breaker(case: Case) -> dict[str, Any]:
    """A task that stays unhealthy takes twelve seconds: one is enough. Those that crash are counted as by default."""
    return {"threshold": 1} if case.name == "unhealthy" else {}


class EcsStage(NativeService):
    """The greeter under ECS's own deployments; `traffic` None is a rolling update."""

    def __init__(self, aws: LocalAws, strategy: str, traffic: dict[str, Any] | None) -> None:
        super().__init__(aws)
        self.strategy = strategy
        self.traffic = traffic
        put_5xx_alarms(self)
        put_hook(aws, "says-no", NO_HOOK)

    def task_definition(self, version: str, **variables: str) -> str:
        """Version v1 comes from its image alone, so that nothing but the image has to change."""
        return self._registered(self.image)

    def pipeline(self, case: Case) -> Pipeline:
        # A rolling update may be over before an alarm is noticed: there it is the check that finds the answers bad.
        late = self.traffic is None and case.name == "5xx under traffic"
        alarms = [] if late else [ALARM, f"{ALARM}-blue", f"{ALARM}-green"]
        rollout = self._rolling(case) if self.traffic is None else self._native(case)
        return a_pipeline({"rollout": {**rollout, "alarms": alarms, "deadline_minutes": 40_000}}, self.page())

    def page(self) -> str:
        return f"http://127.0.0.1:{self.ports['production']}/"

    def files(self, case: Case) -> dict[str, str]:
        return {"taskdef.json": task_definition_file("<IMAGE1_NAME>")}

    def disturb(self, case: Case) -> None:
        deployment = self._held_deployment()
        {
            "alarm": partial(fire, self.aws, ALARM, lambda: self.deployment(deployment)["status"] != "IN_PROGRESS"),
            "stopped by hand": partial(self.ecs.stop_service_deployment, serviceDeploymentArn=deployment),
            "overtaken": self._overtake,
        }[case.name]()

    def settle(self) -> None:
        """No deployment is under way, no alarm is on, and the old tasks are gone."""
        calm(self.aws)
        until(lambda: all(each["status"] in ENDED for each in self.deployments()), "the deployments to end", self.aws)
        until(lambda: len(self.service()["deployments"]) == 1, "one version to be left", self.aws)

    def runs(self) -> str:
        told = self.ecs.describe_task_definition(taskDefinition=self.service()["taskDefinition"])
        return str(told["taskDefinition"]["containerDefinitions"][0]["image"])

    def _native(self, case: Case) -> dict[str, Any]:
        assert self.traffic is not None
        waits = {name: LONG for name in self.traffic if name in ("wait_minutes", "every_minutes") and case.held}
        more = {"hooks": _hooks(case, "POST_TEST_TRAFFIC_SHIFT"), "circuit_breaker": _breaker(case)}
        bake = LONG if case.held else 0
        return {"strategy": "ecs", "traffic": self.traffic | waits, "bake_minutes": bake, **more}

    def _rolling(self, case: Case) -> dict[str, Any]:
        held = case.disturbed or bool(case.deadline_minutes)
        hooks = _hooks(case, "PRE_SCALE_UP")
        return {"strategy": "rolling", "circuit_breaker": {"enabled": not held, **_breaker(case)}, "hooks": hooks}

    def _held_deployment(self) -> str:
        """The deployment under way, once it stays where it is."""
        until(lambda: bool(self._under_way()), "a deployment", self.aws)
        deployment = self._under_way()
        until(lambda: self._stays(deployment), "the deployment to stay", self.aws)
        return deployment

    def _stays(self, deployment: str) -> bool:
        """Whether the first share has moved or, task by task, the first new task has been started."""
        new = self.deployment(deployment)["targetServiceRevision"]
        started = new["runningTaskCount"] + new["pendingTaskCount"] > 0
        return started if self.traffic is None else bool(self.shifts(deployment))

    def _under_way(self) -> str:
        return next((each["serviceDeploymentArn"] for each in self.deployments() if each["status"] not in ENDED), "")

    def _overtake(self) -> None:
        """Somebody brings a newer release, which is live before the line goes on."""
        newer = push_version(self.aws, APPLICATION, "newer", VERSION="newer")
        quick = {"strategy": "ROLLING"} if self.traffic is None else {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0}
        self.ended(self.update(self._registered(newer), **quick))

    def _registered(self, image: str) -> str:
        made = self.aws.client("ecs").register_task_definition(**json.loads(task_definition_file(image)))
        return str(made["taskDefinition"]["taskDefinitionArn"])
