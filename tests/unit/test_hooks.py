"""AWS clients as Airflow's connections describe them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from botocore.loaders import JSONFileLoader

from airdock.aws import hooks
from airdock.aws.code_repositories import CodeRepository
from airdock.aws.hooks import Account
from airdock.aws.task_definitions import known_keys
from airdock.errors import AirdockError, Fault, Refused
from tests.sts import ROLE, answering

PROXIES = {"https": "http://proxy.example:3128"}


@pytest.fixture(autouse=True)
def connected(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    connect(monkeypatch, "OLD")
    hooks._kept_in.cache_clear()
    yield
    hooks._kept_in.cache_clear()


def connect(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    extra = {"region_name": "eu-west-1", "config_kwargs": {"proxies": PROXIES, "retries": {"mode": "legacy"}}}
    told = {"conn_type": "aws", "login": key, "password": "secret", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(told))


def key_of(client: Any) -> Any:
    return client._request_signer._credentials.access_key


def test_a_client_keeps_the_connections_own_settings_and_takes_our_number_of_attempts() -> None:
    for once, attempts in ((False, 4), (True, 1)):
        config = Account().client("codedeploy", once=once).meta.config
        assert config.proxies == PROXIES
        assert config.retries["total_max_attempts"] == attempts


def test_a_client_is_kept_for_a_while_and_then_made_anew_from_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("airdock.aws.hooks.monotonic", lambda: now)
    first = Account().client("ecs")
    connect(monkeypatch, "NEW")
    assert Account().client("ecs") is first
    now = hooks.CLIENT_SECONDS + 1.0
    assert (key_of(first), key_of(Account().client("ecs"))) == ("OLD", "NEW")


def test_what_botocore_knows_of_aws_is_read_once_in_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    load_file = JSONFileLoader.load_file

    def watched(self: JSONFileLoader, path: str) -> Any:
        read.append(path)
        return load_file(self, path)

    hooks._models.cache_clear()
    monkeypatch.setattr(JSONFileLoader, "load_file", watched)
    Account().client("ecs")
    assert [path for path in read if "/ecs/" in path]
    read.clear()
    Account(region="eu-central-1").client("ecs")
    assert read == []


def test_models_that_are_read_ahead_are_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    hooks.read_models()

    def refuse(_: JSONFileLoader, path: str) -> None:
        raise AssertionError(f"{path} is read again")

    monkeypatch.setattr(JSONFileLoader, "load_file", refuse)
    for service in hooks.SERVICES:
        assert Account().client(service).meta.service_model.service_name == service
    known_keys.cache_clear()
    assert known_keys().accepted


def test_a_role_is_assumed_once_for_all_clients_of_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(monkeypatch) as asked:
        clients = [Account().client(service) for service in ("ecs", "codedeploy")]
        clients += [Account().client("ecs", once=True), Account(region="eu-central-1").client("ecs")]
        keys = [client._request_signer._credentials.get_frozen_credentials().access_key for client in clients]
    assert keys == ["ROLE"] * 4
    assert [each["RoleArn"] for each in asked] == [[ROLE]] * 2, "once for each region"


def test_a_connection_is_asked_of_airflow_once_for_all_its_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, ask = [], AwsBaseHook.get_connection

    def watched(conn_id: str) -> Any:
        asked.append(conn_id)
        return ask(conn_id)

    monkeypatch.setattr(AwsBaseHook, "get_connection", staticmethod(watched))
    for service in ("ecs", "codedeploy", "ssm"):
        Account().client(service)
    Account().client("ecs", once=True)
    assert asked == ["aws_default"]


def test_aws_hears_our_name_and_no_stack_is_searched_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the stack is searched, which takes a tenth of a second")

    monkeypatch.setattr("inspect.stack", refuse)
    assert Account().client("ecs").meta.config.user_agent_extra.split()[0] == "Airdock"


def test_a_connection_without_a_region_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_AWS_DEFAULT", json.dumps({"conn_type": "aws", "login": "key", "password": "secret"})
    )
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(Refused, match="ecs with the connection aws_default: You must specify a region"):
        Account().client("ecs")
    connect(monkeypatch, "MENDED")
    assert key_of(Account().client("ecs")) == "MENDED"


REFUSALS: dict[str, tuple[int, type[AirdockError]]] = {
    "AccessDenied": (403, Refused),
    "Throttling": (400, Fault),
    "InternalFailure": (500, Fault),
}


@pytest.mark.parametrize("code", REFUSALS)
def test_a_role_that_sts_does_not_give_is_told_as_any_answer_of_aws_is(
    monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    status, kind = REFUSALS[code]
    with answering(monkeypatch, status, code) as asked:
        with pytest.raises(kind, match=f"codedeploy with the connection aws_default: .*{code}"):
            Account().client("codedeploy")
        with pytest.raises(kind, match=f"sts with the connection aws_default: .*{code}"):
            Account().credentials()
        with pytest.raises(kind, match=code):
            CodeRepository("codecommit", "greeter", Account()).remote()
    assert asked[0]["RoleArn"] == [ROLE]
