"""From a push to the run of a dag, by Airflow's own function: it validates the params and keeps run ids unique."""

from __future__ import annotations

from airdock.errors import Fault, Refused
from airdock.plan.push import Push
from airdock.plan.push_routing import dag_id
from airdock.plan.push_run import conf_of, note_of


def start(application: str, push: Push) -> str:
    """Start the delivery of what was pushed, or find that it was started; the run's id.

    Raises:
        Refused: Airflow does not take these params.
        Fault: Airflow does not have the dag yet, or can't run it.
    """
    from airflow.api.common.trigger_dag import trigger_dag
    from airflow.exceptions import DagNotFound, DagRunAlreadyExists, ParamValidationError
    from airflow.utils.types import DagRunTriggeredByType
    from sqlalchemy.exc import IntegrityError

    dag = dag_id(application)
    _refuse_stale(dag)
    try:
        trigger_dag(
            dag,
            triggered_by=DagRunTriggeredByType.REST_API,
            triggering_user_name=push.pusher or push.provider,
            run_id=push.run_id,
            conf=conf_of(push),
            note=note_of(push),
        )
    except (DagRunAlreadyExists, IntegrityError):
        # Another process has started it, or this one before it died: one run is what is wanted.
        pass
    except DagNotFound:
        raise Fault(f"Airflow has no dag {dag} yet") from None
    except (ParamValidationError, ValueError) as error:
        raise Refused(f"Airflow does not start {dag}: {error}") from None
    return push.run_id


def _refuse_stale(dag: str) -> None:
    """Airflow would create a run of a dag whose file is gone or broken, and never run it."""
    from airflow.models import DagModel

    model = DagModel.get_current(dag)
    if model is None or model.is_stale:
        raise Fault(f"Airflow has no dag {dag} now")
