"""The preflight of a release: all ok, then one broken precondition after the other, each refused by its name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airdock.aws.operators.preflight import PreflightOperator
from airdock.errors import Fault
from tests.blue_green import APPLICATION, CLUSTER, HELD_CANARY, BlueGreen
from tests.delivery import a_source, a_target, an_image, connect
from tests.fakes import a_context, run_task
from tests.local_aws_process import REGION, LocalAws

ROOT = Path(__file__).parents[2]
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
ROLE = "arn:aws:iam::123456789012:role/greeter-execution"
PARAMETER = f"arn:aws:ssm:{REGION}:123456789012:parameter/greeter/colour"
LOGS = {"logDriver": "awslogs", "options": {"awslogs-group": "/ecs/greeter", "awslogs-region": REGION}}
APPSPEC = {
    "version": 0.0,
    "Resources": [
        {
            "TargetService": {
                "Type": "AWS::ECS::Service",
                "Properties": {
                    "TaskDefinition": "<TASK_DEFINITION>",
                    "LoadBalancerInfo": {"ContainerName": "web", "ContainerPort": 8080},
                },
            }
        }
    ],
}
ALARM = "greeter-5xx"


class Stage(BlueGreen):
    """The greeter, with all that its next release names: a role, a log group, a secret, a parameter, an alarm."""

    def __init__(self, aws: LocalAws) -> None:
        super().__init__(aws)
        aws.client("iam").create_role(RoleName="greeter-execution", AssumeRolePolicyDocument=json.dumps(TRUST))
        aws.client("logs").create_log_group(logGroupName="/ecs/greeter")
        aws.client("ssm").put_parameter(Name="/greeter/colour", Value="hunter2", Type="SecureString")
        made = aws.client("secretsmanager").create_secret(Name="greeter", SecretString="hunter2")
        self.secret = str(made["ARN"])
        self.put_alarm()

    def put_alarm(self) -> None:
        self.aws.client("cloudwatch").put_metric_alarm(
            AlarmName=ALARM,
            Namespace="Tests",
            MetricName="errors",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
            TreatMissingData="ignore",
        )
        self.codedeploy.update_deployment_group(
            applicationName=APPLICATION,
            currentDeploymentGroupName=APPLICATION,
            alarmConfiguration={"enabled": True, "alarms": [{"name": ALARM}]},
        )

    def task_definition_file(self, **container: Any) -> dict[str, Any]:
        """What the repository has; `container` overrides the fields of its only one."""
        secrets = {"PASSWORD": f"{self.secret}:password::", "COLOUR": PARAMETER}
        web = {
            "name": "web",
            "image": "<IMAGE1_NAME>",
            "portMappings": [{"containerPort": 8080}],
            "environment": [{"name": "VERSION", "value": "v2"}, {"name": "API_TOKEN", "value": "hunter2"}],
            "secrets": [{"name": name, "valueFrom": value} for name, value in secrets.items()],
            "logConfiguration": LOGS,
        }
        return {
            "family": "greeter",
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "cpu": "0.25 vCPU",
            "memory": "0.5 GB",
            "executionRoleArn": ROLE,
            "containerDefinitions": [{**web, **container}],
        }


@pytest.fixture(scope="module")
def stage(local_aws: LocalAws) -> Stage:
    return Stage(local_aws)


@pytest.fixture(autouse=True)
def connected(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    connect(stage.aws, monkeypatch)
    yield


def preflight(
    stage: Stage,
    *,
    image: str = "",
    appspec: dict[str, Any] = APPSPEC,
    top: Any = None,
    context: Any = None,
    **told: Any,
) -> Any:
    """The record of a preflight; `top` changes the task definition, `told` its container, `target` the environment."""
    target = a_target(task_definition={"from": "repository"}, appspec="appspec.yaml", **told.pop("target", {}))
    definition = {**stage.task_definition_file(**told), **(top or {})}
    operator = PreflightOperator(
        task_id="preflight",
        application=APPLICATION,
        environment="production",
        target=target,
        source=a_source(taskdef=json.dumps(definition), appspec=json.dumps(appspec)),
        build={"image": an_image(image or stage.image)},
    )
    return run_task(operator, context or a_context("preflight"))


def by_name(record: Any) -> dict[str, dict[str, str]]:
    return {each["name"]: each for each in record["checks"]}


def test_a_release_whose_needs_are_all_there_passes_and_changes_nothing(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    before = len(stage.aws.effects())
    record = preflight(stage)
    assert {each["finding"] for each in record["checks"]} <= {"ok", "unknown"}
    seen = [each["name"] for each in record["checks"] if each["finding"] == "ok"]
    assert {"image", "execution role", "log group", "secret", "parameter"} <= set(seen)
    assert {"deployment group", "service role", "alarm"} <= set(seen)
    assert by_name(record)["traffic"]["sentence"] == "greeter-blue has all of it"
    assert len(stage.aws.effects()) == before
    assert "hunter2" not in json.dumps(record)


def test_the_difference_travels_with_the_record_and_hides_secrets(stage: Stage) -> None:
    told = preflight(stage)["difference"]
    assert "~ web.environment.VERSION  v1 -> v2" in told
    assert "+ web.environment.API_TOKEN = (hidden)" in told
    assert f"+ web.secrets.COLOUR = {PARAMETER}" in told
    assert not [line for line in told if ".cpu" in line or ".memory" in line or line.startswith(("~ cpu", "~ memory"))]


def test_a_quota_that_nobody_tells_is_unknown_and_said(stage: Stage) -> None:
    assert by_name(preflight(stage))["Fargate vCPUs"]["finding"] == "unknown"


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "image": ({"image": f"x.example/greeter@sha256:{'0' * 64}"}, "image: .*0000 is not in its repository"),
    "role": ({"top": {"taskRoleArn": f"{ROLE}-gone"}}, "task role: there is no role .*greeter-execution-gone"),
    "no role": ({"top": {"executionRoleArn": None}}, "execution role: the task definition names none"),
    "log group": (
        {"logConfiguration": {**LOGS, "options": {"awslogs-group": "/ecs/gone"}}},
        "log group: there is no log group /ecs/gone",
    ),
    "secret": (
        {"secrets": [{"name": "A", "valueFrom": f"arn:aws:secretsmanager:{REGION}:123456789012:secret:gone"}]},
        "secret: there is no secret .*secret:gone",
    ),
    "parameter": ({"secrets": [{"name": "A", "valueFrom": "gone"}]}, "parameter: there is no parameter gone"),
    "port": ({"portMappings": [{"containerPort": 9090}]}, "container and port: .* port 8080 of web, which maps 9090"),
    "container": ({"name": "app", "target": {"container": "app"}}, "container and port: .*web, and .* has only app"),
    "controller": (
        {"target": {"rollout": {"strategy": "rolling"}}},
        "deployment controller: the service has CODE_DEPLOY, and the strategy rolling needs ECS",
    ),
    "native": ({"target": {"rollout": {"strategy": "ecs"}}}, r"balancer settings: .*loadBalancers"),
    "service": ({"target": {"service": "gone"}}, "service: there is no active ECS service 'gone'"),
    "cluster": ({"target": {"cluster": "gone"}}, "service: .*ClusterNotFoundException"),
    "group": (
        {"target": {"rollout": {"strategy": "codedeploy", "application": "gone", "deployment_group": "gone"}}},
        "deployment group: there is no deployment group gone/gone",
    ),
    "shift": ({"target": {"traffic": {"configuration": "Gone"}}}, "shift: there is no deployment configuration Gone"),
    "time": (
        {"target": {"traffic": {"configuration": HELD_CANARY}, "deadline_minutes": 60}},
        "shift: .* takes 2880 minutes: `deadline_minutes` is 60, and 2890 would do",
    ),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_one_broken_need_is_refused_by_its_name(stage: Stage, broken: str) -> None:
    changes, sentence = BROKEN[broken]
    changes = {key: dict(value) if isinstance(value, dict) else value for key, value in changes.items()}
    before = len(stage.aws.effects())
    with pytest.raises(AirflowFailException, match=sentence) as refusal:
        preflight(stage, **changes)
    assert ";" not in str(refusal.value) or broken in ("service", "cluster", "native")
    assert len(stage.aws.effects()) == before


def test_an_image_that_is_fixed_in_the_pipeline_is_looked_for_as_the_built_one_is(stage: Stage) -> None:
    place, _, _ = stage.image.partition("@")
    gone, elsewhere = f"{place}@sha256:{'0' * 64}", f"public.example/proxy@sha256:{'1' * 64}"
    web = stage.task_definition_file()["containerDefinitions"][0]
    several = {"containerDefinitions": [web, {"name": "log", "image": "x"}]}
    with pytest.raises(AirflowFailException, match=r"image: .*0000 is not in its repository .*: push it, or name"):
        preflight(stage, top=several, target={"container": "web", "images": {"log": gone}})
    told = preflight(stage, top=several, target={"container": "web", "images": {"log": elsewhere}})
    found = {each["sentence"]: each["finding"] for each in told["checks"] if each["name"] == "image"}
    assert list(found.values()) == ["ok", "unknown"]
    assert f"{elsewhere} is not in ECR" in "".join(found)


@pytest.mark.parametrize(
    ("role", "sentence"),
    [("gone", "there is no role .*/gone"), ("balancer", r"/balancer does not trust codedeploy\.amazonaws\.com")],
)
def test_the_role_of_codedeploy_must_be_there_for_it(stage: Stage, role: str, sentence: str) -> None:
    with served_by(stage, role), pytest.raises(AirflowFailException, match=f"service role: .*{sentence}"):
        preflight(stage)


@contextmanager
def served_by(stage: Stage, role: str) -> Iterator[None]:
    """The deployment group with another role of CodeDeploy's, for a while."""

    def serve(arn: str) -> None:
        stage.codedeploy.update_deployment_group(
            applicationName=APPLICATION, currentDeploymentGroupName=APPLICATION, serviceRoleArn=arn
        )

    serve(f"arn:aws:iam::123456789012:role/{role}")
    try:
        yield
    finally:
        serve(stage.group()["serviceRoleArn"])


