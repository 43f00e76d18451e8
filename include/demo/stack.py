"""The processes of a demonstration: the local AWS, and Airflow's own four on the embedded database."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from demo.place import ADMIN, Place
from demo.process import LOOK_EVERY_SECONDS, Process, Trouble
from demo.rest import Airflow, get_json
from demo.settings import airflow_environ, aws_environ

READY_SECONDS = 180
"""Generous: a machine busy with other work takes several times the usual 20 s."""
GRACE_SECONDS = {"triggerer": 3, "local AWS": 30}
"""After SIGTERM; 10 for the others. Airflow's triggerer at times waits ten seconds for a runner that has ended already,
and has nothing to lose when a demonstration ends; the local AWS may have containers to remove."""
AIRFLOW_PARTS = ("api-server", "scheduler", "dag-processor", "triggerer")


class Stack:
    """Starts the processes, and stops all of them when its `with` block ends, however it ends.

    `grace`: after how many seconds a process that was asked to stop is killed.
    """

    def __init__(self, place: Place, grace: Mapping[str, float] = GRACE_SECONDS) -> None:
        self.place = place
        self.grace = grace
        self.stopping = threading.Event()
        self.airflow = Airflow(place.ui, ADMIN, place.secrets.admin_password)
        self.processes: dict[str, Process] = {}

    def __enter__(self) -> Stack:
        self.place.make()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.stop()

    def start_aws(self) -> None:
        """Start the local AWS and return once it answers. Raises Trouble."""
        ports, state = self.place.ports, self.place.directory / "aws"
        command = [sys.executable, "-m", "local_aws", "--port", str(ports.aws), "--state", str(state)]
        command = [sys.executable, "-m", "demo.contained", str(state), *command]
        process = self._start("local AWS", command, aws_environ(self.place))
        process.wait_until(self._aws_answers, READY_SECONDS, self.stopping)

    def migrate(self) -> None:
        """Make Airflow's database. Raises Trouble."""
        process = self._start("airflow db migrate", self._airflow("db", "migrate"), airflow_environ(self.place))
        process.finish(READY_SECONDS)

    def start_airflow(self) -> None:
        """Start Airflow's processes without waiting for them."""
        for part in AIRFLOW_PARTS:
            self.start(part)
        self._warming = threading.Thread(target=self._warm_up, daemon=True)
        self._warming.start()

    def start(self, part: str) -> None:
        """Start one of Airflow's processes, anew if it has ended, without waiting for it."""
        self._start(part, self._airflow(part), airflow_environ(self.place))

    def kill(self, name: str) -> None:
        """Let a process and everything below it die at once (SIGKILL), as when a machine fails."""
        self.processes.pop(name).kill()

    def restart(self, part: str) -> None:
        """Stop one of Airflow's processes as an update does, and start it again, without waiting for it."""
        process = self.processes.pop(part)
        process.ask_to_stop()
        process.wait_until_stopped()
        self.start(part)

    def wait_for_airflow(self) -> None:
        """Return once all of Airflow's parts report health. Raises Trouble."""
        for part in AIRFLOW_PARTS[1:]:
            self.check()
            self.processes[part].wait_until(self.airflow.healthy, READY_SECONDS, self.stopping)
        self._warming.join(READY_SECONDS)

    def wait_for_dag(self, dag_id: str) -> None:
        """Return once Airflow can run the dag. Raises Trouble, with the import errors if there are any."""
        try:
            self.processes["dag-processor"].wait_until(
                lambda: self.airflow.has_dag(dag_id), READY_SECONDS / 2, self.stopping
            )
        except Trouble as trouble:
            told = "\n".join(self.airflow.import_errors())
            raise Trouble(f"Airflow has no dag {dag_id}: {trouble}\n{told}") from None

    def check(self) -> None:
        """Raise Trouble when a process has ended that should run."""
        for process in self.processes.values():
            if process.ended():
                raise Trouble(f"{process.name} ended with status {process.ended()}\n{process.tail()}")

    def stop(self) -> None:
        """Stop everything that was started; nothing of it runs when this returns."""
        self.stopping.set()
        # All at once, so that the slowest sets the time; those started last are asked first.
        processes = list(reversed(self.processes.values()))
        for process in processes:
            process.ask_to_stop()
        for process in processes:
            process.wait_until_stopped()

    def _start(self, name: str, command: list[str], environ: dict[str, str]) -> Process:
        log = self.place.logs / f"{name.replace(' ', '-')}.log"
        self.processes[name] = Process(name, command, environ, log, self.grace.get(name, 10))
        return self.processes[name]

    def _warm_up(self) -> None:
        """Ask once for what tasks ask first: Airflow builds that API at its first request, for eight seconds."""
        while not self.stopping.is_set():
            try:
                get_json(f"{self.place.ui}/execution/health", READY_SECONDS)
                return
            except (OSError, ValueError):
                self.stopping.wait(LOOK_EVERY_SECONDS)

    def _airflow(self, *arguments: str) -> list[str]:
        return [str(Path(sys.executable).with_name("airflow")), *arguments]

    def _aws_answers(self) -> bool:
        try:
            return bool(get_json(f"{self.place.aws}/_local/health", 5)["status"] == "ok")
        except (OSError, ValueError, KeyError):
            return False
