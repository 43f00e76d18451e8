"""Runs of other dags, as a task starts and asks for them through Airflow's task API.

A run id is given by whoever starts it and taken once: to start again what was started is no second run.
"""

from __future__ import annotations

from typing import Any

from airdock.errors import Fault, Refused

NOT_THERE, NOT_POSSIBLE = 404, {400, 422}
BROKEN = "import_errors"
"""The reason that Airflow gives beside 400 for a dag whose file is broken now."""


def start(dag_id: str, run_id: str, conf: dict[str, Any], note: str = "") -> bool:
    """Start a run; False when one with this id is there already.

    Raises:
        Refused: Airflow does not take this configuration.
        Fault: Airflow has no such dag yet, or its file is broken, or Airflow can't be asked.
    """
    from airflow.sdk.execution_time.comms import ErrorResponse, TriggerDagRun

    told = _asked(TriggerDagRun(dag_id=dag_id, run_id=run_id, conf=conf, note=note or None), f"starting {dag_id}")
    # Airflow answers with an error only where the run exists; every other one is raised.
    return not isinstance(told, ErrorResponse)


def state(dag_id: str, run_id: str) -> str | None:
    """The state of a run, in Airflow's word; None when there is no such run. Raises Fault."""
    from airflow.sdk.execution_time.comms import GetDagRunState

    told: Any = _asked(GetDagRunState(dag_id=dag_id, run_id=run_id), f"asking for {run_id} of {dag_id}")
    # Airflow types it as a text, and sends a member of an enum.
    return None if told is None else str(getattr(told.state, "value", told.state))


def count(dag_id: str, *states: str) -> int:
    """How many runs of a dag are in one of these states. Raises Fault."""
    from airflow.sdk.execution_time.comms import GetDRCount

    told: Any = _asked(GetDRCount(dag_id=dag_id, states=list(states)), f"asking for the runs of {dag_id}")
    return int(told.count)


def _asked(message: Any, doing: str) -> Any:
    """Airflow's answer; None when it knows no such thing and was only asked for its state."""
    from airflow.sdk.exceptions import AirflowRuntimeError
    from airflow.sdk.execution_time import task_runner

    try:
        return task_runner.SUPERVISOR_COMMS.send(message)
    except AirflowRuntimeError as error:
        status = (error.error.detail or {}).get("status_code")
        if status == NOT_THERE and message.type == "GetDagRunState":
            return None
        told = f"{doing}: Airflow answers {status or error.error.error.value}: {_reason(error)}"
        refused = status in NOT_POSSIBLE and BROKEN not in told
        raise (Refused(told) if refused else Fault(told)) from error


def _reason(error: Any) -> str:
    detail = error.error.detail or {}
    return str(detail.get("detail") or detail.get("message") or detail)[:500]