def test_a_role_that_tasks_may_not_assume_is_refused(stage: Stage) -> None:
    policy = json.dumps(TRUST).replace("ecs-tasks", "ec2")
    stage.aws.client("iam").create_role(RoleName="of-machines", AssumeRolePolicyDocument=policy)
    with pytest.raises(AirflowFailException, match=r"of-machines does not trust ecs-tasks\.amazonaws\.com"):
        preflight(stage, top={"taskRoleArn": "of-machines"})


def test_an_alarm_that_fires_already_is_refused_because_aws_would_ignore_it(stage: Stage) -> None:
    cloudwatch = stage.aws.client("cloudwatch")
    cloudwatch.set_alarm_state(AlarmName=ALARM, StateValue="ALARM", StateReason="a test")
    # A fault: the task is tried again, for such an alarm is on for a while after a rollback. Its last try is an answer.
    with pytest.raises(Fault, match="firing alarm: greeter-5xx is in ALARM now, and AWS ignores"):
        preflight(stage)
    last = a_context("preflight")
    last["ti"].try_number = last["ti"].max_tries + 1
    with pytest.raises(AirflowFailException, match="firing alarm: greeter-5xx is in ALARM now, and AWS ignores"):
        preflight(stage, context=last)
    assert last["ti"].xcom_pull(key="faulted") is False
    cloudwatch.delete_alarms(AlarmNames=[ALARM])
    with pytest.raises(AirflowFailException, match="alarm: there is no alarm greeter-5xx"):
        preflight(stage)
    stage.put_alarm()


