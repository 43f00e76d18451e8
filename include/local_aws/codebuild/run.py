"""One build from its queue to its end, every transition committed before the next begins."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from local_aws.codebuild import artifacts, buildspec, news, records, source
from local_aws.codebuild.artifacts import ArtifactError
from local_aws.codebuild.buildspec import Buildspec, BuildspecError, Phase
from local_aws.codebuild.logs import BuildLog
from local_aws.codebuild.shell import PhaseEnd, Shell
from local_aws.codebuild.source import SourceError
from local_aws.codebuild.workshop import VariableError, Workshop
from local_aws.world import World

LOOK_AWS_SECONDS, SHORTEST_LOOK_SECONDS = 2, 0.1
OUT_OF_TIME = ("Build has timed out.", "BUILD_TIMED_OUT")


def shortest_timeout_seconds() -> float:
    """A test suite takes its time, however fast the clock: a build's timeout is never scaled below this."""
    return float(os.environ.get("LOCAL_AWS_BUILD_SECONDS", "20"))


class Stopped(Exception):
    """Somebody stopped the build, or its time is over; the argument is the build's status."""


class Run:
    """One attempt at a build. After a death of the process the build is run again, from its source on."""

    def __init__(self, of: World, build_id: str) -> None:
        self._world, self._id = of, build_id
        self._build = of.store.get(records.KIND, build_id) or {}
        self._workshop = Workshop(of, self._build)
        minutes = of.clock.minutes(self._build["timeoutInMinutes"])
        self._deadline = time.monotonic() + max(minutes, shortest_timeout_seconds())
        self._log: BuildLog | None = None

    def run(self) -> None:
        """Run to the end; only the death of the process leaves the build unfinished."""
        exported: dict[str, str] = {}
        try:
            status = self._phases(exported)
        except Stopped as stopped:
            status = str(stopped)
            self._end_phase(status, *OUT_OF_TIME if status == "TIMED_OUT" else ())
        except Exception as error:
            if self._world.threads.stopping.is_set():
                return
            self._world.log.exception("build %s", self._id)
            status = "FAULT"
            self._end_phase("FAULT", f"internal error: {error}", "INTERNAL_SERVICE_ERROR")
        if self._log:
            self._log.close()
        self._workshop.clear()
        self._finish(status, exported)

    def _phases(self, exported: dict[str, str]) -> str:
        self._begin("PROVISIONING")
        self._open_log()
        self._workshop.make()
        self._end_phase("SUCCEEDED")
        status = self._worked(exported)
        self._begin("FINALIZING")
        self._end_phase("SUCCEEDED")
        return status

    def _worked(self, exported: dict[str, str]) -> str:
        prepared = self._prepared()
        if prepared is None:
            return "FAILED"
        spec, shell = prepared
        status = self._commands(spec, shell)
        exported.update({name: value for name in spec.exported if (value := shell.variable(name)) is not None})
        came_to_its_end = self._build["phases"][-1]["phaseType"] == "POST_BUILD"
        return status if not came_to_its_end or self._uploaded(spec) else "FAILED"

    def _uploaded(self, spec: Buildspec) -> bool:
        self._begin("UPLOAD_ARTIFACTS")
        try:
            place = artifacts.upload(self._world, self._build, spec, self._workshop.source)
        except ArtifactError as error:
            self._end_phase("FAILED", str(error), error.code)
            return False
        self._commit(artifacts={"location": place})
        self._end_phase("SUCCEEDED")
        return True

    def _prepared(self) -> tuple[Buildspec, Shell] | None:
        """The source, its buildspec, and a shell to run it in; None when one is not to be had."""
        self._begin("DOWNLOAD_SOURCE")
        workshop, build = self._workshop, self._build
        try:
            version = source.fetch(self._world, build["source"], build.get("sourceVersion", ""), workshop.source)
            spec = self._spec()
            environment = workshop.environment(spec, version)
        except (SourceError, BuildspecError, VariableError) as error:
            self._end_phase("FAILED", str(error), error.code)
            return None
        for each in spec.passed_over:
            self._line(f"[Container] not followed by the local CodeBuild: {each}")
        self._commit(resolvedSourceVersion=version)
        self._end_phase("SUCCEEDED")
        look_seconds = self._world.clock.seconds(LOOK_AWS_SECONDS, SHORTEST_LOOK_SECONDS)
        return spec, Shell(spec.shell, workshop.root, workshop.source, environment, look_seconds)

    def _spec(self) -> Buildspec:
        told = str(self._build["source"].get("buildspec") or "buildspec.yml")
        if "\n" in told:
            return buildspec.parse(told)
        file = (self._workshop.source / told).resolve()
        if not file.is_relative_to(self._workshop.source.resolve()) or not file.is_file():
            raise BuildspecError(f"stat {told}: no such file or directory")
        return buildspec.parse(file.read_text())

    def _commands(self, spec: Buildspec, shell: Shell) -> str:
        """The four phases; a failed `build` is followed by `post_build`, any other failure ends the build."""
        failed = aborted = False
        for name in buildspec.PHASES:
            if aborted or (failed and name != "post_build"):
                continue
            phase = spec.phases.get(name, Phase())
            shell.set("CODEBUILD_BUILD_SUCCEEDING", "0" if failed else "1")
            if self._phase(name, phase, shell):
                continue
            failed = failed or phase.on_failure != "CONTINUE"
            aborted = phase.on_failure == "ABORT" or (failed and name in ("install", "pre_build"))
        return "FAILED" if failed else "SUCCEEDED"

    def _phase(self, name: str, phase: Phase, shell: Shell) -> bool:
        self._begin(name.upper())
        end = self._in_shell(shell, phase.commands)
        last = self._in_shell(shell, phase.finally_)
        bad = end if end.command else last
        if bad.command:
            self._end_phase("FAILED", bad.message, "COMMAND_EXECUTION_ERROR")
        else:
            self._end_phase("SUCCEEDED")
        return not bad.command

    def _in_shell(self, shell: Shell, commands: tuple[str, ...]) -> PhaseEnd:
        if not commands:
            return PhaseEnd()
        end = shell.run(commands, self._line, self._must_stop)
        if end.stopped:
            raise Stopped("TIMED_OUT" if time.monotonic() >= self._deadline else "STOPPED")
        return end

    def _must_stop(self) -> bool:
        stopping = self._world.threads.stopping.is_set()
        asked = (self._world.store.get(records.KIND, self._id) or {}).get("_stop")
        return bool(stopping or asked or time.monotonic() >= self._deadline)

    def _open_log(self) -> None:
        group, stream = f"/aws/codebuild/{self._build['projectName']}", self._id.rpartition(":")[2]
        self._log = BuildLog(self._world, group, stream)
        region = self._world.settings.region
        console = f"https://console.aws.amazon.com/cloudwatch/home?region={region}"
        link = f"{console}#logsV2:log-groups/log-group/{group.replace('/', '$252F')}/log-events/{stream}"
        self._commit(logs={"groupName": group, "streamName": stream, "deepLink": link})

    def _line(self, text: str) -> None:
        if self._log:
            self._log.line(text)

    def _begin(self, phase: str) -> None:
        if self._must_stop():
            raise Stopped("TIMED_OUT" if time.monotonic() >= self._deadline else "STOPPED")
        self._line(f"[Container] Entering phase {phase}")
        self._change(lambda build: records.begin_phase(build, phase, self._now()))

    def _end_phase(self, status: str, message: str = "", code: str = "") -> None:
        if "phaseStatus" in self._build["phases"][-1]:
            return
        self._line(f"[Container] Phase complete: {self._build['phases'][-1]['phaseType']} State: {status}")
        self._line(f"[Container] Phase context status code: {code} Message: {message}")
        self._change(lambda build: records.end_phase(build, status, self._now(), message, code))
        news.phase_changed(self._world, self._build)

    def _finish(self, status: str, exported: dict[str, str]) -> None:
        if self._world.threads.stopping.is_set() and status == "STOPPED":
            return  # nobody stopped the build: it is run again at the next start
        told = {"id": self._id, "status": status, "exported": sorted(exported)}
        self._world.effects.record("codebuild", "build_finished", "codebuild", told)
        self._change(lambda build: records.finished(build, status, self._now(), exported))
        news.state_changed(self._world, self._build)

    def _commit(self, **changes: Any) -> None:
        self._change(lambda build: {**build, **changes})

    def _change(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self._build = self._world.store.update(records.KIND, self._id, change)

    def _now(self) -> float:
        return records.stamp(self._world.clock.now())
