"""The second deployment, by which CodeDeploy undoes one that failed."""

from __future__ import annotations

from typing import Any

from local_aws.codedeploy.progress import Plan, Progress, as_document, plan_from
from local_aws.codedeploy.traffic import ALL_AT_ONCE

Document = dict[str, Any]
_NOT_INHERITED = ("description", "overrideAlarmConfiguration", "previousRevision")


def rollback_document(failed: Document, progress: Progress, previous: Document | None, now: float) -> Document:
    """The document of the deployment that undoes `failed`, whose state is `progress`.

    It takes over both task sets and the weights. Test traffic and the primary task set it supposes to be on the
    replacement's side: the process may have died between moving them and writing so down. `previous` is the
    group's last deployment that succeeded, whose revision is what is live again.
    """
    failed_plan = plan_from(failed["plan"])
    rollback_id = progress.rollback_id or ""
    plan = Plan(
        rollback_id,
        schedule=(),
        has_test_route=failed_plan.has_test_route,
        rolls_back=failed_plan.deployment_id,
    )
    state = Progress(
        entered=now,
        blue=progress.blue,
        green=progress.green,
        green_weight=progress.green_weight,
        test_on_green=plan.has_test_route,
        promoted=True,
    )
    inherited = {key: value for key, value in failed["info"].items() if key not in _NOT_INHERITED}
    info = {
        **inherited,
        "deploymentId": rollback_id,
        "deploymentConfigName": ALL_AT_ONCE,
        "revision": (previous or failed)["info"]["revision"],
        "creator": "codeDeployRollback",
        "createTime": now,
    }
    return {**failed, "info": info, "plan": as_document(plan), "progress": as_document(state)}