def test_a_listener_that_sends_to_both_target_groups_is_refused(stage: Stage) -> None:
    with weighted(stage, blue=50, green=50), pytest.raises(AirflowFailException, match="traffic: no single target"):
        preflight(stage)


def test_a_hook_of_test_traffic_is_refused_where_the_group_has_no_test_listener(stage: Stage) -> None:
    pair = stage.group()["loadBalancerInfo"]["targetGroupPairInfoList"][0]
    hooked = {**APPSPEC, "Hooks": [{"AfterAllowTestTraffic": "smoke-test"}]}
    assert by_name(preflight(stage, appspec=hooked))["hooks"]["sentence"] == "AfterAllowTestTraffic"
    without = {key: value for key, value in pair.items() if key != "testTrafficRoute"}
    with grouped(stage, without), pytest.raises(AirflowFailException, match=r"hooks: .* set testTrafficRoute"):
        preflight(stage, appspec=hooked)


def test_a_ready_wait_beyond_the_deadline_is_refused_and_one_within_is_told(stage: Stage) -> None:
    ready = {"actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": 120}
    with waiting(stage, deploymentReadyOption=ready):
        with pytest.raises(AirflowFailException, match=r"ready wait: .*120 minutes.*CONTINUE_DEPLOYMENT"):
            preflight(stage, target={"deadline_minutes": 90})
        assert by_name(preflight(stage))["ready wait"]["finding"] == "unknown"
    assert by_name(preflight(stage, target={"deadline_minutes": 90}))["ready wait"]["finding"] == "ok"


