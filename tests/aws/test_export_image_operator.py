"""Infrastructure code is told the live image through an SSM parameter."""

from __future__ import annotations

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airdock.aws.hooks import Account
from airdock.aws.operators.image_parameter import SsmExportImageOperator
from tests.builders import IMAGE
from tests.delivery import a_release
from tests.fakes import a_context, run_task
from tests.local_aws_process import LocalAws

ARN = "arn:aws:ecs:eu-west-1:123456789012:task-definition/greeter:8"


def export(account: Account, parameter: str, image: str = IMAGE) -> None:
    release = a_release(ARN, image=image)
    operator = SsmExportImageOperator(task_id="export", account=account, parameter=parameter, task_definition=release)
    run_task(operator, a_context("export"))


def test_parameter_tells_the_live_image_and_is_written_only_when_that_changes(
    account: Account, local_aws: LocalAws
) -> None:
    ssm = local_aws.client("ssm")
    for image in ("x.example/greeter:1", IMAGE, IMAGE):
        export(account, "/greeter/image", image)
    parameter = ssm.get_parameter(Name="/greeter/image")["Parameter"]
    assert (parameter["Value"], parameter["Type"], parameter["Version"]) == (IMAGE, "String", 2)


def test_parameter_of_infrastructure_code_keeps_its_type(account: Account, local_aws: LocalAws) -> None:
    ssm = local_aws.client("ssm")
    ssm.put_parameter(Name="/secret/image", Value="none yet", Type="SecureString")
    export(account, "/secret/image")
    parameter = ssm.get_parameter(Name="/secret/image", WithDecryption=True)["Parameter"]
    assert (parameter["Value"], parameter["Type"]) == (IMAGE, "SecureString")


def test_refusal_of_systems_manager_is_told_with_the_parameters_name(account: Account) -> None:
    with pytest.raises(AirflowFailException, match="/aws/greeter/image"):
        export(account, "/aws/greeter/image")
