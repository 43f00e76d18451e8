"""The kinds of release and of disturbance that every strategy is put to, and how a delivery of each is watched."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import pytest
from airflow.sdk import DAG

from airdock.aws.hooks import _kept_in
from airdock.factory.deliver import deliver
from airdock.spec import Pipeline
from demo.traffic import Client
from tests.blue_green import push_version
from tests.delivery import COMMIT, an_image, connect
from tests.line_in_process import Run
from tests.local_aws_process import LocalAws
from tests.outcomes.table import Row, compare

CALLER = "AKIAAIRDOCK000000000"
"""The access key of the tasks under test, by which their calls are told from the test's own."""

REQUESTS_PER_SECOND = 20
"""Enough to meet each share of the traffic, and little enough that many strategies can be played at once."""

BESIDE = {"codedeploy:CreateDeploymentConfig", "ssm:PutParameter", "ssm:DeleteParameters", "ecs:TagResource"}
"""Calls that the first delivery of many makes, and those that keep the release's record."""

VERSIONS: dict[str, dict[str, str]] = {
    "good": {"VERSION": "new"},
    "crash at start": {"VERSION": "new", "CRASH": "DATABASE_URL"},
    "unhealthy": {"VERSION": "new", "HEALTH": "503"},
    "5xx under traffic": {"VERSION": "new", "STATUS": "500"},
}


class Stage(Protocol):
    """A service that runs a version called v1, and the hands that disturb its deployments."""

    aws: LocalAws
    strategy: str

    def pipeline(self, case: Case) -> Pipeline:
        """The line that delivers; the service is set up for the case as well."""
        ...

    def page(self) -> str:
        """The address that customers ask."""
        ...

    def files(self, case: Case) -> dict[str, str]:
        """The repository's files by their paths."""
        ...

    def disturb(self, case: Case) -> None:
        """Do to the running deployment what the case is about, as soon as there is one; return when it is done."""
        ...

    def settle(self) -> None:
        """Return once nothing is being deployed any more."""
        ...

    def runs(self) -> str:
        """The image that production's tasks run, in full."""
        ...


@dataclass(frozen=True)
class Case:
    """One kind of delivery and what must come of it.

    `cause`: a part of the verdict's sentence, or several with | between them where the strategy decides which it is.
    """

    name: str
    outcome: str
    cause: str
    production: str = "the version before"
    version: str = "good"
    disturbed: bool = False
    deadline_minutes: float | None = None
    fails_requests: bool = False

    @property
    def held(self) -> bool:
        """Whether the deployment stays where it is until something happens: no case races against its waits."""
        return self.outcome != "live"


@contextmanager
def outcomes_aws(factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS, to which the tasks under test are connected as a caller of their own."""
    aws = LocalAws(factory.mktemp("outcomes"), minute_seconds=1.0)
    try:
        with pytest.MonkeyPatch.context() as patch:
            # As with AWS, ECS replaces an unhealthy task long before CodeDeploy gives green up.
            patch.setenv("LOCAL_AWS_GREEN_TIMEOUT_MINUTES", "25")
            aws.start()
            connect(aws, patch)
            patch.setenv("AWS_ACCESS_KEY_ID", CALLER)
            _kept_in.cache_clear()
            _make_role(aws)
            yield aws
    finally:
        _kept_in.cache_clear()
        aws.end()


def _make_role(aws: LocalAws) -> None:
    """The role with which ECS pulls images and writes logs."""
    statement = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.client("iam").create_role(RoleName="greeter-execution", AssumeRolePolicyDocument=policy)


def play(stage: Stage, case: Case) -> None:
    """Deliver under real traffic, and compare what came of it with the table."""
    tag = case.name.replace(" ", "-")
    image = push_version(stage.aws, "greeter", tag, CASE=case.name, **VERSIONS[case.version])
    before, seen = stage.runs(), len(stage.aws.effects())
    run = _a_run(stage, case, image)
    disturbance = threading.Thread(target=stage.disturb, args=(case,), daemon=True)
    if case.disturbed:
        disturbance.start()
        # What the disturbance is about has happened when the line goes on.
        run.before = lambda task: disturbance.join(60) if task.endswith(("roll_back", "verdict")) else None
    with Client(stage.page(), REQUESTS_PER_SECOND) as client:
        run.play()
        stage.settle()
        answers = client.answers()
    report = run.xcoms["production.verdict", "outcome"]
    failed = sum(answer.failed for answer in answers)
    assert len(answers) > REQUESTS_PER_SECOND
    cause = next((each for each in case.cause.split("|") if each in report["sentence"]), "")
    assert cause, report["sentence"]
    assert case.fails_requests or failed == 0, [each for each in answers if each.failed][:3]
    running = stage.runs()
    row = Row(
        strategy=stage.strategy,
        case=case.name,
        outcome=report["outcome"],
        run="success" if run.states["production.verdict"] == "success" else "failed",
        production={image: "the new version", before: "the version before"}.get(running, "a newer version"),
        calls=_calls(stage.aws, seen),
        requests=len(answers),
        failed_requests=failed,
        cause=cause,
    )
    assert (row.outcome, row.production) == (case.outcome, case.production), report["sentence"]
    compare(row)


def _a_run(stage: Stage, case: Case, image: str) -> Run:
    dag = deliver(stage.pipeline(case))
    _hasten(dag, case)
    run = Run(dag, {"environment": "production"}, run_id=f"manual__{case.name.replace(' ', '-')}")
    source = {"commit": _commit(), "files": stage.files(case)}
    run.leave("clone_source", return_value=source)
    run.leave("build", return_value={"image": an_image(image)})
    run.leave("wait_for_scan")
    return run


def _hasten(dag: DAG, case: Case) -> None:
    """Look more often than a real deployment is worth, and end it within seconds where the case is a deadline."""
    for task in dag.tasks:
        if hasattr(task, "poll_seconds"):
            task.poll_seconds = 0.5
        if case.deadline_minutes and task.task_id == "production.deploy":
            task.deadline_minutes = case.deadline_minutes


def _commit() -> dict[str, Any]:
    return {"application": "greeter", "repository": "greeter", "ref": "main", "sha": COMMIT}


def _calls(aws: LocalAws, seen: int) -> tuple[str, ...]:
    made = [entry for entry in aws.effects()[seen:] if entry["caller"] == CALLER]
    return tuple(dict.fromkeys(call for entry in made if (call := _call(entry)) not in BESIDE))


def _call(entry: dict[str, Any]) -> str:
    return f"{entry['service']}:{entry['operation']}"
