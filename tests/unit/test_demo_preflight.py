"""What `make demo` says when it can't start."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo import preflight
from demo.__main__ import began

PROGRAM = Path(preflight.__file__)


@pytest.fixture
def taken_port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        monkeypatch.setattr(preflight, "PORTS", ((port, "Airflow's UI"),))
        yield port


def test_taken_port_is_named_with_who_needs_it(taken_port: int) -> None:
    [told] = preflight.complaints()
    assert f"port {taken_port} is taken" in told
    assert "Airflow's UI" in told


def test_missing_git_stops_the_demo_with_status_2(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(PROGRAM)], env={**os.environ, "PATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "git is not installed" in done.stderr


def test_full_disk_is_told_in_megabytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "PORTS", ())
    monkeypatch.setattr(preflight, "FREE_BYTES", 10**18)
    [told] = preflight.complaints()
    assert "MB are free" in told


def test_other_python_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "PORTS", ())
    monkeypatch.setattr(preflight, "PYTHONS", ((3, 98), (3, 99)))
    [told] = preflight.complaints()
    assert ".".join(map(str, sys.version_info[:3])) in told


def test_another_system_is_told_what_to_do_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "PORTS", ())
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    [told] = preflight.complaints()
    assert told.startswith("Linux is needed and this is Darwin")
    assert "make up" in told


@pytest.mark.parametrize("told", ["1700000000.25", "1700000000.N", "1700000000."])
def test_the_beginning_is_read_from_any_date_program(told: str) -> None:
    assert int(began(told)) == 1700000000


def test_without_a_beginning_it_is_now() -> None:
    before = time.time()
    assert before <= began("") <= time.time()
