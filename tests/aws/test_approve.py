"""The question to people: what they see, who is asked, and what their answers, or their silence, come to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred
from airflow.sdk.execution_time import task_runner

from airdock.aws.code_repositories import CodeRepository
from airdock.aws.hooks import Account
from airdock.aws.operators.approve import ANY_CHANGE, ApproveOperator
from airdock.aws.release_records import Records
from airdock.plan.approval import APPROVE, REFUSE
from airdock.release import Commit, Image, Source
from airdock.spec.triggers import Triggers
from tests.delivery import a_target
from tests.fakes import FakeStore, a_context, run_task
from tests.git_server import GitServer, git, serving

SUPERSEDED = ("approve", "deployment_outcome")


@dataclass
class Airflow:
    """The part of Airflow's task API that a question needs: it is kept, and answered when it is looked at."""

    asked: list[Any] = field(default_factory=list)
    answers: list[tuple[str, str]] = field(default_factory=list)
    runs: int = 1
    looked: Callable[[], None] = lambda: None

    def send(self, msg: Any) -> Any:
        answer: dict[str, Callable[[Any], Any]] = {
            "CreateHITLDetailPayload": self.asked.append,
            "GetHITLDetailResponse": self._answer,
            "GetDRCount": lambda _: SimpleNamespace(count=self.runs),
        }
        return answer[msg.type](msg)

    def _answer(self, _: Any) -> Any:
        self.looked()
        user, option = self.answers.pop(0) if self.answers else ("", "")
        who = SimpleNamespace(id=user, name=user)
        return SimpleNamespace(
            response_received=bool(user), chosen_options=[option], responded_at=None, responded_by_user=who
        )


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> Airflow:
    known = Airflow()
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", known, raising=False)
    return known


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    root = tmp_path / "git"
    root.mkdir()
    with serving(root) as git:
        yield git


@dataclass
class Question:
    """A release of the newest commit of a branch, which waits for the answer of alice or bob; ada made it."""

    airflow: Airflow
    server: GitServer
    work: Path
    account: Account
    sha: str
    store: FakeStore = field(default_factory=FakeStore)
    xcoms: dict[tuple[str, str], Any] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)

    def operator(
        self, again: str = "", newest_wins: bool = True, triggers: Triggers = ANY_CHANGE, **rules: Any
    ) -> ApproveOperator:
        approval = {"approvers": [{"user": "alice"}, {"user": "bob"}, {"user": "ada"}], **rules}
        commit = Commit("greeter", "greeter", "main", self.sha, "Greet ```politely```", "Ada", "", "ada@example.com")
        return ApproveOperator(
            task_id="approve",
            application="greeter",
            environment="production",
            target=a_target(approval=approval),
            repository=CodeRepository("git", self.server.url(), self.account),
            source=Source(commit).to_json(),
            build={"image": Image("registry", "greeter", "sha256:" + "1" * 64).to_json()},
            again=again,
            newest_wins=newest_wins,
            triggers=triggers,
            poll_seconds=0.05,
        )

    def context(self) -> Any:
        params = {"ref": "refs/heads/main", **self.params}
        context = a_context("approve", store=self.store, xcoms=self.xcoms, params=params)
        context["ti"].id = uuid4()
        return context

    def play(self, **rules: Any) -> Any:
        return run_task(self.operator(**rules), self.context())

    def commit(self, author: str, message: str) -> None:
        """The release's newest commit, of this author."""
        git(self.work, "commit", "-q", "--allow-empty", f"--author={author} <x@example.com>", "-m", message)
        git(self.work, "push", "-q", str(self.server.root / "app.git"), "HEAD:main")
        self.sha = git(self.work, "rev-parse", "HEAD").strip()

    def push(self, path: str = "news.txt") -> str:
        (self.work / path).parent.mkdir(exist_ok=True)
        (self.work / path).write_text(uuid4().hex)
        return self.server.push(self.work)


@pytest.fixture
def question(airflow: Airflow, server: GitServer, account: Account, tmp_path: Path) -> Question:
    work = tmp_path / "work"
    work.mkdir()
    (work / "app.py").write_text("print('hello')")
    return Question(airflow, server, work, account, server.push(work))


def test_an_approver_s_yes_lets_the_release_pass(question: Question) -> None:
    question.airflow.answers = [("bob", APPROVE)]
    assert question.play() == {
        "sentence": "approved by bob",
        "answers": [{"user": "bob", "option": APPROVE, "at": ""}],
    }
    [asked] = question.airflow.asked
    assert [user.id for user in asked.assigned_users] == ["alice", "bob"]
    assert "ada made it, and can't approve it" in asked.subject
    assert question.sha in asked.body
    assert "Greet '''politely'''" in asked.body


@pytest.mark.parametrize("old_server", [False, True])
def test_who_made_another_commit_of_the_release_is_not_asked(
    question: Question, monkeypatch: pytest.MonkeyPatch, old_server: bool
) -> None:
    question.server.old = old_server
    live = SimpleNamespace(commit=question.sha)
    monkeypatch.setattr(Records, "live", lambda _: live)
    question.commit("Bob", "Mend it")
    question.commit("Ada", "Bring it on")
    question.airflow.answers = [("alice", APPROVE)]
    assert question.play(needed=1)["sentence"] == "approved by alice"
    [asked] = question.airflow.asked
    assert [user.id for user in asked.assigned_users] == ["alice"]
    assert "2 since what is live" in asked.body
    assert "Mend it, by Bob" in asked.body


