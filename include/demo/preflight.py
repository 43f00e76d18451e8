"""What must be there before anything is installed or started. Standard library only, and any Python 3.

    python3 include/demo/preflight.py

Exits 2 with one message that names everything that is missing and what to do about it.
"""

import platform
import shutil
import socket
import sys
from pathlib import Path

PORTS = ((8080, "Airflow's UI"), (4566, "the local AWS"), (8000, "the application"), (8001, "its test traffic"))
FREE_BYTES = 1500 * 1024**2
PYTHONS = ((3, 11), (3, 13))


def complaints(directory: str = ".") -> "list[str]":
    """Everything that stands in the way, a sentence each."""
    return [
        each for each in [_system(), _python(), _git(), _disk(directory), *(_port(*port) for port in PORTS)] if each
    ]


def _system() -> str:
    found = platform.system()
    if found == "Linux":
        return ""
    why = "tasks run as Linux processes, or as containers at addresses that only Linux itself reaches"
    return f"Linux is needed and this is {found}: {why}; use a Linux machine, or Docker Compose with make up"


def _python() -> str:
    first, last = PYTHONS
    if first <= sys.version_info[:2] <= last:
        return ""
    found = ".".join(map(str, sys.version_info[:3]))
    return f"Python 3.11 to 3.13 is needed and this is {found}: install one, or name it with make PYTHON=..."


def _git() -> str:
    return "" if shutil.which("git") else "git is not installed: install it (apt-get install git, brew install git)"


def _disk(directory: str) -> str:
    free = shutil.disk_usage(directory).free
    if free >= FREE_BYTES:
        return ""
    where = Path(directory).resolve()
    return f"{free // 1024**2} MB are free in {where} and {FREE_BYTES // 1024**2} are needed: make room"


def _port(number: int, what: str) -> str:
    with socket.socket() as probe:
        # As servers do: a connection that has just been closed does not keep a port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
        except OSError:
            return f"port {number} is taken, and {what} needs it: stop what listens there (lsof -i :{number})"
    return ""


if __name__ == "__main__":
    found = complaints()
    if found:
        sys.stderr.write("make demo can't start:\n" + "".join(f"  - {each}\n" for each in found))
        sys.exit(2)
