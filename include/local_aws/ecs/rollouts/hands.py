"""The engine's hands: every act of a service deployment, done to the service or through the AWS APIs."""

from __future__ import annotations

from typing import Any, cast

from botocore.exceptions import BotoCoreError, ClientError

from local_aws.ecs.records import SERVICE, Document, add_event, now, region_of
from local_aws.ecs.rollout_events import emit_deployment
from local_aws.ecs.rollouts import acts, fleet
from local_aws.ecs.rollouts.acts import Act, Answer, Fault
from local_aws.ecs.rollouts.functions import Caller
from local_aws.ecs.rollouts.progress import Plan, Progress
from local_aws.ecs.rollouts.records import amend_service
from local_aws.ecs.rollouts.routes import NotAssociatedError, route, survey
from local_aws.world import World

_PASSING = frozenset({"ThrottlingException", "Throttling", "InternalFailure", "ServerException", "InternalError"})


class Hands:
    """Does the acts of one service deployment. What fails comes back as a Fault."""

    def __init__(self, world: World, plan: Plan, revisions: dict[str, str]) -> None:
        self._world = world
        self._plan = plan
        self._caller = Caller(world.clock, self._client("lambda"), plan, revisions)

    def perform(self, act: Act, progress: Progress) -> Answer:
        """Do one act and return its answer, a Fault when it failed."""
        try:
            return self._perform(act, progress)
        except NotAssociatedError as error:
            return Fault(str(error))
        except ClientError as error:
            code, text = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", str(error))
            status = error.response["ResponseMetadata"].get("HTTPStatusCode", 400)
            return Fault(text, passing=code in _PASSING or status >= 500)
        except BotoCoreError as error:
            return Fault(str(error), passing=True)

    def _perform(self, act: Act, progress: Progress) -> Answer:
        match act:
            case acts.PollAlarms():
                return self._firing()
            case acts.Survey() if self._plan.routes:
                survey(self._client("elbv2"), self._plan.routes)
            case acts.Route(name, percent) if self._plan.routes:
                rule = self._plan.routes.production if name == "production" else self._plan.routes.test
                return route(self._client("elbv2"), rule, self._plan.routes, percent)
            case acts.Invoke(run):
                return self._caller.call(run, progress)
            case acts.Want(ids, proven):
                amend_service(self._world, self._plan.service, lambda service: self._want(service, ids, proven))
            case acts.Restore():
                self._restore(act)
            case acts.Settle():
                self._settle(act)
        return None

    def _client(self, service: str) -> Any:
        return self._world.client(service, "ecs", region_of(self._plan.service))

    def _firing(self) -> tuple[str, ...]:
        names = list(self._plan.alarms.names) if self._plan.alarms else []
        answer = self._client("cloudwatch").describe_alarms(AlarmNames=names)
        alarms = [*answer.get("MetricAlarms", []), *answer.get("CompositeAlarms", [])]
        return tuple(alarm["AlarmName"] for alarm in alarms if alarm["StateValue"] == "ALARM")

    def _want(self, service: Document, ids: tuple[str, ...], proven: str) -> None:
        """A newer deployment may have begun since this was decided: then it is no longer ours to say."""
        if service["deployments"] and service["deployments"][0]["id"] in (self._plan.target, self._plan.source):
            fleet.want(service, ids, proven)

    def _restore(self, act: acts.Restore) -> None:
        target, source, changed = self._plan.target, self._plan.source, []

        def change(service: Document) -> None:
            changed.append(fleet.restore(service, target, source, act.cause, act.reason, act.beside))

        amend_service(self._world, self._plan.service, change)
        if any(changed):
            self._tell_failed(act.cause, act.reason)
            self._tell(f"rolling back to deployment {source}.", source, "SERVICE_DEPLOYMENT_IN_PROGRESS")

    def _settle(self, act: acts.Settle) -> None:
        changed: list[bool] = []

        def change(service: Document) -> None:
            changed.append(_settled(service, act, self._plan, now(self._world)))

        amend_service(self._world, self._plan.service, change)
        if not any(changed):
            return
        if act.end == "halted":
            self._tell_failed(act.cause, act.reason)
            return
        done = self._plan.target if act.end == "completed" else self._plan.source
        self._tell(f"(deployment {done}) deployment completed.", done, "SERVICE_DEPLOYMENT_COMPLETED")

    def _tell_failed(self, cause: str, why: str) -> None:
        """An event of a failure is sent only when ECS itself detected it."""
        said = "tasks failed to start." if cause == "breaker" else why
        event = "SERVICE_DEPLOYMENT_FAILED" if cause in ("breaker", "alarm") else ""
        self._tell(f"(deployment {self._plan.target}) deployment failed: {said}", self._plan.target, event)

    def _tell(self, message: str, deployment_id: str, event: str) -> None:
        service = self._world.store.get(SERVICE, self._plan.service) or {}
        add_event(self._world, self._plan.service, f"(service {service['serviceName']}) {message}")
        known = {deployment["id"]: deployment for deployment in service["deployments"]}
        if event and deployment_id in known:
            reason = cast(str, known[deployment_id]["rolloutStateReason"])
            emit_deployment(self._world, self._plan.service, deployment_id, event, reason)


def _settled(service: Document, act: acts.Settle, plan: Plan, moment: str) -> bool:
    match act.end:
        case "completed":
            return fleet.complete(service, plan.target, moment)
        case "rolled_back":
            return fleet.complete(service, plan.source, moment)
        case "halted":
            return fleet.halt(service, plan.target, act.cause, act.reason)
    return False
