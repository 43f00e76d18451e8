"""What others hear of an environment's part of a delivery: the repository's forge, and who wants a notice.

None of them may change or hold up the delivery: each is told once, has a few seconds, and what goes wrong is a warning.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING
from urllib.parse import quote

from airflow.sdk import Context

from airdock.aws.code_repositories import CodeRepository
from airdock.aws.forges import forge_of, may_have_one
from airdock.aws.operators.memory import clear_number, memory
from airdock.errors import AirdockError, Fault, Refused
from airdock.names import COMMIT, marker
from airdock.plan.forge_status import Progress
from airdock.plan.notice import Message, wanted
from airdock.release import Commit, Outcome, OutcomeReport, Source

if TYPE_CHECKING:
    from airdock.spec.notifications import Notice
    from airdock.spec.report import Report

LONGEST_SECONDS = 15
"""What one of them may take, whatever it does."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Announcement:
    """Tells of one environment. `source`: task id and XCom key of the source's record."""

    application: str
    environment: str
    repository: CodeRepository
    report: Report
    notices: Sequence[Notice]
    source: tuple[str, str]

    def begin(self, context: Context) -> None:
        """The delivery has come to the environment."""
        self._tell_forge(context, None, "", begun=True)

    def end(
        self,
        context: Context,
        report: OutcomeReport,
        begun: bool,
        source: Source | None,
        earlier: Mapping[str, OutcomeReport],
    ) -> None:
        """The verdict is known.

        `begun`: the delivery came here. `source`: what is delivered, None where it was not read. `earlier`: the
        verdicts before this one by their tasks' ids.
        """
        self._tell_forge(context, report.outcome, report.sentence, begun, source)
        ended = _ended(earlier)
        for number, way in enumerate(self.notices, start=1):
            if wanted(way.on, way.environments, self.environment, report.outcome, ended):
                self._once(context, f"notice {number} ({way.to})", partial(self._notify, context, report, way, source))

    def _tell_forge(
        self, context: Context, outcome: Outcome | None, sentence: str, begun: bool, source: Source | None = None
    ) -> None:
        if may_have_one(self.repository, self.report):
            self._once(context, "the forge", partial(self._report, context, outcome, sentence, begun, source))

    def _once(self, context: Context, whom: str, tell: Callable[[], None]) -> None:
        """Tell somebody unless an earlier try of this task has tried; whatever comes of it, the task goes on."""
        try:
            store, clears = memory(context), clear_number(context)
            known = store.get("told")
            told = known["whom"] if known and known["clears"] == clears else []
            if whom not in told:
                try:
                    _within(LONGEST_SECONDS, tell)
                finally:
                    store.set("told", {"clears": clears, "whom": [*told, whom]})
        except AirdockError as error:
            log.warning("%s was not told: %s", whom.capitalize(), error.sentence)
        except Exception as error:  # Its text is not ours, and may hold what no log should.
            log.warning("%s was not told: %s", whom.capitalize(), type(error).__name__)

    def _report(
        self, context: Context, outcome: Outcome | None, sentence: str, begun: bool, source: Source | None
    ) -> None:
        api, commit = forge_of(self.repository, self.report), self._commit(context, source or self._source(context))
        if api is None or not commit.sha:
            return
        from airdock.forge.reporting import tell

        progress = self._progress(context, commit, outcome, sentence, api.address.repository)
        objections = tell(api, progress, begun)
        if objections:
            raise Refused("; ".join(objections))
        log.info("%s knows of %s", api.address.forge, progress.context)

    def _progress(
        self, context: Context, commit: Commit, outcome: Outcome | None, sentence: str, repository: str
    ) -> Progress:
        ref = str(context["params"].get("ref") or "")
        run = context["dag_run"]
        name = self.report.name
        return Progress(
            repository=repository,
            sha=commit.sha,
            label=f"{name}/{self.environment}" if name else self.environment,
            outcome=outcome,
            sentence=_hidden(sentence) or f"{self.application} {commit.short} is on its way to {self.environment}",
            link=_page(context),
            ref=ref.partition("/")[2].partition("/")[2] or commit.ref,
            is_tag=ref.startswith("refs/tags/"),
            marker=str(marker(self.application, self.environment, (run.dag_id, run.run_id), clear_number(context))),
        )

    def _notify(self, context: Context, report: OutcomeReport, way: Notice, source: Source | None) -> None:
        from airdock.aws.notifiers import send

        commit = self._commit(context, source)
        message = Message(
            application=self.application,
            environment=self.environment,
            outcome=report.outcome,
            sentence=_hidden(report.sentence),
            link=_page(context),
            commit=commit.sha,
            subject=_hidden(commit.subject),
            author=commit.author,
        )
        send(way, message, context)
        log.info("Told %s", way.to)

    def _source(self, context: Context) -> Source | None:
        task_id, key = self.source
        told = context["ti"].xcom_pull(task_ids=task_id, key=key)
        return Source.from_json(told) if told else None

    def _commit(self, context: Context, source: Source | None) -> Commit:
        """The commit on its way; where its source could not be read, what the run was asked for, if that is one."""
        if source:
            return source.commit
        asked = str(context["params"].get("revision") or "")
        return Commit(self.application, self.repository.name, asked, asked if COMMIT.accepts(asked) else "")


def _ended(earlier: Mapping[str, OutcomeReport]) -> tuple[str, Outcome] | None:
    """The first environment before this one in which the release did not go live, and how it ended there."""
    for task_id, report in earlier.items():
        if report.outcome is not Outcome.LIVE:
            return task_id.rpartition(".")[0], report.outcome
    return None


def _page(context: Context) -> str:
    """The run's page in Airflow, at the address that Airflow is told to have."""
    from airflow.sdk.configuration import conf

    base = str(conf.get("api", "base_url", fallback="") or "http://localhost:8080").rstrip("/")
    run = context["dag_run"]
    return f"{base}/dags/{quote(run.dag_id, safe='')}/runs/{quote(run.run_id, safe='')}"


def _hidden(text: str) -> str:
    """The text without the secrets that Airflow has given to this task."""
    from airflow.sdk.log import redact

    return str(redact(text))


def _within(seconds: float, work: Callable[[], None]) -> None:
    """Do the work, but wait no longer than this: it is left to itself then, and ends with the process at the latest."""
    failed: list[Exception] = []

    def guarded() -> None:
        try:
            work()
        except Exception as error:
            failed.append(error)

    thread, since = Thread(target=guarded, daemon=True), time.monotonic()
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise Fault(f"no end of it after {time.monotonic() - since:.0f} seconds")
    if failed:
        raise failed[0]
