"""One environment's part of a line: from a release to a service that runs it, or to the way back and a verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from airflow.sdk import BaseOperator, Context, TaskGroup, chain
from airflow.sdk.exceptions import AirflowSkipException

from airdock.factory import tasks
from airdock.factory.release_tasks import Release
from airdock.spec import Environment, Pipeline
from airdock.spec.one_off_task import OneOffTask

Begin = Callable[[Context], None] | None
Group = dict[str, BaseOperator]


def environment_group(
    pipeline: Pipeline,
    name: str,
    target: Environment,
    release: Release,
    earlier: Sequence[BaseOperator] = (),
    begin: Begin = None,
) -> Group:
    """One environment's group of tasks, each under its verb, in their order; the first is where the line enters.

    `earlier`: the verdicts of the environments before this one. `begin`: called before the
    first task and the verdict, may skip them.
    """
    with TaskGroup(name, tooltip=f"{target.service} in {target.cluster}"):
        asked = _approval(pipeline, name, target, release, begin)
        hold = tasks.hold(pipeline, name, target, release, pre_execute=None if asked else begin)
        preflight = tasks.preflight(pipeline, name, target, release)
        register = tasks.register(pipeline, target, release)
        before = tasks.around_traffic(pipeline, name, target, register, target.before_traffic, release.again)
        deploy = tasks.deploy(pipeline, name, target, release, register)
        verify = tasks.verify(target, register)
        after = tasks.around_traffic(pipeline, name, target, register, target.after_traffic)
        roll_back = tasks.roll_back(pipeline, name, target, register, deploy)
        follow = tasks.follow(target, register)
        chain(*asked.values(), hold, preflight, register, *before, deploy, verify, *after, *follow.values())
        [deploy, verify, *after] >> roll_back
        group = {
            **asked,
            "hold": hold,
            "preflight": preflight,
            "register": register,
            **_named("before_traffic", target.before_traffic, before),
            "deploy": deploy,
            "verify": verify,
            **_named("after_traffic", target.after_traffic, after),
            **{f"follow {verb}": task for verb, task in follow.items()},
            "roll_back": roll_back,
        }
        verdict = tasks.verdict(pipeline, name, target, release, group, earlier, pre_execute=begin)
        # A run's state is that of its last tasks: nothing may end beside the verdict.
        pruning = tasks.prune(pipeline, target, register)
        [[verify, *after, *follow.values()][-1], roll_back, *pruning] >> verdict
    return {**group, "verdict": verdict}


def _approval(pipeline: Pipeline, name: str, target: Environment, release: Release, begin: Begin) -> Group:
    """The question to people, where the environment asks it: before the lease is taken, which others may want."""
    if not target.approval:
        return {}
    return {"approve": tasks.approve(pipeline, name, target, release, pre_execute=begin)}


def _named(step: str, wanted: Sequence[OneOffTask], made: Sequence[BaseOperator]) -> dict[str, BaseOperator]:
    """The tasks of a step that may have several, by the names under which the verdict tells of them."""
    return {f"{step} {task.name}": operator for task, operator in zip(wanted, made, strict=True)}


def unless_beyond(environments: Sequence[str], name: str) -> Begin:
    """For a group's first task: skips it, and with it all that follow, in a run that ends before this environment."""
    before = environments[: environments.index(name)]

    def skip_beyond(context: Context) -> None:
        if (last := context["params"].get("environment")) in before:
            raise AirflowSkipException(f"This run ends at {last}, as its parameters say")

    return skip_beyond if before else None
