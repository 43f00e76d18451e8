"""Nothing that the demonstration starts survives it."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from demo.process import Process, Trouble, child_environ

STUBBORN = "trap '' TERM; (setsid sleep {marker} &) ; echo ready; while :; do sleep {marker}; done"
"""Ignores SIGTERM, and leaves a child behind in a session of its own, without a parent."""


def running(marker: str) -> list[str]:
    found = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if marker in command.read_text():
                found.append(command.parent.name)
        except OSError:
            continue
    return found


def until(ready: Callable[[], bool], seconds: float = 60) -> None:
    for _ in range(int(seconds / 0.05)):
        if ready():
            return
        threading.Event().wait(0.05)
    raise AssertionError("it did not come to that")


@pytest.fixture
def marker(tmp_path: Path) -> str:
    """Seconds of a sleep that nobody else sleeps."""
    return f"9{os.getpid()}.{abs(hash(tmp_path)) % 10**6}"


def test_stopping_ends_children_that_ignore_it_or_hide(tmp_path: Path, marker: str) -> None:
    command = ["bash", "-c", STUBBORN.format(marker=marker)]
    process = Process("stubborn", command, child_environ(), tmp_path / "log", grace=0.3)
    until(lambda: "ready" in (tmp_path / "log").read_text() and len(running(marker)) >= 3)
    process.ask_to_stop()
    process.wait_until_stopped()
    assert running(marker) == []


def test_kill_9_of_the_demo_ends_its_children(tmp_path: Path, marker: str) -> None:
    program = (
        "import sys, time; from pathlib import Path; from demo.process import Process, child_environ\n"
        f"Process('x', ['bash', '-c', {STUBBORN.format(marker=marker)!r}], child_environ(), "
        f"Path({str(tmp_path / 'log')!r}), grace=0.3); time.sleep(60)"
    )
    include = str(Path(__file__).parents[2] / "include")
    demo = subprocess.Popen([sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": include})
    until(lambda: (tmp_path / "log").exists() and "ready" in (tmp_path / "log").read_text())
    assert running(marker)
    demo.send_signal(signal.SIGKILL)
    demo.wait()
    until(lambda: running(marker) == [])


def test_process_that_ends_at_its_start_is_told_with_its_last_words(tmp_path: Path) -> None:
    command = ["bash", "-c", "echo no such port >&2; exit 3"]
    process = Process("gate", command, child_environ(), tmp_path / "log")
    with pytest.raises(Trouble, match=r"gate ended at its start with status 3\n.*no such port"):
        process.wait_until(lambda: False, 10, threading.Event())


def test_children_get_nothing_of_the_callers_airflow_and_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    environ = child_environ(AWS_ENDPOINT_URL="http://127.0.0.1:1")
    assert not {"AIRFLOW__CORE__EXECUTOR", "AWS_PROFILE", "PYTHONDONTWRITEBYTECODE"} & set(environ)
    assert environ["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