def test_a_termination_wait_that_the_delivery_will_not_see_the_end_of_is_told(stage: Stage) -> None:
    wait = {"action": "TERMINATE", "terminationWaitTimeInMinutes": 120}
    with waiting(stage, terminateBlueInstancesOnDeploymentSuccess=wait):
        told = by_name(preflight(stage, target={"deadline_minutes": 90}))["termination wait"]
        assert (told["finding"], "success_at: traffic_shift" in told["sentence"]) == ("unknown", True)
        assert by_name(preflight(stage))["termination wait"]["finding"] == "ok"


def test_a_target_group_that_is_gone_is_refused(stage: Stage) -> None:
    pair = stage.group()["loadBalancerInfo"]["targetGroupPairInfoList"][0]
    pair["targetGroups"] = [{"name": "greeter-blue"}, {"name": "greeter-gone"}]
    sentence = r"target groups: .*greeter-gone does not exist"
    with grouped(stage, pair), pytest.raises(AirflowFailException, match=sentence):
        preflight(stage)


def test_a_listener_that_is_gone_is_refused(stage: Stage) -> None:
    pair = stage.group()["loadBalancerInfo"]["targetGroupPairInfoList"][0]
    gone = stage.listeners["production"][:-4] + "0000"
    pair["prodTrafficRoute"] = {"listenerArns": [gone]}
    with grouped(stage, pair), pytest.raises(AirflowFailException, match=r"traffic: there is no .*0000"):
        preflight(stage)


def test_a_listener_that_sends_elsewhere_is_refused(stage: Stage) -> None:
    stage.target_groups["red"] = stage._target_group(stage.aws.client("elbv2"), "red")
    with (
        weighted(stage, red=1),
        pytest.raises(AirflowFailException, match="traffic: the listener sends to greeter-red"),
    ):
        preflight(stage)


def test_a_deployment_that_is_under_way_is_told_and_stops_nothing(stage: Stage) -> None:
    running = stage.deploy(stage.task_definition("v2"), deploymentConfigName=HELD_CANARY, description="by somebody")
    try:
        stage.shifted(running, 10)
        told = by_name(preflight(stage))
        assert told["running deployment"]["sentence"].startswith(f"{running} (by somebody) is under way")
        assert told["traffic"]["finding"] == "unknown"
    finally:
        stage.codedeploy.stop_deployment(deploymentId=running, autoRollbackEnabled=True)
        stage.ended(running)


class grouped:
    """The deployment group with another pair of target groups, for a while."""

    def __init__(self, stage: Stage, pair: dict[str, Any]) -> None:
        self.stage, self.pair = stage, pair

    def __enter__(self) -> None:
        self._set({"targetGroupPairInfoList": [self.pair]})

    def __exit__(self, *_: Any) -> None:
        self._set(self.stage.group()["loadBalancerInfo"])

    def _set(self, balancers: dict[str, Any]) -> None:
        self.stage.codedeploy.update_deployment_group(
            applicationName=APPLICATION, currentDeploymentGroupName=APPLICATION, loadBalancerInfo=balancers
        )


