"""Whether a service can be deployed to in the way that its environment asks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from airdock.plan.preflight import FIRING_ALARM, Check, ok, refused, unknown
from airdock.plan.task_images import containers

CONTROLLERS = {"codedeploy": "CODE_DEPLOY", "rolling": "ECS", "ecs": "ECS"}
FIRING = "ALARM"


def check_controller(strategy: str, told: Mapping[str, Any]) -> Check:
    """The service's deployment controller against the environment's strategy; it is set when a service is created."""
    wanted, has = CONTROLLERS[strategy], (told.get("deploymentController") or {}).get("type", "ECS")
    if has == wanted:
        return ok("deployment controller", f"{has}, as the strategy {strategy} needs it")
    fits = " or ".join(name for name, controller in CONTROLLERS.items() if controller == has) or "none"
    return refused(
        "deployment controller",
        f"the service has {has}, and the strategy {strategy} needs {wanted}: "
        f"change the service's controller, or use a strategy that fits ({fits})",
    )


def check_container_port(definition: Mapping[str, Any], container: str, port: int) -> Check:
    """Whether the release has the container and the port that the balancer sends traffic to."""
    name = "container and port"
    found = next((each for each in containers(definition) if each["name"] == container), None)
    if found is None:
        has = ", ".join(str(each["name"]) for each in containers(definition))
        return refused(name, f"the balancer sends to the container {container}, and the task definition has only {has}")
    mapped = [mapping.get("containerPort") for mapping in found.get("portMappings") or ()]
    if port not in mapped:
        has = ", ".join(map(str, mapped)) or "none"
        return refused(name, f"the balancer sends to port {port} of {container}, which maps {has}: mend portMappings")
    return ok(name, f"the balancer sends to port {port} of {container}")


def check_desired(told: Mapping[str, Any]) -> Check:
    count = int(told.get("desiredCount", 0))
    if count:
        return ok("desired count", f"the service wants {count}, and the deployment leaves that as it is")
    return unknown("desired count", "the service wants no tasks: nothing of the new version starts, or shows its worth")


def check_idle(running: Sequence[str], whose: str = "") -> Check:
    """`running`: the deployments that are under way now; CodeDeploy and ECS do one at a time."""
    if not running:
        return ok("running deployment", "none")
    by = f" ({whose})" if whose else ""
    told = f"{running[0]}{by} is under way: another deployment starts when it is over, or replaces it"
    return unknown("running deployment", told)


def check_function(name: str, found: bool) -> Check:
    """A Lambda function that a deployment is to ask; without it every deployment is rolled back."""
    if found:
        return ok("hook", f"the function {name} exists")
    return refused("hook", f"there is no function {name}: create it, or take the hook from the rollout")


def check_alarms(names: Iterable[str], states: Mapping[str, str]) -> Iterator[Check]:
    """Each of the deployment's alarms by its state now, "" where there is no such."""
    for name in dict.fromkeys(names):
        yield _alarm(name, states.get(name, ""))


def _alarm(name: str, state: str) -> Check:
    if not state:
        return refused("alarm", f"there is no alarm {name}: create it, or take it from the deployment")
    if state == FIRING:
        told = f"{name} is in ALARM now, and AWS ignores an alarm that fires already when a deployment begins"
        return refused(FIRING_ALARM, f"{told}: mend its cause, or take it from the deployment")
    return ok("alarm", f"{name} is in {state}")


def vcpus(definition: Mapping[str, Any], told: Mapping[str, Any]) -> float | None:
    """The vCPUs that another set of the service's tasks takes; None where it runs on anything but Fargate on demand."""
    providers = {each.get("capacityProvider") for each in told.get("capacityProviderStrategy") or ()}
    if not (providers == {"FARGATE"} if providers else told.get("launchType") == "FARGATE"):
        return None
    size = str(definition.get("cpu") or 0)
    number = float("".join(each for each in size if each in "0123456789.") or 0)
    return int(told.get("desiredCount", 0)) * (number if "v" in size.lower() else number / 1024)


def check_capacity(needed: float, quota: float, used: float | None) -> Check:
    """vCPUs: what another set of tasks takes, what the account may run, and what it runs; None where nobody tells."""
    name, limit = "Fargate vCPUs", f"the account may run {quota:g}"
    if needed + (used or 0) > quota:
        runs = "" if used is None else f" and runs {used:g}"
        told = (
            f"{limit}{runs}, and another set of tasks takes {needed:g}: raise the quota, or lower desired count or cpu"
        )
        return refused(name, told)
    if used is None:
        return unknown(name, f"{limit}, another set of tasks takes {needed:g}; nobody tells how many run now")
    return ok(name, f"{limit}, runs {used:g}, and another set of tasks takes {needed:g}")
