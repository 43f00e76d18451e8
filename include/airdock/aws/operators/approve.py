"""Before a release goes to an environment that asks for it: people look at the evidence and say yes or no."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context

from airdock.aws.code_repositories import CodeRepository
from airdock.aws.operators.job import DEADLINE_MARGIN, DeliveryOperator
from airdock.aws.operators.memory import clear_number, memory
from airdock.aws.overtaken import newer_head
from airdock.aws.release_evidence import Scanned, brings, effect, records_of
from airdock.errors import AirdockError, Refused
from airdock.plan.approval import APPROVE, REFUSE, Answer, Consent, judge_approval
from airdock.plan.brought import Brings
from airdock.plan.evidence import evidence, in_markdown
from airdock.plan.push import HEADS
from airdock.plan.run_params import latest_begin, refuse_late
from airdock.release import Image, Outcome, ScanReport, Source
from airdock.spec.triggers import Triggers

if TYPE_CHECKING:
    from airdock.spec.environment import Environment

ANY_CHANGE = Triggers()


class ApproveOperator(DeliveryOperator):
    """Asks the environment's approvers through Airflow's required actions, and holds no worker meanwhile.

    Airflow itself refuses the answer of anybody who is not asked. Who made a commit of the release is not asked, as far
    as the repository tells which have come since what is live. An approval that waits for a release which a newer one
    has overtaken is withdrawn: the release is superseded.

    Args:
        repository: where the release's branch is, to see whether it has moved on.
        newest_wins: whether a newer release withdraws the question; triggers: which changes make one.
        source, build: the records of the release.
        scan_task: the task whose XCom is the scan's report, "" where none ran.
        scanned: where the images are, to tell what the scan of the live one found.
        again: "True" where the release has been live here before: going back must not wait for anybody.

    XCom `evidence`: the lines that the approvers see. Record: {"sentence", "answers"}.
    """

    template_fields: Sequence[str] = ("source", "build", "again")

    def __init__(
        self,
        *,
        application: str,
        environment: str,
        target: Environment,
        repository: CodeRepository,
        newest_wins: bool = True,
        triggers: Triggers = ANY_CHANGE,
        source: Any,
        build: Any,
        scan_task: str = "",
        scanned: Scanned | None = None,
        again: str = "",
        poll_seconds: float = 10,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.application = application
        self.environment = environment
        self.target = target
        self.repository = repository
        self.newest_wins = newest_wins
        self.triggers = triggers
        self.source = source
        self.build = build
        self.scan_task = scan_task
        self.scanned = scanned
        self.records = records_of(target, application, environment)
        self.again = again
        self.poll_seconds = poll_seconds

    def deliver(self, context: Context) -> Any:
        if self.again == "True":
            self.log.info("The release has been live here before: nobody is asked again")
            return {"sentence": "", "answers": []}
        return self._judged(context, self._answers(context))

    def answered(self, context: Context, event: dict[str, Any]) -> Any:
        """Where Airflow comes back to; the name is stored with waiting tasks, keep it."""
        return self._spoken(context, lambda: self._answered(context, event))

    def _answered(self, context: Context, event: dict[str, Any]) -> Any:
        refuse_late(context["params"], datetime.now(UTC))
        if event.get("status") == "deadline":
            raise Refused(f"nobody answered within {self._rules.timeout_minutes} minutes")
        if event.get("status") == "look":
            self._refuse_overtaken(context)
            return self._wait(context, int(event["runs"]))
        return self._judged(context, [*self._answers(context), _answer(event)])

    def _judged(self, context: Context, answers: list[Answer]) -> Any:
        """Go on, end, or ask again; the answers so far outlive a retry, but not a clear."""
        memory(context).set("answers", {"clears": clear_number(context), "given": [each.to_json() for each in answers]})
        commit, makers = Source.from_json(self.source).commit, self._brings(context).makers()
        found = judge_approval(self._rules, commit, _pusher(context), answers, makers)
        self.log.info(found.sentence)
        if found.consent is Consent.GIVEN:
            return {"sentence": found.sentence, "answers": [each.to_json() for each in answers]}
        if found.consent is Consent.DENIED:
            raise Refused(found.sentence)
        return self._ask(context, found.sentence, found.may_answer)

    def _ask(self, context: Context, sentence: str, users: Sequence[str]) -> Any:
        from airflow.sdk.execution_time.hitl import HITLUser, upsert_hitl_detail

        from airdock.aws.people import unfinished_runs

        runs = unfinished_runs(context["dag_run"].dag_id)
        if runs > 1:
            # It may have come while this release was built, and stands behind the question that is not asked yet.
            self._refuse_overtaken(context)
        lines = self._evidence(context)
        for line in lines:
            self.log.info(line)
        context["ti"].xcom_push(key="evidence", value=lines)
        commit = Source.from_json(self.source).commit
        # An answer that was given before is removed by this, so that there can be another one.
        upsert_hitl_detail(
            ti_id=context["ti"].id,
            options=[APPROVE, REFUSE],
            subject=f"{self.application} {commit.short} to {self.environment}: {sentence}",
            body=in_markdown(lines),
            assigned_users=[HITLUser(id=user, name=user) for user in users],
            params={},
        )
        return self._wait(context, runs)

    def _wait(self, context: Context, runs: int) -> Any:
        from airdock.aws.people import AnswerTrigger

        until = self._until(context)
        dag_id, asked = context["dag_run"].dag_id, str(context["ti"].id)
        trigger = AnswerTrigger(asked, dag_id, runs, until.isoformat(), self.poll_seconds)
        self.log.info("Waiting for an answer until %s", until.isoformat(timespec="seconds"))
        self.defer(trigger=trigger, method_name="answered", timeout=until - datetime.now(UTC) + DEADLINE_MARGIN)

    def _until(self, context: Context) -> datetime:
        """Counted from when the question was first asked; no longer than who started the run waits."""
        store, clears = memory(context), clear_number(context)
        asked = store.get("asked")
        if not asked or asked["clears"] != clears:
            asked = {"clears": clears, "at": datetime.now(UTC).isoformat()}
            store.set("asked", asked)
        until = datetime.fromisoformat(asked["at"]) + timedelta(minutes=self._rules.timeout_minutes)
        return min(until, latest_begin(context["params"]) or until)

    def _answers(self, context: Context) -> list[Answer]:
        known = memory(context).get("answers")
        given = known["given"] if known and known["clears"] == clear_number(context) else []
        return [Answer.from_json(each) for each in given]

    def _evidence(self, context: Context) -> list[str]:
        source, image = Source.from_json(self.source), Image.from_json(self.build["image"])
        told = context["ti"].xcom_pull(task_ids=self.scan_task) if self.scan_task else None
        scan = ScanReport.from_json(told) if told else None
        changed, now = effect(self.target, source, image)
        live = self.scanned.report(now.digest) if self.scanned and scan and now and now.digest else None
        return evidence(source.commit, image.digest, changed, self._brings(context), scan, live)

    def _brings(self, context: Context) -> Brings:
        """The release's commits as they were when people were first asked: the repository is asked once."""
        store, clears = memory(context), clear_number(context)
        known = store.get("brings")
        if known and known["clears"] == clears:
            return Brings.from_json(known["brings"])
        found = brings(self.repository, self.records, Source.from_json(self.source).commit)
        store.set("brings", {"clears": clears, "brings": found.to_json()})
        return found

    def _refuse_overtaken(self, context: Context) -> None:
        """Another run waits: where the branch has moved on, this release is not wanted any more."""
        from airdock.source import reference
        from airdock.source.git import opened

        commit = Source.from_json(self.source).commit
        branch = str(context["params"].get("ref") or "") or f"{HEADS}{commit.ref}"
        by_branch = branch.startswith(HEADS) and not reference.is_commit(branch.removeprefix(HEADS))
        if not (self.newest_wins and by_branch):
            return
        try:
            with opened(self.repository.remote()) as git:
                now = newer_head(git, branch, commit.sha, self.triggers)
        except AirdockError as error:
            self.log.warning("Whether %s has moved on can't be told: %s", branch, error.sentence)
            return
        if now:
            context["ti"].xcom_push(key="deployment_outcome", value=str(Outcome.SUPERSEDED))
            raise Refused(f"{branch.removeprefix(HEADS)} is at {now[:12]} by now: the question was withdrawn")

    @property
    def _rules(self) -> Any:
        assert self.target.approval
        return self.target.approval


def _answer(event: dict[str, Any]) -> Answer:
    """What Airflow tells of a user's answer."""
    who, at = event.get("responded_by_user") or {}, event.get("responded_at")
    chosen = (event.get("chosen_options") or [REFUSE])[0]
    return Answer(str(who.get("id") or "somebody unknown"), chosen, str(at or ""))


def _pusher(context: Context) -> str:
    """Who pushed the commit, where a push has started the run."""
    pushed = str(context["params"].get("ref") or "").startswith(HEADS)
    return str(context["dag_run"].triggering_user_name or "") if pushed else ""
