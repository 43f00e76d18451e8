"""From the inbox to runs: all that a push starts, each once, whatever fails on the way."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from airdock.errors import Fault, Refused
from airdock.plan.push import Kind, Push, Repository
from airdock.plan.push_run import conf_of, note_of
from airdock.spec import Pipeline, Unread, parse
from airdock.web.hooks import dispatcher as module
from airdock.web.hooks.dispatcher import Dispatcher
from airdock.web.hooks.inbox import Inbox
from airdock.web.hooks.pipelines import Folder, Pipelines
from tests.builders import a_pipeline_text

HERE, BEFORE = "a" * 40, "b" * 40
REPOSITORY = Repository("1", "acme/mono", ("github.com/acme/mono",))
PUSH = Push("github", "d", REPOSITORY, Kind.BRANCH, "refs/heads/main", BEFORE, HERE, None, "ada", "Greet")


def a_pipeline(name: str, triggers: str = "") -> Pipeline:
    text = a_pipeline_text("{provider: codecommit, repository: greeter}", "{provider: github, repository: acme/mono}")
    return parse(text.replace("application: greeter", f"application: {name}", 1) + f"triggers: {{{triggers}}}\n")


@dataclass
class Airflow:
    """What was started; `trouble` by application is raised instead."""

    started: list[str] = field(default_factory=list)
    trouble: dict[str, Exception] = field(default_factory=dict)

    def start(self, application: str, push: Push) -> str:
        if application in self.trouble:
            raise self.trouble[application]
        self.started.append(application)
        return push.run_id


@dataclass
class Git:
    files: list[str] = field(default_factory=list)
    trouble: Exception | None = None
    asked: int = 0

    def changed_files(self, _pipeline: Pipeline, before: str, after: str) -> list[str]:
        assert (before, after) == (BEFORE, HERE)
        self.asked += 1
        if self.trouble:
            raise self.trouble
        return self.files


@dataclass
class Office:
    inbox: Inbox
    pipelines: list[Pipeline]
    airflow: Airflow = field(default_factory=Airflow)
    git: Git = field(default_factory=Git)
    broken: list[Unread] = field(default_factory=list)

    def dispatcher(self) -> Dispatcher:
        return Dispatcher(
            self.inbox, lambda: Folder(self.pipelines, self.broken), self.git.changed_files, self.airflow.start
        )

    def drain(self) -> int:
        return self.dispatcher().drain()

    def result(self, push: Push = PUSH) -> list[dict[str, object]] | None:
        [(_, told)] = self.inbox.accepted_before([push])
        return told


@pytest.fixture
def office(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> Office:
    # What has to wait waits no time, so that the next drain has it again.
    monkeypatch.setattr(module, "PAUSE", timedelta(seconds=-1))
    names = ("a", "b", "c")
    return Office(inbox, [a_pipeline(name, f"paths: [services/{name}], shared: [libs]") for name in names])


def test_push_starts_what_its_files_belong_to(office: Office) -> None:
    office.inbox.put([replace(PUSH, files=("services/a/x", "services/c/y"))])
    assert office.drain() == 1
    assert office.airflow.started == ["a", "c"]
    result = office.result()
    assert result is not None
    assert [each["run_id"] for each in result] == ["github__d", "", "github__d"]
    assert "none of which is among the paths of b" in str(result[1]["sentence"])


def test_push_of_unknown_files_asks_git(office: Office) -> None:
    office.git.files = ["services/b/x"]
    office.inbox.put([PUSH])
    office.drain()
    assert office.airflow.started == ["b"]
    # All three applications are of one repository.
    assert office.git.asked == 1


def test_push_starts_all_when_git_can_not_tell(office: Office) -> None:
    office.git.trouble = Refused("the commit is gone")
    office.inbox.put([PUSH])
    office.drain()
    assert office.airflow.started == ["a", "b", "c"]


def test_git_that_is_away_is_asked_again_and_then_done_without(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.git.trouble = Fault("the server is away")
    office.inbox.put([PUSH])
    drained = office.drain()
    assert drained == module.MOST_QUESTIONS
    assert office.airflow.started == ["a", "b", "c"]


def test_dag_that_is_not_there_yet_holds_up_no_other_and_is_started_later(office: Office) -> None:
    office.airflow.trouble = {"a": Fault("Airflow has no dag deliver_a yet")}
    office.inbox.put([replace(PUSH, files=("libs/x",))])
    monkey = office.airflow
    start = monkey.start

    def comes_later(application: str, push: Push) -> str:
        try:
            return start(application, push)
        finally:
            if monkey.started.count("c") == 2:
                monkey.trouble = {}

    monkey.start = comes_later  # type: ignore[method-assign]
    office.drain()
    assert monkey.started == ["b", "c", "b", "c", "a", "b", "c"]
    result = office.result()
    assert result is not None
    assert {each["run_id"] for each in result} == {"github__d"}


def test_dag_that_never_comes_is_given_up_with_a_sentence(office: Office) -> None:
    office.airflow.trouble = {"a": Fault("Airflow has no dag deliver_a yet")}
    office.inbox.put([replace(PUSH, files=("services/a/x",))])
    assert office.drain() == module.MOST_ATTEMPTS
    result = office.result()
    assert result is not None
    assert result[0]["sentence"] == "Airflow has no dag deliver_a yet"


def test_refused_params_and_crashes_hold_up_no_other_push(office: Office) -> None:
    office.airflow.trouble = {"a": Refused("no such environment"), "b": RuntimeError("crash")}
    later = replace(PUSH, delivery="e", files=("services/c/x",))
    office.inbox.put([replace(PUSH, files=("libs/x",)), later])
    office.drain()
    assert "c" in office.airflow.started
    result, other = office.result(), office.result(later)
    assert result is not None
    assert other is not None
    assert [each["sentence"] for each in result][:2] == ["no such environment", "Airflow failed: RuntimeError"]
    assert other[-1]["run_id"] == "github__e"


def test_push_to_nobodys_repository_is_done_with_nothing(office: Office) -> None:
    office.inbox.put([replace(PUSH, repository=Repository("2", "acme/other"))])
    assert office.drain() == module.MOST_LOOKS
    assert office.result() == []


def test_push_whose_pipeline_file_comes_a_moment_later_is_delivered(office: Office) -> None:
    known, office.pipelines = office.pipelines, []
    office.inbox.put([replace(PUSH, files=("services/a/x",))])
    later = Folder(known, [])
    folders = iter([Folder([], []), Folder([], []), later, later])
    Dispatcher(office.inbox, lambda: next(folders), office.git.changed_files, office.airflow.start).drain()
    assert office.airflow.started == ["a"]


def test_push_waits_while_the_file_that_may_be_its_pipeline_is_broken(office: Office) -> None:
    mended, office.pipelines = office.pipelines, office.pipelines[1:]
    office.broken = [Unread("a", "source: {provider: github, repository: acme/Mono\nbuild: x")]
    office.inbox.put([replace(PUSH, files=("libs/x",))])
    start, begun = office.airflow.start, []

    def mends(application: str, push: Push) -> str:
        begun.append(application)
        if len(begun) == 6:
            office.pipelines, office.broken = mended, []
        return start(application, push)

    office.airflow.start = mends  # type: ignore[method-assign]
    office.drain()
    assert begun == ["b", "c"] * 3 + ["a", "b", "c"]
    result = office.result()
    assert result is not None
    assert {each["run_id"] for each in result} == {"github__d"}


def test_file_that_stays_broken_is_given_up_with_a_sentence(office: Office) -> None:
    office.pipelines, office.broken = [], [Unread("a", ""), Unread("other", "repository: acme/elsewhere")]
    office.inbox.put([PUSH])
    assert office.drain() == module.MOST_ATTEMPTS
    result = office.result()
    assert result is not None
    assert [each["sentence"] for each in result] == ["a.yaml can't be used: what it means is not known"]


def test_broken_file_of_another_repository_holds_up_nobody(office: Office) -> None:
    office.broken = [Unread("other", "source: {repository: acme/elsewhere")]
    office.inbox.put([replace(PUSH, files=("services/a/x",))])
    assert office.drain() == 1
    assert office.airflow.started == ["a"]


def test_dispatcher_that_is_woken_starts_what_waits_and_ends(office: Office) -> None:
    thread = office.dispatcher()
    thread.begin()
    office.inbox.put([replace(PUSH, files=("services/a/x",))])
    thread.wake()
    deadline, pause = time.monotonic() + 30, threading.Event()
    while office.result() is None:
        assert time.monotonic() < deadline, "nobody took the push"
        pause.wait(0.02)
    thread.end()
    assert office.airflow.started == ["a"]
    assert not thread._thread.is_alive()


def test_run_is_of_the_pushed_commit_and_tells_whose_it_is() -> None:
    assert conf_of(PUSH) == {"revision": HERE, "ref": "refs/heads/main"}
    assert conf_of(replace(PUSH, kind=Kind.TAG, ref="refs/tags/v1")) == {"revision": HERE}
    assert note_of(PUSH) == "main of acme/mono pushed by ada (github): Greet"
    request = Push("generic", "1", Repository("", "a"), Kind.REQUEST, "", environment="production")
    assert conf_of(request) == {"environment": "production"}
    assert note_of(request) == "asked for (generic)"


def test_pipelines_are_read_again_when_their_file_changes(tmp_path: Path) -> None:
    folder, file = Pipelines(tmp_path), tmp_path / "greeter.yaml"
    assert folder.look() == Folder([], [])
    file.write_text(a_pipeline_text())
    [first] = folder.now()
    assert folder.now()[0] is first
    file.write_text(a_pipeline_text("application: greeter", "application: greeter\nowner: ada"))
    assert [each.owner for each in folder.now()] == ["ada"]
    file.write_text("broken: true\n")
    assert [each.owner for each in folder.now()] == ["ada"]
    assert folder.look().broken == []
    # Whoever starts now does not know what it meant before.
    assert Pipelines(tmp_path).look() == Folder([], [Unread("greeter", "broken: true\n")])
    file.unlink()
    assert folder.look() == Folder([], [])


def test_pushes_wait_where_there_is_no_folder_of_pipelines(office: Office, tmp_path: Path) -> None:
    folder = tmp_path / "later"
    office.inbox.put([PUSH])
    dispatcher = Dispatcher(office.inbox, Pipelines(folder).look, office.git.changed_files, office.airflow.start)
    with pytest.raises(Fault, match="AIRDOCK_PIPELINES"):
        dispatcher.drain()
    folder.mkdir()
    assert dispatcher.drain() == module.MOST_LOOKS