def test_co_author_is_not_asked_where_nothing_is_known_to_be_live(question: Question) -> None:
    question.commit("Ada", "Mend it\n\nCo-authored-by: Bobby <bob>")
    question.airflow.answers = [("alice", APPROVE)]
    assert question.play()["sentence"] == "approved by alice"
    [asked] = question.airflow.asked
    assert [user.id for user in asked.assigned_users] == ["alice"]
    assert "not all known: nothing is recorded as live here" in asked.body


def test_a_no_refuses_the_release(question: Question) -> None:
    question.airflow.answers = [("alice", REFUSE)]
    with pytest.raises(AirflowFailException, match="alice refused the release"):
        question.play()


def test_a_second_approver_is_asked_where_two_are_needed(question: Question) -> None:
    question.airflow.answers = [("bob", APPROVE), ("bob", APPROVE), ("alice", APPROVE)]
    assert question.play(needed=2)["sentence"] == "approved by bob and alice"
    assert [len(asked.assigned_users) for asked in question.airflow.asked] == [2, 1, 1]


def test_answers_outlive_a_task_that_is_killed(question: Question) -> None:
    question.airflow.answers = [("bob", APPROVE)]
    with pytest.raises(TaskDeferred):
        question.operator(needed=2).answered(question.context(), _answer_of("bob"))
    question.airflow.answers = [("alice", APPROVE)]
    assert question.play(needed=2)["sentence"] == "approved by bob and alice"


def test_no_answer_in_time_refuses_the_release(question: Question) -> None:
    long_ago = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    question.store.set("asked", {"clears": 0, "at": long_ago})
    with pytest.raises(AirflowFailException, match="nobody answered within 1440 minutes"):
        question.play()


def test_the_question_is_withdrawn_when_the_train_does_not_wait_for_it_any_longer(question: Question) -> None:
    question.params["not_after"] = (datetime.now(UTC) + timedelta(seconds=0.3)).isoformat()
    with pytest.raises(AirflowFailException, match="who started this delivery waited until"):
        question.play()
    question.airflow.answers = [("alice", APPROVE)]
    with pytest.raises(AirflowFailException, match="who started this delivery waited until"):
        question.operator().answered(question.context(), _answer_of("alice"))


def test_the_question_is_withdrawn_when_the_branch_has_moved_on(question: Question) -> None:
    newer: list[str] = []

    def somebody_pushes() -> None:
        if not newer:
            newer.append(question.push())
            question.airflow.runs = 2

    question.airflow.looked = somebody_pushes
    with pytest.raises(AirflowFailException, match=r"main is at [0-9a-f]{12} by now: the question was withdrawn"):
        question.play()
    assert question.xcoms[SUPERSEDED] == "superseded"


def test_nobody_is_asked_about_a_release_that_was_overtaken_while_it_was_built(question: Question) -> None:
    question.push()
    question.airflow.runs = 2
    with pytest.raises(AirflowFailException, match=r"main is at [0-9a-f]{12} by now"):
        question.play()
    assert question.airflow.asked == []
    assert question.xcoms[SUPERSEDED] == "superseded"


def test_a_push_that_started_no_run_withdraws_nothing(question: Question) -> None:
    question.push()
    question.airflow.answers = [("alice", APPROVE)]
    assert question.play()["sentence"] == "approved by alice"


def test_where_every_push_is_delivered_the_question_stands(question: Question) -> None:
    question.push()
    question.airflow.runs = 2
    question.airflow.answers = [("alice", APPROVE)]
    assert question.play(newest_wins=False)["sentence"] == "approved by alice"


@pytest.mark.parametrize(("path", "stands"), [("services/b", True), ("services/a", False)])
def test_in_a_shared_repository_only_its_own_paths_withdraw_the_question(
    question: Question, path: str, stands: bool
) -> None:
    question.push(f"{path}-app.py")
    question.airflow.runs = 2
    question.airflow.answers = [("alice", APPROVE)]
    own = Triggers(paths=["services/a*"])
    if stands:
        assert question.play(triggers=own)["sentence"] == "approved by alice"
        return
    with pytest.raises(AirflowFailException, match="the question was withdrawn"):
        question.play(triggers=own)


def test_another_run_alone_withdraws_nothing(question: Question) -> None:
    looks: list[int] = []

    def somebody_triggers() -> None:
        question.airflow.runs = 2
        looks.append(len(looks))
        if len(looks) == 3:
            question.airflow.answers = [("alice", APPROVE)]

    question.airflow.looked = somebody_triggers
    assert question.play()["sentence"] == "approved by alice"
    assert SUPERSEDED not in question.xcoms


def test_what_was_live_before_comes_back_without_a_question(question: Question) -> None:
    question.play(again="True")
    assert question.airflow.asked == []


def _answer_of(user: str) -> dict[str, Any]:
    return {"chosen_options": [APPROVE], "responded_by_user": {"id": user, "name": user}, "responded_at": None}
