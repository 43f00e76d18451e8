"""The process: it starts, routes to moto, says when its port is taken, and ends cleanly."""

from tests.local_aws_process import LocalAws


def test_server_answers_a_service_held_by_moto(local_aws: LocalAws) -> None:
    assert local_aws.client("sts").get_caller_identity()["Account"] == "123456789012"
