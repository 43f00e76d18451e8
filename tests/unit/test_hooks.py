"""AWS clients as Airflow's connections describe them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from airdock.aws import hooks
from airdock.aws.hooks import Account

PROXIES = {"https": "http://proxy.example:3128"}


@pytest.fixture(autouse=True)
def connected(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    connect(monkeypatch, "OLD")
    hooks._clients.cache_clear()
    yield
    hooks._clients.cache_clear()


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
