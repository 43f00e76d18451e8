"""The API: what moto keeps is inherited; targets and their health are real, and a listener opens its port."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.elbv2.exceptions import ELBClientError, TargetGroupNotFoundError
from moto.elbv2.responses import ELBV2Response

from local_aws.elbv2.ports import is_free
from local_aws.elbv2.targets import Target, targets
from local_aws.world import world

ADDRESS = "127.0.0.1"


class ElbResponse(ELBV2Response):
    """Elastic Load Balancing with real targets."""

    def create_load_balancer(self) -> ActionResult:
        """The balancer's name is an address of this host, as there is no DNS."""
        result = super().create_load_balancer()
        for balancer in self.elbv2_backend.load_balancers.values():
            balancer.dns_name = ADDRESS
        return result

    def create_listener(self) -> ActionResult:
        """Refuse a port of this host that somebody else has."""
        port = int(self._get_param("Port"))
        ours = {int(each.port) for lb in self.elbv2_backend.load_balancers.values() for each in lb.listeners.values()}
        if port not in ours and not is_free(ADDRESS, port):
            raise ELBClientError(
                "InvalidConfigurationRequest",
                f"port {port} of this machine is taken by another program: free it, or choose another listener port",
            )
        result = super().create_listener()
        world().threads.wakeups.notify()
        return result

    def register_targets(self) -> ActionResult:
        group = self._group()
        for target in self._get_param("Targets", []):
            targets().register(group.arn, target["Id"], int(target.get("Port") or group.port))
        return EmptyResult()

    def deregister_targets(self) -> ActionResult:
        group = self._group()
        for target in self._get_param("Targets", []):
            targets().drain(group.arn, target["Id"], int(target.get("Port") or group.port))
        return EmptyResult()

    def describe_target_health(self) -> ActionResult:
        group = self._group()
        known = {(target.id, target.port): target for target in targets().of_group(group.arn)}
        asked = self._get_param("Targets", [])
        wanted = [(each["Id"], int(each.get("Port") or group.port)) for each in asked] or list(known)
        told = [_told(*each, known.get(each)) for each in wanted]
        return ActionResult({"TargetHealthDescriptions": told})

    def _group(self) -> Any:
        group = self.elbv2_backend.target_groups.get(self._get_param("TargetGroupArn"))
        if group is None:
            raise TargetGroupNotFoundError()
        return group


def _told(target_id: str, port: int, target: Target | None) -> dict[str, Any]:
    health: dict[str, str] = {
        "State": "unused",
        "Reason": "Target.NotRegistered",
        "Description": "Target is not registered to the target group",
    }
    if target is not None:
        found = target.health
        health = {"State": found.state, "Reason": found.reason, "Description": found.description}
    told = {name: value for name, value in health.items() if value}
    return {"Target": {"Id": target_id, "Port": port}, "HealthCheckPort": str(port), "TargetHealth": told}
