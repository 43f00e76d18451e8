"""What CodeDeploy keeps: applications, groups, configurations, revisions and deployments, by region.

A deployment's document is `{"info", "plan", "target", "progress"}`. It is written when it is created and from then
on by its engine thread alone; what callers ask of a running deployment goes to its inbox, which only they write.
"""

from __future__ import annotations

import secrets
import string
import threading
from collections.abc import Callable
from typing import Any

from local_aws.codedeploy.progress import ENDED
from local_aws.store import Store

Document = dict[str, Any]
_DEPLOYMENT = "codedeploy.deployment"
_INBOX = "codedeploy.inbox"
_ALPHABET = string.ascii_uppercase + string.digits

creating = threading.Lock()
"""Held from looking for an active deployment of a group to having created the next one."""


def new_id() -> str:
    """A deployment id as CodeDeploy makes them."""
    return "d-" + "".join(secrets.choice(_ALPHABET) for _ in range(9))


class Records:
    """The documents of one region; `kind` is application, group, config or revision."""

    def __init__(self, store: Store, region: str) -> None:
        self._store = store
        self._region = region

    def get(self, kind: str, *names: str) -> Document | None:
        """A document by its names, None when there is none."""
        return self._store.get(f"codedeploy.{kind}", self._key(names))

    def put(self, kind: str, document: Document, *names: str) -> None:
        """Write a document."""
        self._store.put(f"codedeploy.{kind}", self._key(names), {**document, "region": self._region})

    def delete(self, kind: str, *names: str) -> None:
        """Remove a document."""
        self._store.delete(f"codedeploy.{kind}", self._key(names))

    def all(self, kind: str) -> list[Document]:
        """Every document of a kind in this region."""
        return [document for document in self._store.all(f"codedeploy.{kind}") if document["region"] == self._region]

    def deployments(self) -> list[Document]:
        """Every deployment of this region, newest first."""
        return list(reversed(self.all("deployment")))

    def deployments_of(self, application: str, group: str) -> list[Document]:
        """The deployments of one group, newest first."""
        return [
            document
            for document in self.deployments()
            if (document["info"]["applicationName"], document["info"]["deploymentGroupName"]) == (application, group)
        ]

    def _key(self, names: tuple[str, ...]) -> str:
        return "/".join((self._region, *names))


def status(document: Document) -> str:
    """The status of a deployment."""
    return str(document["progress"]["status"])


def active(documents: list[Document]) -> str | None:
    """The id of the deployment in progress, the user's own rather than its rollback."""
    running = [document["info"]["deploymentId"] for document in documents if status(document) not in ENDED]
    return running[-1] if running else None


def last_with(documents: list[Document], *statuses: str) -> Document | None:
    """The newest deployment with one of these statuses."""
    return next((document for document in documents if status(document) in statuses), None)


def deployment(store: Store, deployment_id: str) -> Document | None:
    """A deployment by id, whatever its region."""
    return store.get(_DEPLOYMENT, deployment_id)


def put_deployment(store: Store, deployment_id: str, document: Document) -> None:
    """Write a deployment."""
    store.put(_DEPLOYMENT, deployment_id, document)


def unfinished(store: Store) -> list[str]:
    """The ids of all deployments that are not over."""
    return [document["info"]["deploymentId"] for document in store.all(_DEPLOYMENT) if status(document) not in ENDED]


def inbox(store: Store, deployment_id: str) -> Document:
    """What callers asked of a deployment; {} when nothing."""
    return store.get(_INBOX, deployment_id) or {}


def tell(store: Store, deployment_id: str, change: Callable[[Document], None]) -> None:
    """Change a deployment's inbox in one transaction."""

    def edit(document: Document) -> None:
        change(document)

    store.update(_INBOX, deployment_id, edit)
