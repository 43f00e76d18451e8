"""Old revisions go at the end of a delivery, and never one that somebody needs."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from airdock.aws.hooks import Account
from airdock.aws.operators.ecs_revisions import EcsPruneRevisionsOperator
from airdock.aws.release_records import Records
from airdock.release import Outcome
from tests.delivery import a_release, a_target, connect
from tests.fakes import a_context, run_task
from tests.local_aws_process import LocalAws
from tests.tasks import Cluster
from tests.unit.test_release_record import a_record

OURS = [{"key": "airdock:application", "value": "greeter"}]


@pytest.fixture
def cluster(local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    connect(local_aws, monkeypatch)
    local_aws.faults()
    return Cluster(local_aws)


def register(cluster: Cluster, tags: Any = OURS, **container: Any) -> str:
    definition = {"name": "web", "image": cluster.image, **container}
    made = cluster.ecs.register_task_definition(
        family=f"family-{cluster.name}",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[definition],
        **({"tags": tags} if tags else {}),
    )
    return str(made["taskDefinition"]["taskDefinitionArn"])


def prune(cluster: Cluster, release: Any, **told: Any) -> list[str]:
    operator = EcsPruneRevisionsOperator(
        task_id="prune",
        application="greeter",
        target=a_target(cluster=cluster.name, keep_revisions=2, scheduled=told.pop("scheduled", [])),
        task_definition=release,
        **told,
    )
    assert operator.trigger_rule == "all_done"
    return list(run_task(operator, a_context("prune")))


def keep_record(environment: str, number: int, arn: str, **changes: Any) -> None:
    """The record of a delivery, as its verdict keeps it in SSM."""
    record = a_record(number, environment=environment, task_definition=arn, **changes)
    Records(Account(), "greeter", environment).keep(record)


def active(cluster: Cluster) -> list[str]:
    return list(cluster.ecs.list_task_definitions(familyPrefix=f"family-{cluster.name}")["taskDefinitionArns"])


def test_old_revisions_go_and_all_that_is_used_or_needed_stays(cluster: Cluster) -> None:
    foreign = register(cluster, tags=None)
    other_application = register(cluster, tags=[{"key": "airdock:application", "value": "other"}])
    served, running, previous, recorded, nightly, old, older = (register(cluster) for _ in range(7))
    newest = [register(cluster) for _ in range(2)]
    # A service that has no tasks and lives in another cluster, and a task that belongs to no service.
    elsewhere = Cluster(cluster.aws)
    elsewhere.serve("idle", served, desiredCount=0)
    waiting = ["python", "-c", "import time; time.sleep(600)"]
    task = cluster.run(running, overrides={"containerOverrides": [{"name": "web", "command": waiting}]})
    events = cluster.aws.client("events")
    events.put_rule(Name=f"nightly-{cluster.name}", ScheduleExpression="rate(1 day)")
    parameters = {"TaskDefinitionArn": nightly}
    target = {"Id": "t", "Arn": "arn:aws:ecs:eu-west-1:123456789012:cluster/demo", "EcsParameters": parameters}
    events.put_targets(Rule=f"nightly-{cluster.name}", Targets=[target])

    keep_record("production", 1, recorded)
    release = a_release(newest[-1], before=previous)
    gone = prune(cluster, release, scheduled=[{"rule": f"nightly-{cluster.name}"}])

    assert gone == [old, older]
    kept = [foreign, other_application, served, running, previous, recorded, nightly, *newest]
    assert sorted(active(cluster)) == sorted(kept)
    cluster.ecs.stop_task(cluster=cluster.name, task=task)


def test_what_another_environment_can_go_back_to_stays_however_often_this_one_is_delivered_to(cluster: Cluster) -> None:
    before, live, refused, *staging = (register(cluster) for _ in range(13))
    keep_record("production", 1, before)
    keep_record("production", 2, refused, outcome=Outcome.ROLLED_BACK)
    keep_record("production", 3, live, outcome=Outcome.FAILED, stays=True)
    for number, arn in enumerate(staging, start=4):
        keep_record("staging", number, arn, outcome=Outcome.ROLLED_BACK)
    assert prune(cluster, a_release(staging[-1], before=staging[-2])) == [refused, *staging[:-2]]
    assert active(cluster) == [before, live, *staging[-2:]]


def test_nothing_goes_while_the_records_can_t_be_read(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    arns = [register(cluster) for _ in range(4)]
    fault = {"id": "out", "service": "ssm", "operation": "GetParametersByPath", "every": True, "action": "throttle"}
    cluster.aws.faults(fault)
    assert prune(cluster, a_release(arns[-1])) == []
    cluster.aws.faults()
    assert "Old revisions are left for the next delivery: reading the release records" in capsys.readouterr().out
    assert active(cluster) == arns


def test_throttled_deregistration_is_a_warning_and_goes_on_the_next_time(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    arns = [register(cluster) for _ in range(4)]
    fault = {"id": "busy", "service": "ecs", "operation": "DeregisterTaskDefinition", "every": True}
    cluster.aws.faults({**fault, "action": "throttle"})
    assert prune(cluster, a_release(arns[-1])) == []
    assert "Old revisions are left for the next delivery: deregistering" in capsys.readouterr().out
    cluster.aws.faults()
    assert prune(cluster, a_release(arns[-1])) == arns[:2]
    assert active(cluster) == arns[2:]


def test_nothing_goes_where_no_revision_was_registered_or_all_are_kept(cluster: Cluster) -> None:
    arns = [register(cluster) for _ in range(4)]
    for keep, release in ((2, None), (None, a_release(arns[-1]))):
        target = a_target(cluster=cluster.name, keep_revisions=keep)
        operator = EcsPruneRevisionsOperator(
            task_id="prune", application="greeter", target=target, task_definition=release
        )
        with pytest.raises(AirflowSkipException):
            run_task(operator, a_context("prune"))
    assert active(cluster) == arns
