"""The engine's hands: every act, done through the AWS APIs of the neighbouring services."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local_aws.codedeploy import acts
from local_aws.codedeploy.acts import Act, Answer, Fault, Health, Sides
from local_aws.codedeploy.progress import Label, Plan, Progress, TaskSet
from local_aws.codedeploy.routes import NotBehindListenerError, Split, route
from local_aws.codedeploy.tasksets import Target, TaskSets, seen

Clients = Callable[[str], Any]
"""Gives the boto3 client of a service."""
_PASSING = frozenset({"ThrottlingException", "Throttling", "InternalFailure", "ServerException", "InternalError"})
_ELB_REFUSED = "The ELB could not be updated due to the following error: "


class Hands:
    """Does the acts of one deployment. No method raises: what fails comes back as a Fault."""

    def __init__(self, clients: Clients, plan: Plan, target: Target) -> None:
        self._clients = clients
        self._plan = plan
        self._target = target
        self._task_sets = TaskSets(clients("ecs"), target)

    def perform(self, act: Act, progress: Progress) -> Answer:
        """Do one act and return its answer, a Fault when it failed."""
        try:
            return self._perform(act, progress)
        except NotBehindListenerError as error:
            text = f"{_ELB_REFUSED}Primary taskset target group must be behind listener {error}"
            return Fault("ELASTIC_LOAD_BALANCING_INVALID", text)
        except ClientError as error:
            return _refused(act, error)
        except BotoCoreError as error:
            return Fault("INTERNAL_ERROR", str(error), passing=True)

    def _perform(self, act: Act, progress: Progress) -> Answer:
        match act:
            case acts.Survey():
                return self._survey()
            case acts.CreateGreen():
                return self._create_green(progress)
            case acts.WatchGreen():
                return self._watch_green(progress)
            case acts.InvokeHook():
                self._invoke(act)
            case acts.Route(percent):
                return self._route(self._target.production_route, progress, percent)
            case acts.RouteTest(label):
                return self._route(self._target.test_route or "", progress, 100 if label == "green" else 0)
            case acts.Promote(label):
                self._promote(progress.side(label))
            case acts.Remove(label):
                return self._remove(label, progress)
            case acts.PollAlarms():
                return self._poll_alarms()
            case _:
                raise TypeError(f"not an act of the hands: {act}")
        return None

    def _survey(self) -> Sides | Fault:
        primary = self._task_sets.primary()
        if primary is None:
            service = f"{self._target.cluster}:{self._target.service}"
            return Fault("INVALID_ECS_SERVICE", f"The ECS service {service} has no primary task set.")
        arns = self._target_group_arns()
        blue_arn = next((balancer.get("targetGroupArn") for balancer in primary.get("loadBalancers", [])), None)
        blue = next((name for name, arn in arns.items() if arn == blue_arn), None)
        if blue is None:
            text = f"{_ELB_REFUSED}Primary taskset target group must be one of {', '.join(arns)}"
            return Fault("ELASTIC_LOAD_BALANCING_INVALID", text)
        green = next(name for name in arns if name != blue)
        return Sides(seen(primary, blue, arns[blue]), TaskSet(green, arns[green]))

    def _target_group_arns(self) -> dict[str, str]:
        groups = self._clients("elbv2").describe_target_groups(Names=self._target.target_groups)["TargetGroups"]
        return {group["TargetGroupName"]: group["TargetGroupArn"] for group in groups}

    def _create_green(self, progress: Progress) -> TaskSet:
        green = progress.green
        found = self._task_sets.of(self._plan.deployment_id)
        if found is None:
            self._clear(progress)
            like = self._task_sets.by_id(progress.blue.id) or {}
            found = self._task_sets.create(self._plan.deployment_id, like, green.target_group_arn)
        return seen(found, green.target_group, green.target_group_arn)

    def _clear(self, progress: Progress) -> None:
        """Take an earlier deployment's remains out of the traffic and away: their target group is needed."""
        for leftover in self._task_sets.leftovers(self._plan.deployment_id):
            self._route(self._target.production_route, progress, 0)
            self._task_sets.delete(leftover)

    def _watch_green(self, progress: Progress) -> Health | Fault:
        green = self._task_sets.by_id(progress.green.id)
        if green is None:
            return Fault("ECS_UPDATE_ERROR", f"The replacement task set {progress.green.id} was deleted.")
        now = seen(green, progress.green.target_group, progress.green.target_group_arn)
        stable = green.get("stabilityStatus") == "STEADY_STATE" and now.running >= now.desired
        return Health(now, stable and self._healthy(now.target_group_arn) >= now.desired)

    def _healthy(self, target_group_arn: str) -> int:
        answer = self._clients("elbv2").describe_target_health(TargetGroupArn=target_group_arn)
        states = [entry["TargetHealth"]["State"] for entry in answer["TargetHealthDescriptions"]]
        return states.count("healthy")

    def _invoke(self, act: acts.InvokeHook) -> None:
        event = {"DeploymentId": self._plan.deployment_id, "LifecycleEventHookExecutionId": act.execution_id}
        payload = json.dumps(event).encode()
        self._clients("lambda").invoke(FunctionName=act.function, InvocationType="Event", Payload=payload)

    def _route(self, route_arn: str, progress: Progress, green_percent: int) -> bool:
        split = Split(progress.blue.target_group_arn, progress.green.target_group_arn, green_percent)
        return route(self._clients("elbv2"), route_arn, split)

    def _promote(self, side: TaskSet) -> None:
        current = self._task_sets.primary()
        if current is None or current["id"] != side.id:
            self._task_sets.promote(side.id)

    def _remove(self, label: Label, progress: Progress) -> bool:
        """By its maker, for green: a process that died while creating it never learnt its id."""
        sets = self._task_sets
        found = sets.of(self._plan.green_owner) if label == "green" else sets.by_id(progress.blue.id)
        if found is not None:
            sets.delete(found)
        return found is None

    def _poll_alarms(self) -> tuple[str, ...] | Fault:
        wanted = list(self._plan.alarms)
        answer = self._clients("cloudwatch").describe_alarms(AlarmNames=wanted)
        alarms = [*answer.get("MetricAlarms", []), *answer.get("CompositeAlarms", [])]
        states = {alarm["AlarmName"]: alarm["StateValue"] for alarm in alarms}
        if missing := [name for name in wanted if name not in states]:
            return Fault("ALARM_ACTIVE", f"The state of these alarms can't be read: {', '.join(missing)}")
        return tuple(name for name in wanted if states[name] == "ALARM")


def _refused(act: Act, error: ClientError) -> Fault:
    code, text = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", str(error))
    passing = code in _PASSING or error.response["ResponseMetadata"].get("HTTPStatusCode", 400) >= 500
    match act:
        case acts.InvokeHook(_, function):
            return Fault("HOOK_EXECUTION_FAILURE", f"The function {function} can't be invoked: {text}", passing)
        case acts.Route() | acts.RouteTest():
            return Fault("ELASTIC_LOAD_BALANCING_INVALID", f"{_ELB_REFUSED}{text}", passing)
        case acts.PollAlarms():
            return Fault("ALARM_ACTIVE", f"The state of the alarms can't be read: {text}", passing)
    message = f"The ECS service cannot be updated due to an unexpected error: {text} ({code})"
    return Fault("ECS_UPDATE_ERROR", message, passing)
