"""The two sides of a traffic shift by ECS: which version is in which target group, behind which balancer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from airdock.aws.analysis import Subject, Version
from airdock.aws.faults import spoken
from airdock.aws.production import Service, target_groups


def sides(service: Service, facts: Mapping[str, Any], since: datetime) -> Subject:
    """The subject of an analysis, from the facts of a service deployment (`revisions: {new, old}`).

    Raises:
        Refused: ECS does not tell of the revisions.
        Fault: AWS is out of reach.
    """
    arns = {side: arn for side, arn in facts["revisions"].items() if arn}
    with spoken(f"asking ECS for the versions of {service}"):
        ecs = service.account.client("ecs")
        told = ecs.describe_service_revisions(serviceRevisionArns=list(arns.values()))["serviceRevisions"]
    known = {each["serviceRevisionArn"]: _version(each) for each in told}
    new, old = known.get(arns.get("new", "")), known.get(arns.get("old", ""))
    group = new.target_group if new else ""
    return Subject(
        account=service.account,
        cluster=service.cluster,
        service=service.name,
        new=new or Version(facts["task_definition"]),
        old=old,
        load_balancer=_balancer(service, group) if group else "",
        since=since,
    )


def _version(revision: Mapping[str, Any]) -> Version:
    return Version(revision["taskDefinition"], next(iter(target_groups(revision)), ""))


def _balancer(service: Service, target_group: str) -> str:
    with spoken(f"asking for the balancer of {service}"):
        elb = service.account.client("elbv2")
        [group] = elb.describe_target_groups(TargetGroupArns=[target_group])["TargetGroups"]
    return next(iter(group.get("LoadBalancerArns", [])), "")
