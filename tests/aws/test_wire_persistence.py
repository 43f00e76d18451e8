"""Killing the process loses nothing that was answered."""

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.local_aws_process import LocalAws


@pytest.fixture(scope="module")
def reborn(local_aws: LocalAws) -> dict[str, Any]:
    """What was made before the process was killed and started again."""
    made: dict[str, Any] = {}
    s3, sqs = local_aws.client("s3"), local_aws.client("sqs")
    s3.create_bucket(Bucket="kept", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket="kept", Key="a/big", Body=b"x" * 300_000, Metadata={"by": "test"})
    s3.put_object(Bucket="kept", Key="replaced", Body=b"old")
    s3.put_object(Bucket="kept", Key="replaced", Body=b"new")
    s3.put_object(Bucket="kept", Key="deleted", Body=b"gone")
    s3.delete_object(Bucket="kept", Key="deleted")
    made["queue"] = sqs.create_queue(QueueName="kept")["QueueUrl"]
    sqs.send_message(QueueUrl=made["queue"], MessageBody="first")
    sqs.send_message(QueueUrl=made["queue"], MessageBody="second")
    made["received"] = sqs.receive_message(QueueUrl=made["queue"], VisibilityTimeout=600)["Messages"][0]
    local_aws.client("secretsmanager").create_secret(Name="kept", SecretString="s3cret")
    local_aws.client("ssm").put_parameter(Name="/kept", Value="v", Type="SecureString")
    local_aws.client("iam").create_role(RoleName="kept", AssumeRolePolicyDocument="{}")
    made["balancing"] = _balancing(local_aws)
    logs = local_aws.client("logs")
    logs.create_log_group(logGroupName="kept")
    logs.create_log_stream(logGroupName="kept", logStreamName="s")
    line = {"timestamp": int(time.time() * 1000), "message": "a line"}
    logs.put_log_events(logGroupName="kept", logStreamName="s", logEvents=[line])
    local_aws.client("events").put_rule(Name="kept", EventPattern='{"source": ["x"]}')
    local_aws.kill9()
    local_aws.restart()
    return made


