"""How the function of a Lambda hook is called: "Lambda hooks for Amazon ECS service deployments" of the guide."""

from __future__ import annotations

import json
from typing import Any

from local_aws.clock import Clock
from local_aws.ecs.records import Document
from local_aws.ecs.rollouts.acts import Fault, HookAnswer
from local_aws.ecs.rollouts.progress import HookRun, Plan, Progress

CALL_BACK_SECONDS = 30
"""AWS seconds after which a function that is IN_PROGRESS is asked again."""
_SHORTEST_DELAY_SECONDS = 0.3
_STATUSES = ("SUCCEEDED", "FAILED", "IN_PROGRESS")


class Caller:
    """Calls the functions of one service deployment; `revisions` are ARNs by the ids of the service's deployments."""

    def __init__(self, clock: Clock, client: Any, plan: Plan, revisions: dict[str, str]) -> None:
        self._clock = clock
        self._lambda = client
        self._plan = plan
        self._revisions = revisions

    def call(self, run: HookRun, progress: Progress) -> HookAnswer | Fault:
        """Ask a function once, and wait for what it says.

        Raises botocore's ClientError.
        """
        (hook,) = (hook for hook in self._plan.hooks if hook.number == run.number)
        payload = json.dumps(self._event(run, progress)).encode()
        answer = self._lambda.invoke(FunctionName=hook.function, Payload=payload)
        said = json.loads(answer["Payload"].read() or b"null")
        if answer.get("FunctionError") or not isinstance(said, dict) or said.get("hookStatus") not in _STATUSES:
            return Fault(f"The function {hook.function} did not answer with a hookStatus.")
        delay = float(said.get("callBackDelay") or CALL_BACK_SECONDS)
        wait_seconds = self._clock.seconds(delay, _SHORTEST_DELAY_SECONDS)
        return HookAnswer(said["hookStatus"], wait_seconds, said.get("hookDetails"))

    def _event(self, run: HookRun, progress: Progress) -> Document:
        return {
            "executionId": run.id,
            "lifecycleStage": run.stage,
            "resourceArn": self._plan.arn,
            "executionDetails": {
                "serviceArn": self._plan.service,
                "targetServiceRevisionArn": self._revisions[self._plan.target],
                "testTrafficWeights": self._weights(progress.test),
                "productionTrafficWeights": self._weights(progress.production),
            },
            "hookDetails": run.details,
        }

    def _weights(self, percent: float) -> dict[str, float]:
        sides = {self._plan.target: percent, self._plan.source: 100 - percent}
        return {self._revisions[key]: share for key, share in sides.items() if key}
