"""What an application behind the local balancer, and its client, see of it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from local_aws.runtime.addresses import free_address
from tests.aws.test_elbv2_balancer import Balanced, until
from tests.local_aws_process import LocalAws, free_port

ADDRESS = free_address([9000])


class Echo(BaseHTTPRequestHandler):
    """Tells what it was asked; `/slow` waits for `go_on`, `/stream` sends two chunks, `/cut` none at all."""

    protocol_version = "HTTP/1.1"
    connections: set[Any] = set()
    go_on = threading.Event()

    def do_GET(self) -> None:
        if self.path == "/slow":
            self.go_on.wait(60)
        if self.path == "/cut":
            self.close_connection = True
            return
        if self.path == "/stream":
            self._stream()
            return
        if self.path == "/kept":
            self.connections.add(self.client_address)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        told = {"method": self.command, "path": self.path, "headers": dict(self.headers), "body": body}
        content = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Keep-Alive", "timeout=5")
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for part in (b"first", b"second"):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def balanced(local_aws: LocalAws) -> Iterator[Balanced]:
    server = ThreadingHTTPServer((ADDRESS, 9000), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    balanced = Balanced(local_aws)
    target = {"Id": ADDRESS, "Port": 9000}
    balanced.elb.register_targets(TargetGroupArn=balanced.groups["blue"], Targets=[target])
    until(lambda: balanced.states("blue")[ADDRESS] == "healthy")
    yield balanced
    server.shutdown()
    server.server_close()


def asked(balanced: Balanced, path: str, method: str = "GET", body: str | None = None, **headers: str) -> Any:
    connection = HTTPConnection("127.0.0.1", balanced.port, timeout=60)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    content = answer.read().decode()
    connection.close()
    return answer.status, content, dict(answer.getheaders())


def test_headers_for_the_target_name_the_client_and_leave_out_the_hop(balanced: Balanced) -> None:
    _, content, headers = asked(
        balanced, "/a%20b?c=d%26e", X_Forwarded_For="203.0.113.9", Connection="x-own", X_Own="1"
    )
    told = json.loads(content)
    assert told["path"] == "/a%20b?c=d%26e"
    assert told["headers"]["X-Forwarded-For"] == "203.0.113.9, 127.0.0.1"
    assert told["headers"]["X-Forwarded-Port"] == str(balanced.port)
    assert told["headers"]["Host"] == f"127.0.0.1:{balanced.port}"
    assert "X-Own" not in told["headers"]
    assert "Keep-Alive" not in headers


def test_a_body_arrives_whole(balanced: Balanced) -> None:
    body = "x" * 300_000
    status, content, _ = asked(balanced, "/upload", "POST", body)
    assert (status, json.loads(content)["body"]) == (200, body)


def test_an_answer_of_unknown_length_is_streamed(balanced: Balanced) -> None:
    assert asked(balanced, "/stream")[:2] == (200, "firstsecond")


def test_a_target_that_hangs_up_is_a_502(balanced: Balanced) -> None:
    assert asked(balanced, "/cut", "POST")[0] == 502


def test_a_target_that_takes_too_long_is_a_504(balanced: Balanced) -> None:
    wait_at_most(balanced, seconds=1)
    try:
        assert asked(balanced, "/slow")[0] == 504
    finally:
        wait_at_most(balanced, seconds=60)  # the answers of the tests after this one may be late
        Echo.go_on.set()


def wait_at_most(balanced: Balanced, seconds: int) -> None:
    (listener,) = balanced.elb.describe_listeners(ListenerArns=[balanced.listener])["Listeners"]
    idle = {"Key": "idle_timeout.timeout_seconds", "Value": f"{seconds}"}
    balanced.elb.modify_load_balancer_attributes(LoadBalancerArn=listener["LoadBalancerArn"], Attributes=[idle])


def test_connections_to_a_target_are_kept(balanced: Balanced) -> None:
    for _ in range(20):
        asked(balanced, "/kept")
    assert len(Echo.connections) == 1


def test_the_first_rule_that_is_met_decides(balanced: Balanced) -> None:
    fixed = {"StatusCode": "418", "ContentType": "text/plain", "MessageBody": "short and stout"}
    path = {"Field": "path-pattern", "Values": ["/tea*"]}
    host = {"Field": "host-header", "Values": ["*.example.com"]}
    redirect = {"Protocol": "HTTPS", "Port": "443", "Path": "/new/#{path}", "StatusCode": "HTTP_301"}
    actions: list[tuple[dict[str, Any], dict[str, Any]]] = [
        (path, {"Type": "fixed-response", "FixedResponseConfig": fixed}),
        (host, {"Type": "redirect", "RedirectConfig": redirect}),
    ]
    for priority, (condition, action) in enumerate(actions, start=1):
        balanced.elb.create_rule(
            ListenerArn=balanced.listener, Conditions=[condition], Priority=priority, Actions=[action]
        )
    assert asked(balanced, "/teapot")[:2] == (418, "short and stout")
    status, _, headers = asked(balanced, "/old?a=b", Host="www.example.com")
    assert (status, headers["Location"]) == (301, "https://www.example.com:443/new/old?a=b")
    assert asked(balanced, "/coffee")[0] == 200


def test_a_listener_listens_when_its_creation_is_answered_and_no_longer_once_deleted(balanced: Balanced) -> None:
    port = free_port()
    (known,) = balanced.elb.describe_listeners(ListenerArns=[balanced.listener])["Listeners"]
    made = balanced.elb.create_listener(
        LoadBalancerArn=known["LoadBalancerArn"], Protocol="HTTP", Port=port, DefaultActions=[balanced._forward(1, 0)]
    )
    socket.create_connection(("127.0.0.1", port), timeout=30).close()
    balanced.elb.delete_listener(ListenerArn=made["Listeners"][0]["ListenerArn"])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=30)


@pytest.mark.parametrize("protocol", ["HTTPS", "TCP"])
def test_protocols_that_are_not_balanced_are_refused_by_name(balanced: Balanced, protocol: str) -> None:
    (known,) = balanced.elb.describe_listeners(ListenerArns=[balanced.listener])["Listeners"]
    with pytest.raises(balanced.elb.exceptions.ClientError, match=protocol):
        balanced.elb.create_listener(
            LoadBalancerArn=known["LoadBalancerArn"], Protocol=protocol, Port=9443, DefaultActions=[]
        )
