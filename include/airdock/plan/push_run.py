"""From a push to the run that it starts: the params, and what Airflow's UI says of where it came from."""

from __future__ import annotations

from airdock.plan.push import IMAGES, Kind, Push


def conf_of(push: Push) -> dict[str, str]:
    """The params of the run; what is left out has the pipeline's own default.

    `ref` is the branch that moved, or `images`: whether the commit is still the newest can be told by it, once the
    run's turn comes.
    """
    ref = {Kind.BRANCH: push.ref, Kind.IMAGE: IMAGES}.get(push.kind, "")
    told = {"revision": push.after, "ref": ref, "environment": push.environment}
    return {name: value for name, value in told.items() if value}


def note_of(push: Push) -> str:
    """What the run's note says, in Airflow's UI."""
    who = f" by {push.pusher}" if push.pusher else ""
    what = f": {push.subject}" if push.subject else ""
    how = "asked for" if push.kind is Kind.REQUEST else f"{push.short_ref} of {push.repository.name} pushed"
    return f"{how}{who} ({push.provider}){what}"[:900]
