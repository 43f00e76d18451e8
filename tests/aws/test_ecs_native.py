"""ECS's own blue/green, linear and canary deployments: real traffic follows the weights of a real listener rule."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.blue_green import APPLICATION, CLUSTER, until
from tests.local_aws_process import LocalAws
from tests.native_service import DAY, HELD_CANARY, NativeService
from tests.steady_traffic import Traffic
from tests.tasks import processes

AT_ONCE = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0}
NO_ALARMS = {"enable": False, "rollback": False, "alarmNames": []}


@pytest.fixture(scope="module")
def service(local_aws: LocalAws) -> NativeService:
    return NativeService(local_aws, **AT_ONCE)


@pytest.fixture
def settled(service: NativeService) -> NativeService:
    """The service with nothing under way and v1 in service."""
    plain = {**AT_ONCE, "deploymentCircuitBreaker": {"enable": False, "rollback": False}, "alarms": NO_ALARMS}
    ended = service.ended(service.update(service.task_definition("v1"), **plain))
    assert (ended["status"], service.versions(5)) == ("SUCCESSFUL", Counter(v1=5))
    return service


def group_of(service: NativeService, revision: str) -> str:
    (balancer,) = service.revision(revision)["resolvedConfiguration"]["loadBalancers"]
    return str(balancer["targetGroupArn"]).split("/")[1]


def requested(deployment: dict[str, Any]) -> tuple[float, float]:
    """The shares of production and of test traffic that the target is to have."""
    target = deployment["targetServiceRevision"]
    return target["requestedProductionTrafficWeight"], target["requestedTestTrafficWeight"]


def source_tasks(service: NativeService, deployment: dict[str, Any]) -> list[str]:
    """The tasks of the source that are to run."""
    number = deployment["sourceServiceRevisions"][0]["arn"].rpartition("/")[2]
    return list(service.ecs.list_tasks(cluster=CLUSTER, startedBy=f"ecs-svc/{number}")["taskArns"])


def test_blue_green_moves_all_traffic_to_the_other_target_group(settled: NativeService) -> None:
    before = settled.deployments()[0]["targetServiceRevisionArn"]
    ended = settled.ended(settled.update(settled.task_definition("v2")))
    assert (ended["status"], requested(ended)) == ("SUCCESSFUL", (100.0, 100.0))
    arn, target = ended["serviceDeploymentArn"], ended["targetServiceRevision"]["arn"]
    assert (settled.shifts(arn), settled.shifts(arn, "test")) == ([100], [100])
    source_group, target_group = group_of(settled, before), group_of(settled, target)
    assert settled.weights() == settled.weights("test") == {source_group: 0, target_group: 100}
    assert settled.versions(10) == Counter(v2=10)
    assert settled.rollouts() == [("PRIMARY", "COMPLETED")]
    assert settled.service()["runningCount"] == 1


def test_both_revisions_run_through_the_bake_time_and_only_one_after_it(settled: NativeService) -> None:
    arn = settled.update(settled.task_definition("v2"), **{**AT_ONCE, "bakeTimeInMinutes": DAY})
    told = settled.reached(arn, "BAKE_TIME")
    (source,), target = told["sourceServiceRevisions"], told["targetServiceRevision"]
    assert (source["runningTaskCount"], target["runningTaskCount"]) == (1, 1)
    assert (settled.answer(), settled.answer("test")) == ((200, "v2"), (200, "v2"))
    assert [status for status, _ in settled.rollouts()] == ["PRIMARY", "ACTIVE"]
    settled.ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")
    ended = settled.ended(arn)
    assert (ended["status"], ended["rollback"]["serviceRevisionArn"]) == ("ROLLBACK_SUCCESSFUL", source["arn"])
    assert (settled.shifts(arn), settled.shifts(arn, "test")) == ([100, 0], [100, 0])
    assert settled.versions(10) == Counter(v1=10)
    assert settled.service()["taskDefinition"] == settled.revision(source["arn"])["taskDefinition"]


def test_linear_shifts_in_equal_steps(settled: NativeService) -> None:
    linear = {"stepPercent": 30.0, "stepBakeTimeInMinutes": 1}
    arn = settled.update(settled.task_definition("v2"), strategy="LINEAR", linearConfiguration=linear)
    assert settled.ended(arn)["status"] == "SUCCESSFUL"
    assert settled.shifts(arn) == [30, 60, 90, 100]
    assert settled.versions(10) == Counter(v2=10)


def test_canary_really_answers_its_share(settled: NativeService) -> None:
    arn = settled.update(settled.task_definition("v2"), **HELD_CANARY)
    settled.shifted(arn, 10)
    assert settled.versions(100) == Counter(v1=90, v2=10)
    told = settled.deployment(arn)
    assert (told["status"], told["lifecycleStage"]) == ("IN_PROGRESS", "PRODUCTION_TRAFFIC_SHIFT")
    assert requested(told) == (10.0, 100.0)
    settled.ecs.stop_service_deployment(serviceDeploymentArn=arn)
    assert settled.ended(arn)["status"] == "ROLLBACK_SUCCESSFUL"
    assert settled.shifts(arn) == [10, 0]
    assert settled.versions(10) == Counter(v1=10)


def test_canary_of_a_tenth_of_a_percent_step_keeps_its_share(settled: NativeService) -> None:
    canary = {"canaryPercent": 2.5, "canaryBakeTimeInMinutes": DAY}
    arn = settled.update(settled.task_definition("v2"), **{**HELD_CANARY, "canaryConfiguration": canary})
    settled.shifted(arn, 2.5)
    assert sorted(settled.weights().values()) == [25, 975]
    assert settled.versions(40) == Counter(v1=39, v2=1)
    settled.ecs.stop_service_deployment(serviceDeploymentArn=arn)
    settled.ended(arn)


def test_canary_that_is_not_held_ends_with_all_traffic(settled: NativeService) -> None:
    canary = {"canaryPercent": 50.0, "canaryBakeTimeInMinutes": 1}
    arn = settled.update(settled.task_definition("v2"), strategy="CANARY", canaryConfiguration=canary)
    assert settled.ended(arn)["status"] == "SUCCESSFUL"
    assert settled.shifts(arn) == [50, 100]


def test_alarm_in_the_canary_shifts_traffic_back(settled: NativeService) -> None:
    cloudwatch = settled.aws.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="canary-red",
        Namespace="Tests",
        MetricName="Errors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="ignore",
    )
    alarms = {"enable": True, "rollback": True, "alarmNames": ["canary-red"]}
    arn = settled.update(settled.task_definition("v2"), **HELD_CANARY, alarms=alarms)
    settled.shifted(arn, 10)
    cloudwatch.set_alarm_state(AlarmName="canary-red", StateValue="ALARM", StateReason="a test")
    ended = settled.ended(arn)
    assert (ended["status"], ended["alarms"]["triggeredAlarmNames"]) == ("ROLLBACK_SUCCESSFUL", ["canary-red"])
    assert settled.shifts(arn) == [10, 0]
    assert settled.versions(10) == Counter(v1=10)


def test_target_that_never_starts_gets_no_traffic(settled: NativeService) -> None:
    breaker = {"enable": True, "rollback": True}
    arn = settled.update(settled.task_definition("v2", CRASH="1"), **AT_ONCE, deploymentCircuitBreaker=breaker)
    ended = settled.ended(arn)
    assert (ended["status"], ended["deploymentCircuitBreaker"]["status"]) == ("ROLLBACK_SUCCESSFUL", "TRIGGERED")
    assert (settled.shifts(arn), settled.versions(10)) == ([], Counter(v1=10))


def test_rule_that_lacks_a_target_group_fails_the_deployment_and_stays_as_it_is(settled: NativeService) -> None:
    elb, rule = settled.aws.client("elbv2"), settled.rules["production"]
    (before,) = elb.describe_rules(RuleArns=[rule])["Rules"]
    (serving,) = (name for name, weight in settled.weights().items() if weight)
    only = [{"TargetGroupArn": settled.target_groups[serving.removeprefix("greeter-")], "Weight": 1}]
    lone = [{"Type": "forward", "ForwardConfig": {"TargetGroups": only}}]
    elb.modify_rule(RuleArn=rule, Actions=lone)
    arn = settled.update(settled.task_definition("v2"))
    ended = settled.ended(arn)
    assert ended["status"] == "ROLLBACK_SUCCESSFUL"
    assert "Both targetGroup and alternateTargetGroup must be associated" in ended["statusReason"]
    assert (settled.shifts(arn), settled.weights()) == ([], {serving: 1})
    elb.modify_rule(RuleArn=rule, Actions=before["Actions"])


def test_newer_update_takes_over_from_the_stable_revision(settled: NativeService) -> None:
    stable = settled.deployments()[0]["targetServiceRevisionArn"]
    canary = settled.update(settled.task_definition("v2"), **HELD_CANARY)
    settled.shifted(canary, 10)
    newer = settled.update(settled.task_definition("v3"), **AT_ONCE)
    ended = settled.ended(newer)
    assert (ended["status"], ended["sourceServiceRevisions"][0]["arn"]) == ("SUCCESSFUL", stable)
    superseded = settled.ended(canary)
    assert (superseded["status"], settled.shifts(canary)) == ("STOPPED", [10])
    assert "newer service deployment" in superseded["statusReason"]
    assert settled.shifts(newer)[-1] == 100
    assert settled.versions(10) == Counter(v3=10)
    assert settled.rollouts() == [("PRIMARY", "COMPLETED")]


def test_abort_leaves_the_traffic_where_it_is(settled: NativeService) -> None:
    arn = settled.update(settled.task_definition("v2"), **HELD_CANARY)
    settled.shifted(arn, 10)
    settled.ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ABORT")
    ended = settled.ended(arn)
    assert (ended["status"], settled.shifts(arn)) == ("STOPPED", [10])
    assert settled.versions(20) == Counter(v1=18, v2=2)
    (task,) = source_tasks(settled, ended)
    settled.ecs.stop_task(cluster=CLUSTER, task=task)
    until(lambda: source_tasks(settled, ended) not in ([], [task]), "another task of the source", settled.aws)
    until(lambda: settled.versions(20) == Counter(v1=18, v2=2), "both to answer", settled.aws)


def test_canary_stays_as_it_is_through_kill_9_and_rolls_back_after_it(settled: NativeService) -> None:
    arn = settled.update(settled.task_definition("v2"), **HELD_CANARY)
    settled.shifted(arn, 10)
    settled.aws.kill9()
    settled.aws.restart()
    until(lambda: settled.answer()[0] == 200, "answers after the restart", settled.aws)
    assert settled.versions(20) == Counter(v1=18, v2=2)
    settled.ecs.stop_service_deployment(serviceDeploymentArn=arn)
    assert settled.ended(arn)["status"] == "ROLLBACK_SUCCESSFUL"
    assert settled.shifts(arn) == [10, 0]
    states = ["IN_PROGRESS", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL"]
    assert settled.states(arn) == states


def test_kill_9_in_the_middle_of_a_linear_shift_shifts_nothing_twice(settled: NativeService) -> None:
    arn = settled.update(settled.task_definition("v2"), strategy="LINEAR", linearConfiguration={"stepPercent": 20.0})
    settled.shifted(arn, 20)
    settled.aws.kill9()
    settled.aws.restart()
    assert settled.ended(arn)["status"] == "SUCCESSFUL"
    assert settled.shifts(arn) == [20, 40, 60, 80, 100]


def test_strategies_may_change_from_one_deployment_to_the_next(settled: NativeService) -> None:
    serving = {name for name, weight in settled.weights().items() if weight}
    rolling = settled.ended(settled.update(settled.task_definition("v2"), strategy="ROLLING"))
    assert (rolling["status"], settled.shifts(rolling["serviceDeploymentArn"])) == ("SUCCESSFUL", [])
    assert {name for name, weight in settled.weights().items() if weight} == serving
    assert settled.versions(10) == Counter(v2=10)
    native = settled.ended(settled.update(settled.task_definition("v3"), **AT_ONCE))
    assert (native["status"], settled.shifts(native["serviceDeploymentArn"])) == ("SUCCESSFUL", [100])
    assert settled.versions(10) == Counter(v3=10)


def test_rolling_that_comes_into_a_canary_takes_its_traffic_back_first(settled: NativeService) -> None:
    canary = settled.update(settled.task_definition("v2"), **HELD_CANARY)
    settled.shifted(canary, 10)
    rolling = settled.ended(settled.update(settled.task_definition("v3"), strategy="ROLLING"))
    assert (rolling["status"], settled.ended(canary)["status"]) == ("SUCCESSFUL", "STOPPED")
    assert settled.versions(20) == Counter(v3=20)


def test_no_request_is_lost_while_traffic_moves_and_the_source_goes(settled: NativeService) -> None:
    with Traffic(settled.ports["production"]) as traffic:
        until(lambda: traffic.answers["v1"] > 50, "v1 to answer", settled.aws)
        ended = settled.ended(settled.update(settled.task_definition("v2"), **AT_ONCE))
        until(lambda: traffic.answers["v2"] > 50, "v2 to answer", settled.aws)
    assert (ended["status"], ended["lifecycleStage"], traffic.failures) == ("SUCCESSFUL", "CLEAN_UP", [])


def test_service_tells_its_deployment_and_revisions_while_both_run(settled: NativeService) -> None:
    arn = settled.update(settled.task_definition("v2"), **HELD_CANARY)
    settled.shifted(arn, 10)
    told, deployment = settled.service(), settled.deployment(arn)
    assert told["currentServiceDeployment"] == arn
    both = {deployment["targetServiceRevision"]["arn"], deployment["sourceServiceRevisions"][0]["arn"]}
    assert {each["arn"]: each["runningTaskCount"] for each in told["currentServiceRevisions"]} == dict.fromkeys(both, 1)
    settled.ecs.stop_service_deployment(serviceDeploymentArn=arn)
    settled.ended(arn)
    assert "currentServiceDeployment" not in settled.service()


@pytest.mark.parametrize(
    ("configuration", "named"),
    [
        ({"strategy": "BLUE_GREEN"}, "bakeTimeInMinutes is required"),
        ({"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 2.0}}, "stepPercent must be from 3.0"),
        ({"strategy": "LINEAR", "canaryConfiguration": {"canaryPercent": 5.0}}, "only valid with the CANARY"),
        ({"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 0.25}}, "in steps of 0.1"),
        (
            {
                "strategy": "CANARY",
                "lifecycleHooks": [{"targetType": "PAUSE", "lifecycleStages": ["PRODUCTION_TRAFFIC_SHIFT"]}],
            },
            "PAUSE hooks cannot be configured at PRODUCTION_TRAFFIC_SHIFT",
        ),
    ],
)
def test_configuration_that_does_not_fit_is_refused(
    service: NativeService, configuration: dict[str, Any], named: str
) -> None:
    known = service.deployments(maxResults=100)
    with pytest.raises(service.ecs.exceptions.InvalidParameterException, match=named):
        service.ecs.create_service(
            cluster=CLUSTER,
            serviceName="refused",
            taskDefinition=service.service()["taskDefinition"],
            desiredCount=1,
            loadBalancers=[service.balanced()],
            networkConfiguration=service.network,
            deploymentConfiguration=configuration,
        )
    assert service.deployments(maxResults=100) == known


def test_strategy_without_a_second_target_group_is_refused(service: NativeService) -> None:
    balancer = {name: value for name, value in service.balanced().items() if name != "advancedConfiguration"}
    with pytest.raises(service.ecs.exceptions.InvalidParameterException, match="alternateTargetGroupArn"):
        service.ecs.update_service(
            cluster=CLUSTER, service=APPLICATION, loadBalancers=[balancer], deploymentConfiguration=AT_ONCE
        )


def test_service_that_is_deleted_in_a_canary_leaves_no_process(settled: NativeService) -> None:
    arn = settled.update(settled.task_definition("v2"), **HELD_CANARY)
    settled.shifted(arn, 10)
    settled.ecs.delete_service(cluster=CLUSTER, service=APPLICATION, force=True)
    assert "being deleted" in settled.ended(arn)["statusReason"]
    until(lambda: settled.service()["status"] == "INACTIVE", "the service to end", settled.aws)
    assert processes(settled.aws) == []