def _balancing(aws: LocalAws) -> dict[str, Any]:
    ec2, elbv2 = aws.client("ec2"), aws.client("elbv2")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]][:2]
    balancer = elbv2.create_load_balancer(Name="kept", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    target = {"Protocol": "HTTP", "Port": 8080, "VpcId": vpc, "TargetType": "ip"}
    group = elbv2.create_target_group(Name="kept", **target)["TargetGroups"][0]["TargetGroupArn"]
    elbv2.add_tags(ResourceArns=[group], Tags=[{"Key": "colour", "Value": "blue"}])
    return {"vpc": vpc, "subnets": subnets, "balancer": balancer, "group": group}


def test_objects_come_back_as_they_were(local_aws: LocalAws, reborn: dict[str, Any]) -> None:
    s3 = local_aws.client("s3")
    found = s3.get_object(Bucket="kept", Key="a/big")
    assert found["Body"].read() == b"x" * 300_000
    assert found["Metadata"] == {"by": "test"}
    assert s3.get_object(Bucket="kept", Key="replaced")["Body"].read() == b"new"
    assert [item["Key"] for item in s3.list_objects_v2(Bucket="kept")["Contents"]] == ["a/big", "replaced"]


def test_only_bodies_of_live_objects_stay_on_disk(local_aws: LocalAws, reborn: dict[str, Any]) -> None:
    kept = [file.read_bytes()[:3] for file in (local_aws.state_dir / "s3").iterdir()]
    assert sorted(kept) == [b"new", b"xxx"]


def test_messages_and_receipts_come_back(local_aws: LocalAws, reborn: dict[str, Any]) -> None:
    sqs, queue = local_aws.client("sqs"), reborn["queue"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=reborn["received"]["ReceiptHandle"])
    bodies = [message["Body"] for message in sqs.receive_message(QueueUrl=queue)["Messages"]]
    assert bodies == ["second"]


def test_secrets_and_parameters_come_back(local_aws: LocalAws, reborn: dict[str, Any]) -> None:
    assert local_aws.client("secretsmanager").get_secret_value(SecretId="kept")["SecretString"] == "s3cret"
    found = local_aws.client("ssm").get_parameter(Name="/kept", WithDecryption=True)
    assert found["Parameter"]["Value"] == "v"


def test_network_and_balancing_come_back_under_their_names(local_aws: LocalAws, reborn: dict[str, Any]) -> None:
    made, elbv2 = reborn["balancing"], local_aws.client("elbv2")
    assert local_aws.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"] == made["vpc"]
    [balancer] = elbv2.describe_load_balancers()["LoadBalancers"]
    assert balancer["LoadBalancerArn"] == made["balancer"]
    assert {zone["SubnetId"] for zone in balancer["AvailabilityZones"]} == set(made["subnets"])
    [tags] = elbv2.describe_tags(ResourceArns=[made["group"]])["TagDescriptions"]
    assert tags["Tags"] == [{"Key": "colour", "Value": "blue"}]


def test_roles_rules_and_log_lines_come_back(local_aws: LocalAws, reborn: dict[str, Any]) -> None:
    assert local_aws.client("iam").get_role(RoleName="kept")["Role"]["RoleName"] == "kept"
    assert local_aws.client("events").describe_rule(Name="kept")["State"] == "ENABLED"
    lines = local_aws.client("logs").get_log_events(logGroupName="kept", logStreamName="s")["events"]
    assert [line["message"] for line in lines] == ["a line"]


def test_effects_come_back_and_go_on_counting(local_aws: LocalAws, reborn: dict[str, Any]) -> None:
    local_aws.client("sqs").create_queue(QueueName="after")
    effects = local_aws.effects()
    assert [effect["n"] for effect in effects] == list(range(1, len(effects) + 1))
    assert effects[0]["operation"] == "CreateBucket"


@pytest.fixture
def own_aws(tmp_path: Path) -> Iterator[LocalAws]:
    """A process that no other test shares."""
    aws = LocalAws(tmp_path).start()
    yield aws
    aws.kill9()


def test_every_acknowledged_message_survives_a_kill_amid_writers(own_aws: LocalAws) -> None:
    queue = own_aws.client("sqs").create_queue(QueueName="busy")["QueueUrl"]
    acknowledged: list[str] = []
    enough = threading.Event()

    def write(writer: int) -> None:
        sqs = own_aws.client("sqs")
        for number in range(10_000):
            body = f"{writer}-{number}"
            try:
                sqs.send_message(QueueUrl=queue, MessageBody=body)
            except (BotoCoreError, ClientError):
                return
            acknowledged.append(body)
            if len(acknowledged) > 150:
                enough.set()

    writers = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for writer in writers:
        writer.start()
    assert enough.wait(60)
    own_aws.kill9()
    for writer in writers:
        writer.join()
    own_aws.restart()
    assert set(acknowledged) <= set(_all_messages(own_aws, queue))


def _all_messages(aws: LocalAws, queue: str) -> list[str]:
    sqs, bodies = aws.client("sqs"), []
    while got := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=600).get("Messages"):
        bodies += [message["Body"] for message in got]
    return bodies


def test_unreadable_state_is_said_in_one_line(own_aws: LocalAws) -> None:
    own_aws.client("sqs").create_queue(QueueName="damaged")
    own_aws.kill9()
    with sqlite3.connect(own_aws.state_dir / "state.sqlite") as database:
        database.execute("UPDATE snapshot SET body = x'80'")
    command = [sys.executable, "-m", "local_aws", "--port", str(own_aws.port), "--runtime", "process"]
    command += ["--state", str(own_aws.state_dir)]
    source = Path(__file__).parents[2] / "include"
    again = subprocess.run(command, env={"PYTHONPATH": str(source)}, capture_output=True, text=True, timeout=60)
    assert again.returncode == 2
    assert "--state" in again.stderr.splitlines()[-1]
