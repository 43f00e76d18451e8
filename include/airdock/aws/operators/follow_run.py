"""A task of the release train that is a whole run of another dag: started once, followed to its verdict."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from airflow.sdk import Context

from airdock.aws import runs
from airdock.aws.operators.job import DEADLINE_MARGIN, DeliveryOperator
from airdock.aws.operators.memory import clear_number, memory
from airdock.aws.run_trigger import ENDED, RunTrigger
from airdock.aws.watch.pace import pauses
from airdock.errors import Fault, Refused
from airdock.plan.release_train import DELIVER, run_id
from airdock.plan.train_end import Arrival, arrival
from airdock.release import Outcome, OutcomeReport


class FollowRunOperator(DeliveryOperator):
    """Starts a run of a delivery dag, waits for its end, and fails unless its release came live.

    The run's id is made of the train's own and its clear number: a retry finds the run that it has started. The first
    seconds are waited out in the worker, the rest in the triggerer, which holds no worker.

    Args:
        purpose: what the run is for; its id begins with it.
        run_dag_id: which dag is started.
        environment: whose verdict counts.
        conf: the run's parameters.

    The Arrival lies under the XCom key `arrival` from the moment at which the run was started.
    """

    def __init__(
        self,
        *,
        purpose: str,
        application: str,
        run_dag_id: str,
        environment: str,
        conf: Mapping[str, Any],
        deadline_hours: float,
        handoff_seconds: float = 4,
        poll_seconds: float = 5,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.purpose = purpose
        self.application = application
        self.run_dag_id = run_dag_id
        self.environment = environment
        self.conf = conf
        self.deadline_hours = deadline_hours
        self.handoff_seconds = handoff_seconds
        self.poll_seconds = poll_seconds

    def deliver(self, context: Context) -> Any:
        started = self._started(context)
        state = self._wait_here(started)
        if state in ENDED:
            return self._conclude(context, started, state)
        return self._hand_over(self._deadline(context, started), started, state)

    def _hand_over(self, deadline: datetime, started: str, state: str | None) -> NoReturn:
        if deadline <= datetime.now(UTC):
            self._overdue(state)
        trigger = RunTrigger(self.run_dag_id, started, deadline.isoformat(), self.poll_seconds)
        self.log.info("Waiting in the triggerer until %s at the latest", deadline.isoformat(timespec="seconds"))
        self.defer(trigger=trigger, method_name="resume", timeout=deadline - datetime.now(UTC) + DEADLINE_MARGIN)

    def resume(self, context: Context, event: dict[str, Any]) -> Any:
        """Where the triggerer's event comes back to; the name is stored with waiting tasks, keep it."""
        return self._spoken(context, lambda: self._resumed(context, event))

    def _resumed(self, context: Context, event: dict[str, Any]) -> Any:
        state = event["state"]
        if event["overdue"]:
            self._overdue(state)
        if state is None:
            raise Fault(f"the run of {self.run_dag_id} is gone: somebody has deleted it")
        return self._conclude(context, self._run_id(context), state)

    def _started(self, context: Context) -> str:
        started = self._run_id(context)
        note = f"Started by {context['dag_run'].dag_id}, {context['run_id']}"
        if runs.start(self.run_dag_id, started, self._conf(context, started), note):
            self.log.info("Started %s of %s", started, self.run_dag_id)
        else:
            self.log.info("Following %s of %s, which an earlier try has started", started, self.run_dag_id)
        untold = f"{self.run_dag_id} was started for {self.application}, and the train has not seen its end: {started}"
        self._leave(context, Arrival(self.application, started, Outcome.STOPPED, untold))
        return started

    def _conf(self, context: Context, started: str) -> dict[str, Any]:
        """A delivery that the train does not wait for any more begins nowhere: neither a late yes nor an end of a pause
        brings it. The way back is wanted however late."""
        until = {"not_after": self._deadline(context, started).isoformat()} if self.purpose == DELIVER else {}
        return {**self.conf, **until}

    def _run_id(self, context: Context) -> str:
        return run_id(self.purpose, context["run_id"], clear_number(context))

    def _wait_here(self, started: str) -> str | None:
        state = runs.state(self.run_dag_id, started)
        for pause in pauses(self.handoff_seconds):
            if state in ENDED:
                break
            time.sleep(pause)
            state = runs.state(self.run_dag_id, started)
        return state

    def _deadline(self, context: Context, started: str) -> datetime:
        """Counted from the first try that has started the run, so that no retry moves it."""
        store = memory(context)
        known = store.get("waiting") or {}
        if known.get("run") != started:
            until = datetime.now(UTC) + timedelta(hours=self.deadline_hours)
            known = {"run": started, "deadline_at": until.isoformat()}
            store.set("waiting", known)
        return datetime.fromisoformat(known["deadline_at"])

    def _overdue(self, state: str | None) -> NoReturn:
        paused = f"; is {self.run_dag_id} paused?" if state == "queued" else ""
        late = "begins nothing in an environment any more" if self.purpose == DELIVER else "goes on alone"
        hours = f"{self.deadline_hours:g} hours"
        raise Refused(f"{self.run_dag_id} had not ended after {hours}: it is {state}, and {late}{paused}")

    def _conclude(self, context: Context, started: str, state: str) -> Any:
        told = context["ti"].xcom_pull(
            dag_id=self.run_dag_id, run_id=started, task_ids=f"{self.environment}.verdict", key="outcome"
        )
        report = OutcomeReport.from_json(told) if told else None
        came = arrival(self.application, self.run_dag_id, started, state, report)
        self._leave(context, came)
        self.log.info("%s: %s", str(came.outcome).upper(), came.sentence)
        if not came.live:
            raise Refused(came.sentence)
        return came.to_json()

    def _leave(self, context: Context, came: Arrival) -> None:
        context["ti"].xcom_push(key="arrival", value=came.to_json())
