"""A migration before traffic: run once with the new revision, and in the way of nothing when it fails."""

from __future__ import annotations

import re
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airdock.aws.operators.ecs_task import EcsRunTaskOperator
from airdock.release import TaskRun
from airdock.spec import OneOffTask
from tests.delivery import a_release, a_target, connect, take_lease
from tests.fakes import FakeStore, a_context, run_task
from tests.local_aws_process import LocalAws
from tests.tasks import Cluster

GROUP = "/ecs/migrations"
LOG = {"awslogs-group": GROUP, "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "app"}


@pytest.fixture(scope="module")
def cluster(local_aws: LocalAws) -> Cluster:
    """A service without tasks of its own, whose image can run any Python."""
    cluster = Cluster(local_aws)
    local_aws.client("logs").create_log_group(logGroupName=GROUP)
    cluster.serve("greeter", cluster.definition(), desiredCount=0, launchType="FARGATE", platformVersion="1.4.0")
    return cluster


@pytest.fixture(autouse=True)
def connected(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(cluster.aws, monkeypatch)
    cluster.aws.faults()


def new_revision(cluster: Cluster) -> str:
    return cluster.definition(logConfiguration={"logDriver": "awslogs", "options": LOG})


def migrate(cluster: Cluster, arn: str, program: str, *, run_id: str, **told: Any) -> Any:
    """Run the operator as Airflow does; `task` changes the task, `context` what Airflow gives."""
    task = {"name": "migrate", "command": ["python", "-c", program], **told.pop("task", {})}
    operator = EcsRunTaskOperator(
        task_id="migrate",
        application="greeter",
        environment="production",
        target=a_target(cluster=cluster.name),
        task=OneOffTask.model_validate(task),
        task_definition=a_release(arn),
        handoff_seconds=told.pop("handoff_seconds", 60),
        poll_seconds=0.2,
    )
    take_lease(run_id)
    operator.deadline_minutes = told.pop("deadline_minutes", operator.deadline_minutes)
    return run_task(operator, a_context("migrate", run_id=run_id, **told))


def standing(cluster: Cluster) -> list[Any]:
    """What a deployment would change of the service."""
    service = cluster.service("greeter")
    return [service["taskDefinition"], service["desiredCount"], [each["id"] for each in service["deployments"]]]


def started(cluster: Cluster, arn: str) -> list[dict[str, Any]]:
    """The tasks of a revision that ECS really began."""
    effects = [entry["params"] for entry in cluster.aws.effects("ecs", "task_started")]
    return [task for task in (cluster.task(each["task"]) for each in effects) if task["taskDefinitionArn"] == arn]


def test_migration_runs_the_new_revision_where_the_service_runs(cluster: Cluster) -> None:
    arn, before = new_revision(cluster), standing(cluster)
    record = TaskRun.from_json(migrate(cluster, arn, "print('done')", run_id="good", task={"cpu": 512, "memory": 1024}))
    [task] = started(cluster, arn)
    assert (record.task, record.exit_code) == (task["taskArn"], 0)
    assert (task["launchType"], task["platformVersion"]) == ("FARGATE", "1.4.0")
    assert (task["overrides"]["cpu"], task["overrides"]["memory"]) == ("512", "1024")
    assert len(task["startedBy"]) <= 36
    assert standing(cluster) == before
    assert not cluster.aws.effects("ecs", "UpdateService")


def test_failing_migration_is_refused_with_its_exit_code_and_its_last_lines(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    program, before = "for n in range(40): print('step', n)\nraise SystemExit(3)", standing(cluster)
    with pytest.raises(AirflowFailException) as refused:
        migrate(cluster, new_revision(cluster), program, run_id="bad")
    assert str(refused.value).startswith("migrate ended with exit code 3")
    assert "Essential container in task exited" in str(refused.value)
    shown = re.findall(r"\| (step \d+)", capsys.readouterr().out)
    assert shown == [f"step {n}" for n in range(20, 40)]
    assert standing(cluster) == before


def test_program_that_can_not_start_is_refused_in_the_words_of_ecs(cluster: Cluster) -> None:
    with pytest.raises(AirflowFailException, match=r"did not run to an end: CannotStartContainerError.*nowhere"):
        migrate(cluster, new_revision(cluster), "", run_id="no program", task={"command": ["nowhere"]})


@pytest.mark.parametrize("action", ["reset_after", "error"])
def test_lost_reply_of_run_task_starts_nothing_twice(cluster: Cluster, action: str) -> None:
    arn = new_revision(cluster)
    cluster.aws.faults({"id": "lost", "service": "ecs", "operation": "RunTask", "nth": 1, "action": action})
    migrate(cluster, arn, "pass", run_id=f"lost {action}")
    assert len(started(cluster, arn)) == 1


def test_retry_follows_the_task_that_an_earlier_try_left_behind(cluster: Cluster) -> None:
    arn = new_revision(cluster)
    first = migrate(cluster, arn, "pass", run_id="retried")
    again = migrate(cluster, arn, "pass", run_id="retried")  # a store that knows nothing: only ECS does
    assert again["task"] == first["task"]
    assert len(started(cluster, arn)) == 1


def test_cleared_run_does_not_repeat_what_has_ended_well_even_when_ecs_has_forgotten_it(cluster: Cluster) -> None:
    arn, store = new_revision(cluster), FakeStore()
    first = migrate(cluster, arn, "pass", run_id="cleared", store=store)
    asked = len(cluster.aws.effects("ecs", "RunTask"))
    cluster.aws.faults({"id": "gone", "service": "ecs", "operation": "DescribeTasks", "every": True, "action": "error"})
    assert migrate(cluster, arn, "pass", run_id="cleared", store=store, clear_number=1) == first
    assert len(cluster.aws.effects("ecs", "RunTask")) == asked


def test_cleared_run_tries_a_failed_migration_again(cluster: Cluster) -> None:
    arn, store = new_revision(cluster), FakeStore()
    with pytest.raises(AirflowFailException):
        migrate(cluster, arn, "raise SystemExit(1)", run_id="twice", store=store)
    with pytest.raises(AirflowFailException):
        migrate(cluster, arn, "raise SystemExit(1)", run_id="twice", store=store)  # a retry starts nothing
    assert len(started(cluster, arn)) == 1
    record = migrate(cluster, arn, "pass", run_id="twice", store=store, clear_number=1)
    assert record["exit_code"] == 0
    assert len(started(cluster, arn)) == 2


def test_run_that_is_cleared_and_comes_to_another_revision_runs_its_migration(cluster: Cluster) -> None:
    store, arns = FakeStore(), [new_revision(cluster), new_revision(cluster)]
    for clears, arn in enumerate(arns):
        migrate(cluster, arn, "pass", run_id="moved", store=store, clear_number=clears)
    assert [len(started(cluster, arn)) for arn in arns] == [1, 1]


def test_task_is_stopped_when_its_command_has_ended_and_other_containers_would_go_on(cluster: Cluster) -> None:
    migrate_only = {"name": "migrate", "image": cluster.image, "essential": False}
    made = cluster.ecs.register_task_definition(
        family=f"family-{cluster.name}",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[{"name": "web", "image": cluster.image, "essential": True}, migrate_only],
    )
    arn = made["taskDefinition"]["taskDefinitionArn"]
    record = migrate(cluster, arn, "pass", run_id="not essential", task={"container": "migrate"})
    assert record["exit_code"] == 0
    stopped = cluster.reached(record["task"], "STOPPED")
    assert stopped["stoppedReason"] == "migrate has ended"


def test_migration_that_takes_too_long_is_stopped_and_refused(cluster: Cluster) -> None:
    arn = new_revision(cluster)
    endless = "import time\nprint('begun', flush=True)\ntime.sleep(600)"
    with pytest.raises(AirflowFailException, match=r"had not ended after 0\.1 minutes and is stopped"):
        migrate(cluster, arn, endless, run_id="endless", handoff_seconds=0.5, deadline_minutes=0.1)
    [task] = started(cluster, arn)
    stopped = cluster.reached(task["taskArn"], "STOPPED")
    assert stopped["stoppedReason"] == "not ended after 0.1 minutes"
