"""From a push to the run of a dag, by Airflow's own function: it validates the params and keeps run ids unique."""

from __future__ import annotations

from airdock.errors import Fault, Refused
from airdock.plan.push import Kind, Push
from airdock.plan.push_routing import dag_id


def conf_of(push: Push) -> dict[str, str]:
    """The params of the run; what is left out has the pipeline's own default.

    `ref` is the branch that moved: whether the commit is still its newest can be told by it, once the run's turn comes.
    """
    ref = push.ref if push.kind is Kind.BRANCH else ""
    told = {"revision": push.after, "ref": ref, "environment": push.environment}
    return {name: value for name, value in told.items() if value}


def note_of(push: Push) -> str:
    """What the run's note says, in Airflow's UI."""
    who = f" by {push.pusher}" if push.pusher else ""
    what = f": {push.subject}" if push.subject else ""
    how = "asked for" if push.kind is Kind.REQUEST else f"{push.short_ref} of {push.repository.name} pushed"
    return f"{how}{who} ({push.provider}){what}"[:900]


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
