"""The local balancer under real traffic."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from local_aws.runtime.addresses import free_address
from tests.local_aws_process import LocalAws, free_port

WAIT_SECONDS = 60


class Backend:
    """A small web server that answers with its name."""

    def __init__(self, address: str, name: str) -> None:
        state = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = name.encode()
                self.send_response(state.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.status = 200
        self.address = address
        self.server = ThreadingHTTPServer((address, 9000), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Balanced:
    """A balancer with two target groups, blue and green, behind one listener."""

    def __init__(self, aws: LocalAws) -> None:
        self.elb = aws.client("elbv2")
        ec2 = aws.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"eu-west-1{zone}")["Subnet"][
                "SubnetId"
            ]
            for n, zone in enumerate("ab")
        ]
        self.port = free_port()
        self.groups = {name: self._group(f"{name}-{self.port}", vpc) for name in ("blue", "green")}
        balancer = self.elb.create_load_balancer(Name=f"lb-{self.port}", Subnets=subnets)["LoadBalancers"][0]
        self.listener = self.elb.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"],
            Protocol="HTTP",
            Port=self.port,
            DefaultActions=[self._forward(100, 0)],
        )["Listeners"][0]["ListenerArn"]

    def weigh(self, blue: int, green: int) -> None:
        self.elb.modify_listener(ListenerArn=self.listener, DefaultActions=[self._forward(blue, green)])

    def add(self, group: str, backend: Backend) -> None:
        self.elb.register_targets(TargetGroupArn=self.groups[group], Targets=[{"Id": backend.address, "Port": 9000}])

    def remove(self, group: str, backend: Backend) -> None:
        self.elb.deregister_targets(TargetGroupArn=self.groups[group], Targets=[{"Id": backend.address, "Port": 9000}])

    def states(self, group: str) -> dict[str, str]:
        told = self.elb.describe_target_health(TargetGroupArn=self.groups[group])["TargetHealthDescriptions"]
        return {each["Target"]["Id"]: each["TargetHealth"]["State"] for each in told}

    def reason(self, group: str) -> str:
        (told,) = self.elb.describe_target_health(TargetGroupArn=self.groups[group])["TargetHealthDescriptions"]
        return str(told["TargetHealth"]["Description"])

    def ask(self) -> tuple[int, str]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", "/")
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def _group(self, name: str, vpc: str) -> str:
        return self.elb.create_target_group(
            Name=name, Protocol="HTTP", Port=9000, VpcId=vpc, TargetType="ip", HealthCheckPath="/health",
            HealthCheckIntervalSeconds=5, HealthyThresholdCount=2, UnhealthyThresholdCount=2,
        )["TargetGroups"][0]["TargetGroupArn"]  # fmt: skip

    def _forward(self, blue: int, green: int) -> dict[str, Any]:
        weights = {"blue": blue, "green": green}
        groups = [{"TargetGroupArn": arn, "Weight": weights[name]} for name, arn in self.groups.items()]
        return {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}


class Client:
    """Asks over one kept connection until it is stopped, and counts what comes back."""

    def __init__(self, port: int) -> None:
        self.port, self.answers, self.failed = port, Counter[str](), 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def stop(self) -> None:
        self.stopping.set()
        self.thread.join()

    def _run(self) -> None:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        while not self.stopping.is_set():
            try:
                connection.request("GET", "/")
                answer = connection.getresponse()
                self.answers[answer.read().decode()] += 1
                self.failed += answer.status >= 400
            except (OSError, HTTPException):
                self.failed += 1
                connection.close()


@pytest.fixture
def balanced(local_aws: LocalAws) -> Balanced:
    return Balanced(local_aws)


@pytest.fixture
def backend() -> Iterator[Callable[[str], Backend]]:
    started: list[Backend] = []

    def start(name: str) -> Backend:
        started.append(Backend(free_address([9000]), name))
        return started[-1]

    yield start
    for each in started:
        each.stop()


def until(holds: Callable[[], bool]) -> None:
    """Wait for a condition that must come."""
    waiting, deadline = threading.Event(), WAIT_SECONDS / 0.05
    while not holds():
        deadline -= 1
        assert deadline > 0, "it never came"
        waiting.wait(0.05)


def healthy(balanced: Balanced, group: str, backend: Backend) -> Callable[[], bool]:
    return lambda: balanced.states(group).get(backend.address) == "healthy"


def test_shares_follow_the_weights_exactly_and_at_once(balanced: Balanced, backend: Callable[[str], Backend]) -> None:
    blue, green = backend("blue"), backend("green")
    balanced.add("blue", blue)
    balanced.add("green", green)
    until(healthy(balanced, "blue", blue))
    until(healthy(balanced, "green", green))
    assert Counter(balanced.ask()[1] for _ in range(20)) == {"blue": 20}
    balanced.weigh(90, 10)
    assert Counter(balanced.ask()[1] for _ in range(100)) == {"blue": 90, "green": 10}


def test_no_request_fails_while_tasks_are_replaced_and_traffic_shifts(
    balanced: Balanced, backend: Callable[[str], Backend]
) -> None:
    blue, green = backend("blue"), backend("green")
    balanced.add("blue", blue)
    until(healthy(balanced, "blue", blue))
    clients = [Client(balanced.port) for _ in range(4)]
    balanced.add("green", green)
    until(healthy(balanced, "green", green))
    for share in (10, 50, 100):
        balanced.weigh(100 - share, share)
        seen = sum(client.answers["green"] for client in clients)
        until(lambda seen=seen: sum(client.answers["green"] for client in clients) > seen + 20)
    balanced.remove("blue", blue)
    until(lambda: blue.address not in balanced.states("blue"))
    blue.stop()
    seen = sum(client.answers["green"] for client in clients)
    until(lambda: sum(client.answers["green"] for client in clients) > seen + 50)
    for client in clients:
        client.stop()
    assert sum(client.failed for client in clients) == 0
    assert sum(client.answers["blue"] for client in clients) > 0


def test_an_empty_target_group_answers_503(balanced: Balanced) -> None:
    assert balanced.ask()[0] == 503


def test_when_every_target_is_unhealthy_they_all_get_requests(
    balanced: Balanced, backend: Callable[[str], Backend]
) -> None:
    sick = backend("sick")
    sick.status = 500
    balanced.add("blue", sick)
    until(lambda: balanced.states("blue")[sick.address] == "unhealthy")
    assert balanced.ask() == (500, "sick")
    assert balanced.reason("blue") == "Health checks failed with these codes: [500]"


def test_listeners_and_targets_come_back_after_kill_9(
    local_aws: LocalAws, balanced: Balanced, backend: Callable[[str], Backend]
) -> None:
    blue = backend("blue")
    balanced.add("blue", blue)
    until(healthy(balanced, "blue", blue))
    local_aws.kill9()
    local_aws.restart()
    until(lambda: balanced.ask() == (200, "blue"))


def test_a_taken_port_is_refused_in_words(
    local_aws: LocalAws, balanced: Balanced, backend: Callable[[str], Backend]
) -> None:
    taken = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    balancer = balanced.elb.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
    with pytest.raises(balanced.elb.exceptions.ClientError, match="Address already in use"):
        balanced.elb.create_listener(
            LoadBalancerArn=balancer, Protocol="HTTP", Port=taken.server_port, DefaultActions=[balanced._forward(1, 0)]
        )
    taken.server_close()


def test_answers_are_counted_by_target_group_in_cloudwatch(
    local_aws: LocalAws, balanced: Balanced, backend: Callable[[str], Backend]
) -> None:
    blue = backend("blue")
    balanced.add("blue", blue)
    until(healthy(balanced, "blue", blue))
    for _ in range(7):
        balanced.ask()
    watch = local_aws.client("cloudwatch")
    group = balanced.groups["blue"].rpartition(":")[2]

    def counted() -> float:
        metrics = watch.list_metrics(Namespace="AWS/ApplicationELB", MetricName="RequestCount")["Metrics"]
        [dimensions] = [
            m["Dimensions"] for m in metrics if {"Name": "TargetGroup", "Value": group} in m["Dimensions"]
        ] or [None]
        if dimensions is None:
            return 0
        points = watch.get_metric_statistics(
            Namespace="AWS/ApplicationELB", MetricName="RequestCount", Dimensions=dimensions, Period=3600,
            StartTime=datetime.now(UTC) - timedelta(hours=1), EndTime=datetime.now(UTC) + timedelta(hours=1),
            Statistics=["Sum"],
        )["Datapoints"]  # fmt: skip
        return sum(point["Sum"] for point in points)

    until(lambda: counted() == 7)
