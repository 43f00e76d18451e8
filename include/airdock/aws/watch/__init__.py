"""Waiting for AWS: what to ask, when it is over, and what to say on the way.

A Watch knows one kind of job. It reads many of them in one call, so that waits can share their polls, and it never
decides what an end means: that is the plan's work.
"""

from __future__ import annotations

from airdock.aws.watch.subject import Facts, Lookup, Subject, Watch

__all__ = ["Facts", "Lookup", "Subject", "Watch", "watch_for"]


def watch_for(kind: str) -> Watch:
    """The Watch of a kind: `build`, `scan`, `deployment`, `lease`, `service_deployment`, `task` or `answers`.

    Raises:
        KeyError: an unknown kind.
    """
    from airdock.aws.watch.answers import AnswerWatch
    from airdock.aws.watch.build import BuildWatch
    from airdock.aws.watch.deployment import DeploymentWatch
    from airdock.aws.watch.lease import LeaseWatch
    from airdock.aws.watch.scan import ScanWatch
    from airdock.aws.watch.service_deployment import ServiceDeploymentWatch
    from airdock.aws.watch.task import TaskWatch

    watches: dict[str, type[Watch]] = {
        "answers": AnswerWatch,
        "build": BuildWatch,
        "deployment": DeploymentWatch,
        "lease": LeaseWatch,
        "scan": ScanWatch,
        "service_deployment": ServiceDeploymentWatch,
        "task": TaskWatch,
    }
    return watches[kind]()
