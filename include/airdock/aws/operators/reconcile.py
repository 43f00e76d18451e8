"""The tasks of the DAG `reconcile`: find what got lost or was left behind, and put it right where that is safe."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from logging import INFO, WARNING
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context

from airdock.aws import runs
from airdock.aws.operators.job import DeliveryOperator
from airdock.errors import AirdockError
from airdock.plan.push_routing import dag_id
from airdock.plan.push_run import conf_of, note_of
from airdock.plan.reconcile import Found

if TYPE_CHECKING:
    from airdock.spec.pipeline import Pipeline

AT_ONCE = 8


class ReconcileOperator(DeliveryOperator):
    """Looks at every pipeline, several at once; one that can't be looked at is told, and stops none of the others.

    XCom `found`: what was found, as the JSON of Found records.
    """

    def __init__(self, *, pipelines: Sequence[Pipeline], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pipelines = list(pipelines)

    def look(self) -> Callable[[Pipeline], Iterable[Found]]:
        """What is to be done for each pipeline. Its errors are AirdockErrors."""
        raise NotImplementedError

    def deliver(self, context: Context) -> Any:
        look = self.look()
        with ThreadPoolExecutor(AT_ONCE) as threads:
            looks = list(threads.map(lambda pipeline: _looked(look, pipeline), self.pipelines))
        found = [each for those in looks for each in those]
        for each in found:
            self.log.log(INFO if each.mended else WARNING, "%s: %s", "mended" if each.mended else "found", each)
        self.log.info("%d of %d applications are as they should be", self._sound(found), len(self.pipelines))
        self.leave(context, found)
        return len(found)

    def leave(self, context: Context, found: Sequence[Found]) -> None:
        context["ti"].xcom_push(key="found", value=[each.to_json() for each in found])

    def _sound(self, found: Sequence[Found]) -> int:
        return len(self.pipelines) - len({each.application for each in found})


class FindMissedPushesOperator(ReconcileOperator):
    """Starts deliveries of commits that were pushed and that no delivery has begun with: their message was lost."""

    def look(self) -> Callable[[Pipeline], Iterable[Found]]:
        from airdock.aws.missed_pushes import asked_once, missed_pushes

        now = asked_once()

        def started(pipeline: Pipeline) -> Iterable[Found]:
            dag = dag_id(pipeline.application)
            for push, why in missed_pushes(pipeline, now, lambda: runs.count(dag, "queued")):
                fresh = push is not None and runs.start(dag, push.run_id, conf_of(push), note_of(push))
                told = f"{why}; its run {push.run_id} is there already" if push and not fresh else why
                yield Found("push", pipeline.application, "", told, fresh)

        return started


class LookAfterEnvironmentsOperator(ReconcileOperator):
    """Gives back leases, stops deployments that nobody follows, and tells where a service runs something else.

    XCom `drift`, for the board: the places that drift, and those of which it can't be told.
    """

    def look(self) -> Callable[[Pipeline], Iterable[Found]]:
        from airdock.aws.left_behind import look_after

        def looked_after(pipeline: Pipeline) -> Iterable[Found]:
            for name, target in pipeline.environments.items():
                try:
                    yield from look_after(pipeline.application, name, target, runs.state)
                except AirdockError as error:
                    told = f"what it runs can't be told: {error.sentence}"
                    yield Found("trouble", pipeline.application, name, told)

        return looked_after

    def leave(self, context: Context, found: Sequence[Found]) -> None:
        super().leave(context, found)
        told = [each.to_json() for each in found if each.kind in ("drift", "trouble")]
        context["ti"].xcom_push(key="drift", value=told)


def _looked(look: Callable[[Pipeline], Iterable[Found]], pipeline: Pipeline) -> list[Found]:
    """What was found of a pipeline, up to where it could be looked at."""
    found: list[Found] = []
    try:
        found.extend(look(pipeline))
    except AirdockError as error:
        found.append(Found("trouble", pipeline.application, "", error.sentence))
    return found
