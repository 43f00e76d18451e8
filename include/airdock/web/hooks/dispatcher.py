"""Takes accepted pushes out of the inbox and starts their runs: one thread in each api-server process.

Nothing is lost with the process: what it had in hand is another's, or its successor's, a minute later. Nothing is
started twice either: a push has one run id, and Airflow takes each id once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from airdock.errors import AirdockError, Fault
from airdock.plan.push import Push
from airdock.plan.push_decision import AskedOnce, ChangedFiles, decided
from airdock.plan.push_routing import Answer, concerns, may_concern
from airdock.release import Record
from airdock.spec import Pipeline, Unread
from airdock.web.hooks.inbox import Inbox, Waiting
from airdock.web.hooks.pipelines import Folder

AT_ONCE = 20
LOOK_EVERY_SECONDS = 10.0
"""How often it looks for what others have left; what this process accepts is taken at once."""
QUIET_SECONDS, LONGEST_BURST_SECONDS = 0.3, 10.0
"""While pushes keep coming, accepting them has the processor to itself."""
FORGET_EVERY_SECONDS = 3600.0
PAUSE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(minutes=5)
MOST_QUESTIONS = 4
MOST_ATTEMPTS = 30
"""Two hours of pauses: time to mend a pipeline file, or for Airflow to parse a new one."""
MOST_LOOKS = 5
"""Three minutes of pauses: time for the file of a pipeline that nobody knows yet to arrive here."""

Start = Callable[[str, Push], str]
"""Starts the delivery of an application, or finds that it was started; the run's id. Raises AirdockError."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Result(Record):
    """What came of a push for one application; `again` when that may change, `run_id` "" when nothing started."""

    application: str
    sentence: str
    run_id: str = ""
    again: bool = False


class Dispatcher:
    """The thread. `folder` is asked for whenever something waits, and raises when there is none."""

    def __init__(self, inbox: Inbox, folder: Callable[[], Folder], changed_files: ChangedFiles, start: Start) -> None:
        self._inbox = inbox
        self._folder = folder
        self._changed_files = changed_files
        self._start = start
        self._arrived = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="airdock-dispatcher", daemon=True)

    def begin(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Stop after the push in hand."""
        self._stopping.set()
        self._arrived.set()
        self._thread.join(10)

    def wake(self) -> None:
        """Something has been accepted."""
        self._arrived.set()

    def drain(self) -> int:
        """Take in hand all that waits now; how many those were."""
        count = 0
        while not self._stopping.is_set() and self._inbox.waiting():
            # Asked for before anything is taken: where there is no folder of pipelines, pushes wait until there is one.
            folder = self._folder()
            taken = self._inbox.take(AT_ONCE)
            for waiting in taken:
                self._dispatch(waiting, folder)
            count += len(taken)
        return count

    def _run(self) -> None:
        forgotten = 0.0
        while not self._stopping.is_set():
            try:
                self.drain()
                if time.monotonic() - forgotten > FORGET_EVERY_SECONDS:
                    self._inbox.forget_old()
                    forgotten = time.monotonic()
            except Exception:
                log.exception("Pushes wait in the inbox: the next look is in %s s", LOOK_EVERY_SECONDS)
            if self._arrived.wait(LOOK_EVERY_SECONDS):
                self._let_the_burst_pass()

    def _let_the_burst_pass(self) -> None:
        until = time.monotonic() + LONGEST_BURST_SECONDS
        while self._arrived.is_set() and time.monotonic() < until and not self._stopping.is_set():
            self._arrived.clear()
            self._stopping.wait(QUIET_SECONDS)
        self._arrived.clear()

    def _dispatch(self, waiting: Waiting, folder: Folder) -> None:
        git = AskedOnce(self._changed_files)
        concerned = [pipeline for pipeline in folder.pipelines if concerns(waiting.push, pipeline)]
        results = [self._result(waiting, pipeline, git) for pipeline in concerned]
        results += [_unreadable(broken) for broken in folder.broken if may_concern(waiting.push, broken)]
        for result in results:
            log.info("%s: %s: %s", waiting.push.run_id, result.application, result.sentence)
        most = MOST_ATTEMPTS if results else MOST_LOOKS
        if (not results or any(result.again for result in results)) and waiting.attempts < most:
            # What has been started is not started again: it has this push's run id.
            self._inbox.later(waiting.number, min(PAUSE * waiting.attempts, LONGEST_PAUSE))
        else:
            self._inbox.done(waiting.number, [result.to_json() for result in results])

    def _result(self, waiting: Waiting, pipeline: Pipeline, git: AskedOnce) -> Result:
        """What the push means for a pipeline that it concerns, once what it starts is started."""
        try:
            found = decided(waiting.push, pipeline, git, patient=waiting.attempts < MOST_QUESTIONS)
            run_id = self._start(found.application, waiting.push) if found.answer is Answer.START else ""
            return Result(found.application, found.sentence, run_id)
        except AirdockError as error:
            return Result(pipeline.application, error.sentence, again=isinstance(error, Fault))
        except Exception as error:
            log.exception("%s could not be taken to %s", waiting.push.run_id, pipeline.application)
            return Result(pipeline.application, f"Airflow failed: {type(error).__name__}", again=True)


def _unreadable(broken: Unread) -> Result:
    return Result(
        broken.application, f"{broken.application}.yaml can't be used: what it means is not known", again=True
    )
