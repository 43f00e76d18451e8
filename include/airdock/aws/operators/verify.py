"""Whether the service really answers as it should, and really runs what was delivered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context

from airdock.aws.operators.wait import WaitOperator
from airdock.aws.production import RunningTask, Service, Standing, digest_in, running_tasks, standing
from airdock.aws.watch import Facts
from airdock.aws.watch.answers import Question
from airdock.errors import Fault, Refused
from airdock.release import TaskDefinition

if TYPE_CHECKING:
    from airdock.spec.environment import Environment


class VerifyServiceOperator(WaitOperator):
    """Asks the service through its balancer until enough good answers came in a row, then looks at its tasks.

    Without a `verify` part in the target nothing is asked over HTTP. The running tasks must be of the revision of the
    `task_definition` record and carry its digest.

    Record: `{"url", "answer", "good_answers", "digest", "running_tasks"}`.
    """

    kind = "answers"
    template_fields = ("task_definition",)

    def __init__(self, *, target: Environment, task_definition: Any, poll_seconds: float = 3, **kwargs: Any) -> None:
        service, verify = Service.of(target), target.verify
        kwargs.setdefault("account", service.account)
        kwargs.setdefault("deadline_minutes", verify.timeout_seconds / 60 if verify else 1)
        super().__init__(poll_seconds=poll_seconds, **kwargs)
        self.service = service
        self.verify = verify
        self.task_definition = task_definition

    def deliver(self, context: Context) -> Any:
        return super().deliver(context) if self.verify else self._record(None)

    def adopt_or_start(self, context: Context) -> str:  # noqa: ARG002 - asking changes nothing: no job to adopt
        asked = self.verify
        assert asked is not None
        return Question(asked.url, asked.status, asked.contains, asked.good_answers).to_id()

    def conclude(self, context: Context, facts: Facts) -> Any:  # noqa: ARG002
        return self._record(facts)

    def overdue(self, context: Context, facts: Facts | None) -> Any:  # noqa: ARG002
        told = facts or {"url": "the service", "answer": "gave no answer", "good": 0, "wanted": "the wanted"}
        raise Refused(
            f"{told['url']} {told['answer']}; after {self.deadline_minutes * 60:g} seconds there were "
            f"{told['good']} of {told['wanted']} good answers in a row"
        )

    def _record(self, facts: Facts | None) -> dict[str, Any]:
        released = TaskDefinition.from_json(self.task_definition)
        now, tasks = standing(self.service), running_tasks(self.service)
        carrying = carriers(now, tasks, released, str(self.service))
        self.log.info("%d of %d running tasks of %s are %s", carrying, len(tasks), self.service, _told(released))
        asked: Mapping[str, Any] = facts or {"url": "", "answer": "", "good": 0}
        return {
            "url": asked["url"],
            "answer": asked["answer"],
            "good_answers": asked["good"],
            "digest": digest_in(released.image),
            "running_tasks": carrying,
        }


def carriers(now: Standing, tasks: Sequence[RunningTask], released: TaskDefinition, service: str) -> int:
    """How many tasks carry the release; old ones may still wait for their end beside them.

    The digest alone does not tell: a release may change nothing but its configuration. ECS's answers are eventually
    consistent, so for a moment after a good deployment they may still name what ran before. A service that is scaled to
    no tasks needs none.

    Raises:
        Refused: production, or each of its tasks, is something else than what was delivered.
        Fault: no task runs at this moment, or ECS still tells what ran before.
    """
    if not now.runs(released) and now.task_definition == released.previous_arn:
        raise Fault(f"production of {service} is still {_name(released.previous_arn)}, says ECS")
    if not now.runs(released):
        runs = f"{_name(now.task_definition)} with {now.digest or now.image}"
        raise Refused(f"production of {service} is {runs}, not {_told(released)}")
    if not tasks and now.desired == 0:
        return 0
    if not tasks:
        raise Fault(f"{service} has no running task at this moment")
    carrying = sum(task.carries(released) for task in tasks)
    if not carrying:
        others = sorted({f"{_name(task.task_definition)} with {task.digest or task.image}" for task in tasks})
        raise Refused(f"no running task of {service} is {_told(released)}; they are {', '.join(others)}")
    return carrying


def _told(released: TaskDefinition) -> str:
    return f"{_name(released.arn)} with {digest_in(released.image)}"


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]
