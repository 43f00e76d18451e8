"""The process: it starts, routes to moto, says what it has not, when its port is taken, and ends cleanly."""

import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.local_aws_process import LocalAws


def test_server_answers_a_service_held_by_moto(local_aws: LocalAws) -> None:
    assert local_aws.client("sts").get_caller_identity()["Account"] == "123456789012"


def test_health_names_the_runtime_and_the_clock(local_aws: LocalAws) -> None:
    health = local_aws.control("GET", "health")
    assert (health["status"], health["runtime"], health["minute_seconds"]) == ("ok", "process", 0.5)
    assert health["endpoint"] == local_aws.endpoint


@pytest.mark.parametrize(
    ("service", "call", "named"),
    [
        ("codepipeline", lambda client: client.list_pipelines(), "codepipeline:ListPipelines"),
        ("batch", lambda client: client.describe_jobs(jobs=["x"]), "batch:DescribeJobs"),
        ("ec2", lambda client: client.describe_mac_hosts(), "ec2:DescribeMacHosts"),
        ("logs", lambda client: client.list_anomalies(), "logs:ListAnomalies"),
        ("s3", lambda client: client.list_directory_buckets(), "s3express:"),
    ],
)
def test_unimplemented_action_is_named_and_not_retried(local_aws: LocalAws, service, call, named) -> None:
    client = local_aws.client(service, retries={"mode": "standard", "max_attempts": 5})
    with pytest.raises(ClientError, match=f"not implemented by the local AWS: {named}") as refused:
        call(client)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert refused.value.response["ResponseMetadata"]["RetryAttempts"] == 0


def test_effects_hold_changes_and_no_reads_or_secrets(local_aws: LocalAws) -> None:
    secrets = local_aws.client("secretsmanager", access_key="AKIASOMEONE000000000")
    secrets.create_secret(Name="effects/secret", SecretString="tell-nobody")
    secrets.get_secret_value(SecretId="effects/secret")
    effects = local_aws.effects(service="secretsmanager")
    assert [effect["operation"] for effect in effects] == ["CreateSecret"]
    assert effects[0]["caller"] == "AKIASOMEONE000000000"
    assert effects[0]["params"]["SecretString"] == "***"
    assert effects[0]["result"]["Name"] == "effects/secret"


def test_effects_hold_the_error_of_a_refused_change(local_aws: LocalAws) -> None:
    with pytest.raises(ClientError):
        local_aws.client("sqs").delete_queue(QueueUrl=f"{local_aws.endpoint}/123456789012/absent")
    [effect] = local_aws.effects("sqs", "DeleteQueue")
    assert "NonExistentQueue" in effect["error"]


def test_unknown_control_path_is_refused_in_json(local_aws: LocalAws) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        local_aws.control("GET", "nowhere")
    assert refused.value.code == 404
    assert refused.value.headers["Content-Type"] == "application/json"


def test_taken_port_is_said_in_one_line(local_aws: LocalAws, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "local_aws", "--port", str(local_aws.port), "--state", str(tmp_path)]
    source = Path(__file__).parents[2] / "include"
    second = subprocess.run(command, env={"PYTHONPATH": str(source)}, capture_output=True, text=True, timeout=60)
    assert second.returncode == 2
    [line] = second.stderr.splitlines()
    assert f"127.0.0.1:{local_aws.port}" in line
    assert "--port" in line


def test_terminated_process_ends_with_status_zero(tmp_path: Path) -> None:
    aws = LocalAws(tmp_path).start()
    assert aws.stop() == 0
    assert "Traceback" not in aws.log()
