"""Fixtures for tests against the local AWS."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from airdock.aws import hooks
from airdock.aws.hooks import Account
from local_aws.world import Settings, World
from tests.delivery import connect
from tests.local_aws_process import LocalAws, free_port


@pytest.fixture(scope="module")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """The local AWS in a process of its own, shared by the tests of a module."""
    aws = LocalAws(tmp_path_factory.mktemp("local-aws")).start()
    yield aws
    aws.end()


@pytest.fixture
def account(local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An account whose calls reach the local AWS, through nothing but what a user may set as well."""
    connect(local_aws, monkeypatch)
    yield Account()
    hooks._kept_in.cache_clear()


@pytest.fixture
def local_world(tmp_path: Path) -> Iterator[World]:
    """A World in this process, with nothing served, for tests of one part."""
    world = World(Settings(free_port(), "127.0.0.1", tmp_path, minute_seconds=0.5, runtime="process")).install()
    yield world
    world.close()
