"""The tree of a preflight, and the rules behind each of its findings."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from airdock.aws.preflight.alarms import guarding
from airdock.aws.preflight.capacity import check_quota
from airdock.aws.preflight.look import looked
from airdock.aws.preflight.roles import access
from airdock.aws.preflight.tasks import check_tasks
from airdock.errors import Fault
from airdock.plan.preflight import Check, Finding, branch, flat, judge, ok, refused, rendered, unknown
from airdock.plan.preflight_role import trusts
from airdock.plan.preflight_service import (
    check_capacity,
    check_controller,
    check_desired,
    check_idle,
    vcpus,
)
from airdock.plan.preflight_task import log_groups, references
from airdock.plan.preflight_traffic import (
    check_advanced,
    check_behind,
    check_group,
    check_kind,
    check_one_target_group,
    check_rule,
    check_weights,
    weights_of,
)

BLUE = "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/blue/1"
GREEN = "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/green/2"
REGISTRY = "123456789012.dkr.ecr.us-east-1.amazonaws.com"


def a_tree() -> Check:
    task = branch("task", [ok("image", "it is there"), refused("role", "there is no role x: create it")])
    return branch("demo/greeter", [task, unknown("quota", "nobody may look")])


def test_one_refusal_refuses_with_its_sentence() -> None:
    verdict = judge(a_tree())
    assert (verdict.passed, verdict.reason) == (False, "role: there is no role x: create it")


def test_what_nobody_can_see_stops_nothing_and_is_said() -> None:
    verdict = judge(branch("all", [ok("image", "there"), unknown("quota", "nobody may look")]))
    assert (verdict.passed, verdict.reason) == (True, "1 checks are ok; not known: quota")


def test_a_tree_is_read_as_text() -> None:
    assert rendered(a_tree()) == [
        "refused  demo/greeter",
        "├─ refused  task",
        "│  ├─ ok  image: it is there",
        "│  └─ refused  role: there is no role x: create it",
        "└─ unknown  quota: nobody may look",
    ]


def test_a_tree_travels_as_its_leaves_and_as_a_record() -> None:
    assert [each["finding"] for each in flat(a_tree())] == ["ok", "refused", "unknown"]
    assert Check.from_json(a_tree().to_json()) == a_tree()


@pytest.mark.parametrize(
    ("strategy", "controller", "finding"),
    [
        ("codedeploy", "CODE_DEPLOY", "ok"),
        ("codedeploy", None, "refused"),
        ("rolling", None, "ok"),
        ("ecs", "ECS", "ok"),
        ("ecs", "CODE_DEPLOY", "refused"),
        ("rolling", "EXTERNAL", "refused"),
    ],
)
def test_the_controller_must_fit_the_strategy(strategy: str, controller: str | None, finding: str) -> None:
    told = {"deploymentController": {"type": controller}} if controller else {}
    assert check_controller(strategy, told).finding == finding


@pytest.mark.parametrize(
    ("principal", "action", "trusted"),
    [
        ({"Service": "ecs-tasks.amazonaws.com"}, "sts:AssumeRole", True),
        ({"Service": ["ec2.amazonaws.com", "ecs-tasks.amazonaws.com"]}, ["sts:TagSession", "sts:AssumeRole"], True),
        ("*", "*", True),
        ({"AWS": "*"}, "sts:AssumeRole", False),
        ({"Service": "ecs.amazonaws.com"}, "sts:AssumeRole", False),
        ({"Service": "ecs-tasks.eu-west-1.amazonaws.com"}, "sts:AssumeRole", True),
        ({"Service": "ecs-tasks.amazonaws.com.cn"}, "sts:AssumeRole", True),
        ({"Service": "ecs-tasks.example.com"}, "sts:AssumeRole", False),
        ({"Service": "ecs-tasks.amazonaws.com"}, "sts:TagSession", False),
    ],
)
def test_a_role_is_assumable_by_tasks_when_its_trust_policy_says_so(principal: Any, action: Any, trusted: bool) -> None:
    statement = {"Effect": "Allow", "Principal": principal, "Action": action}
    assert trusts({"Statement": statement}, "ecs-tasks.amazonaws.com") is trusted
    assert not trusts({"Statement": [{**statement, "Effect": "Deny"}]}, "ecs-tasks.amazonaws.com")


def test_what_a_definition_names_is_looked_up_once() -> None:
    log = {"logDriver": "awslogs", "options": {"awslogs-group": "/ecs/x", "awslogs-create-group": "true"}}
    container = {"name": "a", "logConfiguration": log, "secrets": [{"name": "A", "valueFrom": "p"}]}
    definition = {"containerDefinitions": [container, {**container, "name": "b"}]}
    assert [(group.name, group.created) for group in log_groups(definition)] == [("/ecs/x", True)]
    assert references(definition) == ["p"]


def a_group(**changes: Any) -> dict[str, Any]:
    pair = {
        "targetGroups": [{"name": "blue"}, {"name": "green"}],
        "prodTrafficRoute": {"listenerArns": ["listener"]},
        **changes,
    }
    services = [{"clusterName": "demo", "serviceName": "greeter"}]
    return {"ecsServices": services, "loadBalancerInfo": {"targetGroupPairInfoList": [pair]}}


def test_a_deployment_group_must_name_the_service_its_pair_and_its_listener() -> None:
    assert check_group(a_group(), "demo", "greeter").finding is Finding.OK
    assert "it deploys demo/greeter, not demo/other" in check_group(a_group(), "demo", "other").sentence
    assert "no single pair" in check_group(a_group(targetGroups=[{"name": "blue"}]), "demo", "greeter").sentence
    assert "no production listener" in check_group(a_group(prodTrafficRoute={}), "demo", "greeter").sentence


def test_codedeploy_moves_one_target_group_only() -> None:
    assert check_one_target_group([{}]).finding is Finding.OK
    assert check_one_target_group([{}, {}]).finding is Finding.REFUSED


@pytest.mark.parametrize(
    ("protocols", "at_once", "finding"),
    [(["HTTP"], False, "ok"), (["TCP"], True, "ok"), (["TCP"], False, "refused"), (["TLS", "HTTP"], False, "refused")],
)
def test_a_network_balancer_moves_all_at_once_or_not_at_all(protocols: list[str], at_once: bool, finding: str) -> None:
    assert check_kind(protocols, at_once).finding == finding


@pytest.mark.parametrize(
    ("weights", "busy", "finding"),
    [
        ({"blue": 100}, False, "ok"),
        ({"blue": 0, "green": 1}, False, "ok"),
        ({"blue": 90, "green": 10}, False, "refused"),
        ({"blue": 90, "green": 10}, True, "unknown"),
        ({"red": 100}, True, "refused"),
        ({}, False, "refused"),
    ],
)
def test_one_of_the_pair_has_all_the_traffic(weights: dict[str, int], busy: bool, finding: str) -> None:
    assert check_weights(weights, ["blue", "green"], busy).finding == finding


def test_a_forward_without_weights_is_all_of_the_traffic() -> None:
    assert weights_of([{"Type": "forward", "TargetGroupArn": BLUE}]) == {BLUE: 1}
    assert weights_of([{"Type": "redirect"}]) == {}


def test_ecs_needs_the_pair_the_rule_and_the_role() -> None:
    whole = {"alternateTargetGroupArn": GREEN, "productionListenerRule": "rule", "roleArn": "role"}
    assert check_advanced([{"targetGroupArn": BLUE, "advancedConfiguration": whole}]).finding is Finding.OK
    assert "has no roleArn" in check_advanced([{"advancedConfiguration": {**whole, "roleArn": ""}}]).sentence
    assert check_advanced([]).finding is Finding.REFUSED


def test_the_rule_names_both_target_groups() -> None:
    assert check_rule({BLUE: 1, GREEN: 0}, (BLUE, GREEN)).finding is Finding.OK
    assert "does not name green" in check_rule({BLUE: 1}, (BLUE, GREEN)).sentence


def test_no_tasks_and_a_running_deployment_are_told() -> None:
    assert check_desired({"desiredCount": 0}).finding is Finding.UNKNOWN
    assert check_idle(["d-1"], "by bob").sentence.startswith("d-1 (by bob) is under way")


@pytest.mark.parametrize(
    ("needed", "used", "finding"), [(2, 4.0, "ok"), (3, 4.0, "refused"), (7, None, "refused"), (2, None, "unknown")]
)
def test_another_set_of_tasks_must_fit_the_quota(needed: float, used: float | None, finding: str) -> None:
    assert check_capacity(needed, 6, used).finding == finding


def test_the_vcpus_of_another_set_are_those_of_fargate_on_demand_alone() -> None:
    fargate = {"launchType": "FARGATE", "desiredCount": 4}
    assert vcpus({"cpu": "512"}, fargate) == vcpus({"cpu": ".5 vCPU"}, fargate) == 2
    assert (
        vcpus({"cpu": "512"}, {"desiredCount": 4, "capacityProviderStrategy": [{"capacityProvider": "mine"}]}) is None
    )


def an_error(code: str, status: int = 400) -> ClientError:
    told: Any = {"Error": {"Code": code, "Message": "told"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(told, "Look")


def failing(error: Exception) -> Any:
    def look() -> Check:
        raise error

    return look


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException", "UnauthorizedOperation"])
def test_a_missing_permission_is_unknown_and_names_the_permission(code: str) -> None:
    found = looked("role", "iam:GetRole", failing(an_error(code)))
    assert found.finding is Finding.UNKNOWN
    assert "allow the connection's role iam:GetRole" in found.sentence


def test_an_endpoint_out_of_reach_is_unknown_and_a_busy_aws_is_a_fault() -> None:
    away = EndpointConnectionError(endpoint_url="https://secretsmanager")
    assert looked("secret", "x", failing(away)).finding is Finding.UNKNOWN
    with pytest.raises(Fault):
        looked("secret", "x", failing(an_error("ThrottlingException")))


class FakeAccount:
    """Answers each operation with what is given for it, or raises it; `asked` is what was asked for."""

    connection, region = "aws_default", None

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def client(self, service: str) -> Any:
        named = {name: answer if name == "meta" else self._operation(name) for name, answer in self.answers.items()}
        return SimpleNamespace(**named)

    def _operation(self, name: str) -> Any:
        def call(**asked: Any) -> Any:
            self.asked.append((name, asked))
            if isinstance(self.answers[name], Exception):
                raise self.answers[name]
            return self.answers[name]

        return call


QUOTA = {
    "Quota": {
        "Value": 6.0,
        "UsageMetric": {"MetricNamespace": "AWS/Usage", "MetricName": "ResourceCount", "MetricDimensions": {"A": "B"}},
    }
}
FARGATE = {"launchType": "FARGATE", "desiredCount": 2}


def test_the_quota_is_held_against_what_runs_by_its_own_metric() -> None:
    account: Any = FakeAccount(
        get_service_quota=QUOTA, get_metric_statistics={"Datapoints": [{"Maximum": 3.0}, {"Maximum": 5.0}]}
    )
    found = check_quota(account, {"cpu": "1024"}, FARGATE, 1.0)
    assert found.finding is Finding.REFUSED
    assert "may run 6 and runs 5, and another set of tasks takes 2" in found.sentence
    assert account.asked[1][1]["Dimensions"] == [{"Name": "A", "Value": "B"}]


def test_a_quota_whose_use_nobody_tells_is_unknown() -> None:
    account: Any = FakeAccount(get_service_quota=QUOTA, get_metric_statistics=an_error("AccessDenied"))
    assert check_quota(account, {"cpu": "1024"}, FARGATE, 1.0).finding is Finding.UNKNOWN


def test_alarms_are_asked_for_in_one_call_composite_ones_too() -> None:
    answer = {
        "MetricAlarms": [{"AlarmName": "a", "StateValue": "OK"}],
        "CompositeAlarms": [{"AlarmName": "b", "StateValue": "ALARM"}],
    }
    account: Any = FakeAccount(describe_alarms=answer)
    found = guarding(account, ["a", "b", "c"])
    assert [each.finding for each in found.parts] == ["ok", "refused", "refused"]
    assert len(account.asked) == 1
    assert guarding(FakeAccount(), []).finding is Finding.OK  # type: ignore[arg-type]


def test_an_image_is_looked_for_in_its_own_account_and_region(monkeypatch: pytest.MonkeyPatch) -> None:
    account: Any = FakeAccount(describe_images={"imageDetails": [{}]})
    regions: list[str | None] = []

    def made(connection: str | None, region: str | None) -> Any:
        regions.append(region)
        return account

    monkeypatch.setattr("airdock.aws.preflight.tasks.Account", made)
    uri = f"{REGISTRY}/team/greeter@sha256:{'a' * 64}"
    [found] = check_tasks(account, uri, {"containerDefinitions": [{"name": "web"}]})
    assert (found.finding, regions) == ("ok", ["us-east-1"])
    asked = account.asked[0][1]
    assert (asked["registryId"], asked["repositoryName"]) == ("123456789012", "team/greeter")


def test_a_secret_that_is_to_be_deleted_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    account: Any = FakeAccount(describe_secret={"DeletedDate": 1}, describe_images={"imageDetails": [{}]})
    monkeypatch.setattr("airdock.aws.preflight.tasks.Account", lambda *_: account)
    secret = {"name": "A", "valueFrom": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-x1:password::"}
    definition = {"executionRoleArn": None, "containerDefinitions": [{"name": "web", "secrets": [secret]}]}
    *_, found = check_tasks(account, f"{REGISTRY}/greeter@sha256:{'a' * 64}", definition)
    assert "secret:db-x1 is scheduled for deletion" in found.sentence
    assert account.asked[-1] == ("describe_secret", {"SecretId": secret["valueFrom"].removesuffix(":password::")})


EXECUTION = "arn:aws:iam::123456789012:role/execution"
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-x1y2z3"
PARAMETER = "arn:aws:ssm:eu-west-1:123456789012:parameter/db/host"


def reading(reference: str, decision: Any, **told: Any) -> Check:
    """What comes of the execution role's access to a secret or parameter, when IAM's simulation says this."""
    results = {"EvaluationResults": [{"EvalDecision": decision, **told}]}
    account: Any = FakeAccount(simulate_principal_policy=decision if isinstance(decision, Exception) else results)
    found = access(account, "secret" if reference == SECRET else "parameter", EXECUTION, reference)
    [(_, asked)] = account.asked
    assert (asked["PolicySourceArn"], asked["ResourceArns"]) == (EXECUTION, [reference])
    return found


@pytest.mark.parametrize(
    ("reference", "decision", "missing", "finding"),
    [
        (SECRET, "allowed", [], "ok"),
        (SECRET, "explicitDeny", [], "refused"),
        # The secret's own policy may let the role read it, and is not part of the simulation.
        (SECRET, "implicitDeny", [], "unknown"),
        (SECRET, "implicitDeny", ["aws:SourceVpce"], "unknown"),
        (PARAMETER, "allowed", [], "ok"),
        (PARAMETER, "implicitDeny", [], "refused"),
        (PARAMETER, "implicitDeny", ["aws:SourceVpce"], "unknown"),
    ],
)
def test_the_execution_role_must_be_able_to_read_what_tasks_are_given(
    reference: str, decision: str, missing: list[str], finding: str
) -> None:
    found = reading(reference, decision, MissingContextValues=missing)
    assert found.finding == finding
    assert reference in found.sentence
    assert all(name in found.sentence for name in missing)


def test_who_may_not_simulate_does_not_know_what_the_role_may_read() -> None:
    found = reading(SECRET, an_error("AccessDenied"))
    assert (found.finding, "iam:SimulatePrincipalPolicy" in found.sentence) == ("unknown", True)


def test_a_bare_parameter_is_of_the_services_region_and_the_roles_account(monkeypatch: pytest.MonkeyPatch) -> None:
    account: Any = FakeAccount(
        describe_images={"imageDetails": [{}]},
        describe_parameters={"Parameters": [{}]},
        get_role={"Role": {"AssumeRolePolicyDocument": {}}},
        simulate_principal_policy={"EvaluationResults": [{"EvalDecision": "explicitDeny"}]},
        meta=SimpleNamespace(region_name="eu-west-1"),
    )
    monkeypatch.setattr("airdock.aws.preflight.tasks.Account", lambda *_: account)
    container = {"name": "web", "secrets": [{"name": "HOST", "valueFrom": "/db/host"}]}
    definition = {"executionRoleArn": EXECUTION, "containerDefinitions": [container]}
    *_, there, found = check_tasks(account, f"registry.example/greeter@sha256:{'a' * 64}", definition)
    assert (there.finding, found.name, found.finding) == ("ok", "access to parameter", "refused")
    assert account.asked[-1][1]["ResourceArns"] == [PARAMETER]


def test_an_image_by_its_tag_is_looked_for_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    account: Any = FakeAccount(describe_images={"imageDetails": []})
    monkeypatch.setattr("airdock.aws.preflight.tasks.Account", lambda *_: account)
    names = {"log": f"{REGISTRY}/log:1.2", "proxy": "envoy:v1", "web": "ignored"}
    built = f"{REGISTRY}/greeter@sha256:{'a' * 64}"
    containers = [{"name": name, "image": built if name == "web" else image} for name, image in names.items()]
    found = list(check_tasks(account, built, {"containerDefinitions": containers}))
    assert [each.finding for each in found] == ["refused", "refused", "unknown"]
    assert [asked["imageIds"][0] for _, asked in account.asked] == [
        {"imageDigest": f"sha256:{'a' * 64}"},
        {"imageTag": "1.2"},
    ]


def test_a_target_group_without_a_balancer_is_told() -> None:
    groups = [{"TargetGroupName": "blue", "LoadBalancerArns": ["arn"]}, {"TargetGroupName": "red"}]
    assert check_behind(groups[:1]).finding is Finding.OK
    assert (check_behind(groups).finding, "no balancer sends to red" in check_behind(groups).sentence) == (
        Finding.UNKNOWN,
        True,
    )