class waiting:
    """The deployment group with other waits, for a while."""

    def __init__(self, stage: Stage, **waits: Any) -> None:
        self.stage, self.waits = stage, waits

    def __enter__(self) -> None:
        self._set(self.waits)

    def __exit__(self, *_: Any) -> None:
        self._set(self.stage.group()["blueGreenDeploymentConfiguration"])

    def _set(self, waits: dict[str, Any]) -> None:
        names = {"applicationName": APPLICATION, "currentDeploymentGroupName": APPLICATION}
        self.stage.codedeploy.update_deployment_group(**names, blueGreenDeploymentConfiguration=waits)


class weighted:
    """The production listener with these weights, for a while."""

    def __init__(self, stage: Stage, **weights: int) -> None:
        self.stage, self.weights = stage, weights

    def __enter__(self) -> None:
        self._set(self.weights)

    def __exit__(self, *_: Any) -> None:
        self._set({"blue": 1})

    def _set(self, weights: dict[str, int]) -> None:
        groups = [{"TargetGroupArn": self.stage.target_groups[name], "Weight": each} for name, each in weights.items()]
        self.stage.aws.client("elbv2").modify_listener(
            ListenerArn=self.stage.listeners["production"],
            DefaultActions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}],
        )


PIPELINE = f"""\
application: greeter
source: {{provider: codecommit, repository: greeter}}
build: {{project: greeter}}
image: {{repository: greeter}}
environments:
  production:
    cluster: {CLUSTER}
    service: greeter
    container: web
    rollout: {{strategy: codedeploy, application: greeter, deployment_group: greeter}}
"""


def plan(stage: Stage, folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    (folder / "greeter.yaml").write_text(PIPELINE)
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "include"),
        "AIRFLOW_HOME": str(folder),
        "AWS_ENDPOINT_URL": stage.aws.endpoint,
        "AWS_ACCESS_KEY_ID": "AKIATESTCALLER000000",
        "AWS_SECRET_ACCESS_KEY": "test-secret",
        "AWS_DEFAULT_REGION": REGION,
        **variables,
    }
    command = [sys.executable, "-m", "airdock", "plan", "greeter.yaml", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_command_tells_tree_and_difference_and_its_exit_code_the_verdict(stage: Stage, tmp_path: Path) -> None:
    taskdef = tmp_path / "other.json"
    taskdef.write_text(json.dumps(stage.task_definition_file()))
    fine = plan(stage, tmp_path, "--environment", "production", "--image", stage.image, "--taskdef", str(taskdef))
    assert fine.returncode == 0, fine.stderr + fine.stdout
    assert fine.stdout.startswith("greeter to production\n")
    assert "~ web.environment.VERSION  v1 -> v2" in fine.stdout
    assert "│  ├─ ok  image: " in fine.stdout
    assert "hunter2" not in fine.stdout + fine.stderr
    taskdef.write_text(json.dumps({**stage.task_definition_file(), "taskRoleArn": "gone"}))
    refused = plan(stage, tmp_path, "--taskdef", str(taskdef))
    assert refused.returncode == 1
    assert "refused: task role: there is no role gone" in refused.stdout


def test_the_command_tells_what_it_cannot_use(stage: Stage, tmp_path: Path) -> None:
    missing = plan(stage, tmp_path)
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "taskdef.json can't be read: No such file or directory; name the application's repository" in missing.stderr
    unknown = plan(stage, tmp_path, "--environment", "moon")
    assert (unknown.returncode, unknown.stderr) == (2, "there is no environment 'moon'; the pipeline has production\n")
    assert "exit codes:" in plan(stage, tmp_path, "--help").stdout


def test_without_credentials_the_command_says_that_it_cannot_look(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "taskdef.json").write_text(json.dumps(stage.task_definition_file()))
    away = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true"}
    run = plan(stage, tmp_path, "--image", stage.image, **away)
    assert run.returncode == 2
    assert "Unable to locate credentials" in run.stderr
    assert "Traceback" not in run.stderr
