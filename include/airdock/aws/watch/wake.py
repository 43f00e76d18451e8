"""Which waits an event of EventBridge names. An event only wakes: what it tells of a state is never believed.

Shapes: "CodeBuild build notifications", "CodeDeploy events", "Amazon ECS events", "Amazon ECR events and EventBridge",
"Amazon Inspector event schema".
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from airdock.aws.watch.subject import Facts, Subject

ANNOUNCED = frozenset({"build", "scan", "task"})
"""The kinds of jobs of whose every end AWS sends an event; of a deployment's traffic, and of tasks that fail, none."""


def named_in(event: Mapping[str, Any]) -> set[str]:
    """The names in an event: ids and ARNs of jobs and of their services, `repository@digest` of images."""
    detail, resources = event.get("detail"), event.get("resources")
    detail = detail if isinstance(detail, Mapping) else {}
    told = {
        _text(detail, "build-id").partition(":build/")[2],
        _text(detail, "deploymentId"),
        _text(detail, "serviceDeploymentArn"),
        _text(detail, "taskArn"),
        _image(detail),
        *(each for each in (resources if isinstance(resources, list) else ()) if isinstance(each, str)),
    }
    return told - {""}


def is_named(named: Set[str], subject: Subject, facts: Facts | None) -> bool:
    """Whether a wait is among those named: by its id, or by what it hangs on as far as that is known."""
    if (_image_name(subject.id) if subject.kind == "scan" else subject.id) in named:
        return True
    return facts is not None and (facts.get("rollback_id") in named or facts.get("service") in named)


def _image(detail: Mapping[str, Any]) -> str:
    """Inspector tells a repository's ARN where ECR tells its name."""
    repository = _text(detail, "repository-name").rpartition(":repository/")[2]
    digest = _text(detail, "image-digest")
    return f"{repository}@{digest}" if repository and digest else ""


def _image_name(image_id: str) -> str:
    """An image's id without the registry that may stand before it."""
    place, _, digest = image_id.partition("@")
    return f"{place.rpartition(':')[2]}@{digest}"


def _text(detail: Mapping[str, Any], key: str) -> str:
    value = detail.get(key)
    return value if isinstance(value, str) else ""
