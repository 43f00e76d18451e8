"""What should be, against what is: pushes that nobody delivered, and what runs have left behind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from airdock.plan.lease import Lease
from airdock.plan.push import Kind, Push, Repository
from airdock.release import Record

PROVIDER = "reconcile"
LOOK_AFTER = "look_after_environments"
"""The task that looks at what services run; the board reads its XCom `drift`."""
OVER = frozenset({"success", "failed"})


@dataclass(frozen=True, slots=True)
class Found(Record):
    """Something that is not as it should be; `mended` when it has been put right, `kind`: push, deployment, lease,
    drift, or trouble for what could not be looked at."""

    kind: str
    application: str
    environment: str
    sentence: str
    mended: bool = False

    def __str__(self) -> str:
        where = f"{self.application} {self.environment}".rstrip()
        return f"{where}: {self.sentence}"


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether to act, and why."""

    act: bool
    sentence: str


def missed(branch: str, head: str, begun: str | None, waiting: int, first: bool = False) -> Decision:
    """Whether a branch's head was pushed and never begun with.

    `begun`: the commit that a delivery has last begun with, None where none has. `waiting`: runs that have not begun.
    `first`: nobody has looked before: what is there was perhaps never meant to be delivered. Later it was pushed since.
    """
    if begun is None and first:
        told = f"{branch} is at {head[:12]} since before the first look, and was never delivered"
        return Decision(False, f"{told}: its first delivery is somebody's own")
    if head in ("", begun):
        return Decision(False, f"{branch} is {'gone' if not head else f'at {head[:12]}, as delivered'}")
    if waiting:
        return Decision(False, f"{branch} is at {head[:12]}, and a run waits that may be of it")
    return Decision(True, f"{branch} is at {head[:12]}, and no delivery has begun with it")


def lost_push(name: str, ref: str, before: str, began: str, head: str) -> Push:
    """The push that must have been, as its message would have told it.

    `before`, `began`: the commit that a delivery has last begun with, and its run. Until another one begins, the run id
    stays the same; the same head is a push of its own when it comes back after something else.
    """
    follows = sha256(f"{before} {began}".encode()).hexdigest()[:8]
    return Push(PROVIDER, f"{head}.{follows}", Repository("", name), Kind.BRANCH, ref, before=before, after=head)


def left_behind(lease: Lease | None, state: str | None, now: datetime) -> Decision:
    """Whether nobody will give a lease back. `state`: the holder's run in Airflow's word, None for an unknown one."""
    if lease is None or lease.released:
        return Decision(False, "nobody deploys here")
    if state in OVER:
        return Decision(True, f"{lease} is over ({state}) and has not given the lease back")
    if state is None:
        told = f"{lease}, which this Airflow does not know,"
        if datetime.fromisoformat(lease.expires) > now:
            return Decision(False, f"{told} holds the lease until {lease.expires}")
        return Decision(True, f"{told} has not given the lease back, which ended at {lease.expires}")
    return Decision(False, f"{lease} deploys here since {lease.since}")


def drift(recorded: str, commit: str, runs: str, task_definition: str, revision: str = "") -> str:
    """What differs between the newest live release's digest and the one that the service runs; "" for nothing.

    `revision`: the release's task definition, which the service must run too; "" where another's may bring its image.
    """
    arn, verified = task_definition.rpartition("/")[2], "but the release that was last verified here is"
    if recorded and runs and recorded != runs:
        return f"runs {runs} ({arn}), {verified} {recorded} ({commit[:12]})"
    if revision and revision != task_definition:
        return f"runs {arn}, {verified} {revision.rpartition('/')[2]} ({commit[:12]})"
    return ""
