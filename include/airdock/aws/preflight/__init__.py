"""Before anything changes: all that a release needs is looked at, with few calls that change nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from airdock.aws.deployments import Group
from airdock.aws.drafts import draft
from airdock.aws.preflight.alarms import guarding
from airdock.aws.preflight.capacity import check_quota
from airdock.aws.preflight.codedeploy import check_codedeploy, deployment_group
from airdock.aws.preflight.hooks import check_hooks
from airdock.aws.preflight.look import looked
from airdock.aws.preflight.native import check_native
from airdock.aws.preflight.tasks import check_tasks
from airdock.aws.production import Service, described, primary_task_definition
from airdock.aws.task_definitions import definition
from airdock.errors import Refused
from airdock.plan.appspec import AppSpec, from_file, from_service
from airdock.plan.difference import Change, difference, service_difference
from airdock.plan.preflight import Check, branch, ok, refused
from airdock.plan.preflight_service import check_container_port, check_controller, check_desired
from airdock.plan.service_configuration import guards, service_configuration
from airdock.plan.task_definition import Draft
from airdock.spec.codedeploy_rollout import CodeDeployRollout

if TYPE_CHECKING:
    from airdock.release import Image, Source
    from airdock.spec.environment import Environment

TO_COME = "arn:aws:ecs:region:000000000000:task-definition/to-come:1"
"""Stands in an AppSpec for the revision that is not registered yet."""
Look = Callable[[], Iterable[Check]]


@dataclass(frozen=True, slots=True)
class Preflight:
    """What was found, and what the release would change; `changes` is empty where there is nothing to compare."""

    tree: Check
    changes: tuple[Change, ...]


def preflight(target: Environment, source: Source, image: Image) -> Preflight:
    """Look at all that the release needs in its environment.

    Raises:
        Refused: nobody may look at the service, or there are no credentials.
        Fault: AWS is busy or broken.
    """
    service = Service.of(target)
    try:
        told = described(service)
    except Refused as error:
        if not _is_absence(error):
            raise
        return _stuck(service, refused("service", f"{error.sentence}: create it, or name another"))
    try:
        drafted = draft(target, source, image)
    except Refused as error:
        return _stuck(service, refused("task definition", error.sentence))
    tree = branch(str(service), _side_by_side(_looks(target, source, image, told, drafted)))
    return Preflight(tree, tuple(_changes(target, told, drafted)))


def _stuck(service: Service, finding: Check) -> Preflight:
    return Preflight(branch(str(service), [finding]), ())


def _is_absence(error: Refused) -> bool:
    """Whether the service or its cluster is not there, and not that nobody can look."""
    return error.__cause__ is None or type(error.__cause__).__name__ == "ClusterNotFoundException"


def _side_by_side(looks: Iterable[Look]) -> list[Check]:
    """What the looks find, in their order; none of them waits for another's answers from AWS."""
    with ThreadPoolExecutor() as pool:
        return [check for found in pool.map(lambda look: list(look()), looks) for check in found]


def _looks(
    target: Environment, source: Source, image: Image, told: Mapping[str, Any], drafted: Draft
) -> Iterator[Look]:
    account = Service.of(target).account
    yield lambda: [branch("task definition", check_tasks(account, image.uri, drafted.request))]
    if target.rollout.strategy == "codedeploy":
        appspec = _appspec(target, source, told, drafted)
        yield lambda: [branch("service", [*_service(target, told), _balanced(drafted, appspec)])]
        yield partial(_by_codedeploy, target, told, appspec)
    else:
        wanted = _wanted(target, told)
        yield lambda: [branch("service", [*_service(target, told), *_balancers(told, drafted)])]
        yield lambda: [branch("deployment", check_native(target, told))]
        yield lambda: [branch("hooks", check_hooks(account, wanted)), guarding(account, guards(wanted))]
    yield lambda: [
        branch("capacity", [check_quota(account, drafted.request, told, _share(target)), check_desired(told)])
    ]


def _service(target: Environment, told: Mapping[str, Any]) -> Iterator[Check]:
    yield ok("service", "it is ACTIVE")
    yield check_controller(target.rollout.strategy, told)


def _balancers(told: Mapping[str, Any], drafted: Draft) -> Iterator[Check]:
    for each in told.get("loadBalancers") or ():
        yield check_container_port(drafted.request, each["containerName"], int(each["containerPort"]))


def _appspec(target: Environment, source: Source, told: Mapping[str, Any], drafted: Draft) -> AppSpec | Check:
    """What CodeDeploy will be told, or why there is nothing to tell it."""
    try:
        if target.appspec is None:
            return from_service(told, TO_COME, drafted.request, drafted.container, target.container_port)
        if (text := source.files.get(target.appspec)) is None:
            return refused("AppSpec", f"the repository has no {target.appspec}: add it, or leave `appspec` out")
        return from_file(text, TO_COME, told, target.appspec)
    except Refused as error:
        return refused("AppSpec", error.sentence)


def _balanced(drafted: Draft, appspec: AppSpec | Check) -> Check:
    """The AppSpec's container and port against the task definition."""
    if isinstance(appspec, Check):
        return appspec
    return check_container_port(drafted.request, appspec.container, appspec.port)


def _by_codedeploy(target: Environment, told: Mapping[str, Any], appspec: AppSpec | Check) -> Iterator[Check]:
    look = partial(deployment_group, Group.of(target))
    group = looked("deployment group", "codedeploy:GetDeploymentGroup", look)
    if isinstance(group, Check):
        yield branch("deployment", [group])
        return
    hooks = () if isinstance(appspec, Check) else appspec.hooks
    yield branch("deployment", check_codedeploy(target, told, group, hooks))
    alarms = (group or {}).get("alarmConfiguration") or {}
    of_group = [each["name"] for each in alarms.get("alarms", ())] if alarms.get("enabled") else []
    names = list(getattr(target.rollout, "alarms", ())) or of_group
    yield guarding(Service.of(target).account, names)


def _share(target: Environment) -> float:
    """How much of another set of tasks runs beside the old one."""
    return (target.rollout.maximum_percent - 100) / 100 if target.rollout.strategy == "rolling" else 1.0


def _changes(target: Environment, told: Mapping[str, Any], drafted: Draft) -> Iterator[Change]:
    account = Service.of(target).account
    yield from difference(definition(account, primary_task_definition(told)), drafted.request)
    if target.rollout.strategy != "codedeploy":
        yield from service_difference(told, {"deploymentConfiguration": _wanted(target, told)})


def _wanted(target: Environment, told: Mapping[str, Any]) -> Mapping[str, Any]:
    """The configuration that ECS's own deployment will be asked with."""
    assert not isinstance(target.rollout, CodeDeployRollout)
    own = told.get("deploymentConfiguration")
    return service_configuration(target.rollout, own, pauses=target.analysis is not None).request
