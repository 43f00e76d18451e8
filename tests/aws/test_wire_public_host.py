"""Addresses that clients are told, where clients live on other hosts than the local AWS."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from airdock.aws.code_repositories import CodeRepository
from airdock.aws.hooks import Account
from tests.delivery import connect
from tests.local_aws_process import LocalAws

OPTIONS = ("--bind", "0.0.0.0", "--public-host", "localhost")


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS that clients reach as localhost, and itself as 127.0.0.1."""
    aws = LocalAws(tmp_path_factory.mktemp("named"), options=OPTIONS).start()
    aws.endpoint = f"http://localhost:{aws.port}"
    yield aws
    aws.end()


def test_a_repository_is_cloned_from_the_public_host(named: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    made = named.client("codecommit").create_repository(repositoryName="greeter")
    url = made["repositoryMetadata"]["cloneUrlHttp"]
    assert url == f"{named.endpoint}/git/v1/repos/greeter"
    connect(named, monkeypatch)
    remote = CodeRepository("codecommit", "greeter", Account()).remote()
    assert (remote.url, remote.allow_http) == (url, True)
    assert subprocess.run(["git", "-c", "http.proxy=", "ls-remote", url], capture_output=True).returncode == 0


def test_a_balancer_is_at_the_public_host(named: LocalAws) -> None:
    ec2, elb = named.client("ec2"), named.client("elbv2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    zones = {"eu-west-1a": "10.0.1.0/24", "eu-west-1b": "10.0.2.0/24"}
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for zone, block in zones.items()
    ]
    made = elb.create_load_balancer(Name="named", Subnets=subnets)["LoadBalancers"][0]
    assert made["DNSName"] == "localhost"


def test_a_queue_is_where_it_was_asked_for(named: LocalAws) -> None:
    assert named.client("sqs").create_queue(QueueName="named")["QueueUrl"].startswith(named.endpoint)


def test_images_stay_at_the_address_that_builds_and_tasks_reach(named: LocalAws) -> None:
    made = named.client("ecr").create_repository(repositoryName="named")
    assert made["repository"]["repositoryUri"] == f"127.0.0.1:{named.port}/named"


def test_the_host_may_be_named_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_AWS_PUBLIC_HOST", "local-aws")
    aws = LocalAws(tmp_path).start()
    try:
        assert aws.control("GET", "health")["endpoint"] == f"http://local-aws:{aws.port}"
    finally:
        aws.end()
