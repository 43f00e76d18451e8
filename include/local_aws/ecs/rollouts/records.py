"""What ECS keeps of service revisions and service deployments.

A service deployment's document is `{"service", "plan", "progress", "configuration", ...}`. It is written when it is
created and from then on by its engine thread alone; what callers ask goes to its inbox, which only they write.
"""

from __future__ import annotations

import secrets
import threading
from typing import Any

from local_aws.ecs.records import SERVICE, Document, arn, last, now
from local_aws.ecs.rollouts.progress import ENDED
from local_aws.store import Store
from local_aws.world import World

DEPLOYMENT = "ecs_service_deployment"
REVISION = "ecs_service_revision"
_INBOX = "ecs_service_deployment_inbox"
_REVISED = (
    "serviceArn", "clusterArn", "launchType", "capacityProviderStrategy", "platformVersion", "platformFamily",
    "loadBalancers", "serviceRegistries", "networkConfiguration",
)  # fmt: skip

creating = threading.Lock()
"""Held from looking at a service's deployments to having begun the next one."""


def revision_arn(service: Document, deployment_id: str) -> str:
    """The ARN of the service revision that a deployment brings: both have the same number."""
    cluster = service["clusterArn"]
    return arn(cluster, "service-revision", last(cluster), service["serviceName"], last(deployment_id))


def new_arn(service: Document) -> str:
    """The ARN of a service deployment to be."""
    cluster = service["clusterArn"]
    key = secrets.token_urlsafe(16)[:21]
    return arn(cluster, "service-deployment", last(cluster), service["serviceName"], key)


def put_revision(world: World, service: Document, deployment: Document, containers: list[Document]) -> None:
    """Keep what a service is to be from now on; `deployment` is it with the target groups that it really uses."""
    key = revision_arn(service, deployment["id"])
    whole = {**service, **deployment}
    own = {name: whole[name] for name in _REVISED if name in whole}
    images = [{"containerName": container["name"], "image": container["image"]} for container in containers]
    rules = [_resolved(balancer) for balancer in deployment.get("loadBalancers") or []]
    document = {
        **own,
        "serviceRevisionArn": key,
        "taskDefinition": deployment["taskDefinition"],
        "containerImages": images,
        "createdAt": now(world),
        "guardDutyEnabled": False,
        **({"resolvedConfiguration": {"loadBalancers": rules}} if rules else {}),
    }
    world.store.put(REVISION, key, document)


def note_digests(world: World, revision: str, digests: dict[str, str]) -> None:
    """Keep what the first task pulled: from then on the revision runs these digests."""

    def change(document: Document) -> None:
        for image in document["containerImages"]:
            if digests.get(image["containerName"]):
                image.setdefault("imageDigest", digests[image["containerName"]])

    known = world.store.get(REVISION, revision)
    if known and not all("imageDigest" in image for image in known["containerImages"]):
        world.store.update(REVISION, revision, change)


def of_service(store: Store, service_arn: str) -> list[Document]:
    """A service's deployments, the newest first."""
    return [document for document in reversed(store.all(DEPLOYMENT)) if document["service"] == service_arn]


def is_over(document: Document) -> bool:
    """Whether a service deployment has its final status."""
    return document["progress"]["status"] in ENDED


def inbox(store: Store, deployment_arn: str) -> Document:
    """What callers asked of a deployment; {} when nothing."""
    return store.get(_INBOX, deployment_arn) or {}


def tell(store: Store, deployment_arn: str, **said: Any) -> None:
    """Add to what callers asked of a deployment; the first word about a hook stays."""

    def change(document: Document) -> None:
        actions = {**said.pop("actions", {}), **document.get("actions", {})}
        document |= {**said, "actions": actions}

    store.update(_INBOX, deployment_arn, change)


def supersede(world: World, service_arn: str, newest: str) -> None:
    """Tell every unfinished deployment of a service that a newer one has begun."""
    for document in of_service(world.store, service_arn):
        if document["plan"]["arn"] != newest and not is_over(document):
            tell(world.store, document["plan"]["arn"], superseded=True)


def amend_service(world: World, service_arn: str, change: Any) -> None:
    """Change a service in one transaction, and wake the scheduler."""
    if world.store.get(SERVICE, service_arn):
        world.store.update(SERVICE, service_arn, change)
    world.threads.wakeups.notify()


def _resolved(balancer: Document) -> Document:
    rule = (balancer.get("advancedConfiguration") or {}).get("productionListenerRule")
    told = {"targetGroupArn": balancer.get("targetGroupArn"), "productionListenerRule": rule}
    return {name: value for name, value in told.items() if value}
