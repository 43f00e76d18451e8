"""What the stages of every strategy share: the greeter's pipeline and task definition, its alarms, its hooks."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from airdock.spec import Pipeline
from tests.blue_green import APPLICATION, CLUSTER, Greeter, until
from tests.local_aws_process import REGION, LocalAws

ALARM = "greeter-5xx"
EXECUTION_ROLE = "greeter-execution"


def a_pipeline(environment: dict[str, Any], page: str) -> Pipeline:
    """The greeter's line to production with these words about its rollout."""
    production = {
        "cluster": CLUSTER,
        "service": APPLICATION,
        "container": "web",
        "task_definition": {"from": "repository"},
        "verify": {"url": page, "good_answers": 2, "timeout_seconds": 15},
        **environment,
    }
    return Pipeline.model_validate(
        {
            "application": APPLICATION,
            "source": {"provider": "codecommit", "repository": APPLICATION},
            "build": {"project": APPLICATION},
            "image": {"repository": APPLICATION},
            "environments": {"production": production},
        }
    )


def task_definition_file(image: str) -> str:
    """taskdef.json with this image."""
    log = {"awslogs-group": "/ecs/greeter", "awslogs-region": REGION, "awslogs-stream-prefix": "web"}
    container = {
        "name": "web",
        "image": image,
        "essential": True,
        "portMappings": [{"containerPort": 8080}],
        "logConfiguration": {"logDriver": "awslogs", "options": {**log, "awslogs-create-group": "true"}},
    }
    told: dict[str, Any] = {"family": APPLICATION, "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"]}
    told["executionRoleArn"] = f"arn:aws:iam::123456789012:role/{EXECUTION_ROLE}"
    return json.dumps({**told, "cpu": "256", "memory": "512", "containerDefinitions": [container]})


def put_5xx_alarms(stage: Greeter) -> None:
    """One alarm for each target group at its first 5xx answer, and one that only hands set."""
    balancer = {"Name": "LoadBalancer", "Value": stage.balancer.partition(":loadbalancer/")[2]}
    groups = {colour: arn.rpartition(":")[2] for colour, arn in stage.target_groups.items()}
    put_alarm(stage.aws, ALARM, Namespace="Greeter", MetricName="Errors")
    for colour, group in groups.items():
        dimensions = [{"Name": "TargetGroup", "Value": group}, balancer]
        metric = {"Namespace": "AWS/ApplicationELB", "MetricName": "HTTPCode_Target_5XX_Count"}
        put_alarm(stage.aws, f"{ALARM}-{colour}", Dimensions=dimensions, **metric)


def put_alarm(aws: LocalAws, name: str, **metric: Any) -> None:
    """An alarm at the first datum within a minute."""
    aws.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
        **metric,
    )


def fire(aws: LocalAws, name: str, noticed: Callable[[], bool]) -> None:
    """Let the alarm fire until it is noticed: CloudWatch sets a state that a hand has set right at its next look."""

    def fired() -> bool:
        set_alarm(aws, name, "ALARM")
        return noticed()

    until(fired, f"the alarm {name} to be noticed", aws)


def calm(aws: LocalAws) -> None:
    """Return once no alarm is on: what a version did wrong stays in the metric for a while."""
    set_alarm(aws, ALARM, "OK")

    def quiet() -> bool:
        found = aws.client("cloudwatch").describe_alarms(AlarmNamePrefix=ALARM)["MetricAlarms"]
        return all(alarm["StateValue"] == "OK" for alarm in found)

    until(quiet, "the alarms to be quiet", aws)


def set_alarm(aws: LocalAws, name: str, state: str) -> None:
    aws.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue=state, StateReason="set by hand")


def put_hook(aws: LocalAws, name: str, program: str) -> None:
    """A Lambda function for a lifecycle event."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("hook.py", program)
    aws.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.11",
        Handler="hook.run",
        Role="arn:aws:iam::123456789012:role/hooks",
        Code={"ZipFile": held.getvalue()},
    )
