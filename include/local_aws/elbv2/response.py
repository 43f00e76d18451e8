"""Elastic Load Balancing's API: moto keeps the records, the balancer acts on them."""

from __future__ import annotations

from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, EmptyResult
from moto.elbv2.exceptions import ListenerNotFoundError, TargetGroupNotFoundError
from moto.elbv2.models import FakeListener, FakeTargetGroup
from moto.elbv2.responses import ELBV2Response as MotoResponse

from local_aws.elbv2.balancer import Balancer, PortTakenError, balancer_of
from local_aws.elbv2.health import NOT_REGISTERED, UNUSED, Health
from local_aws.elbv2.routes import UnsupportedActionError, action_of
from local_aws.elbv2.targets import Key, Target
from local_aws.world import world

Document = dict[str, Any]


class InvalidConfigurationRequestError(ServiceException):
    """A configuration that the balancer cannot serve."""

    code = "InvalidConfigurationRequest"


class InvalidTargetError(ServiceException):
    """A target of the wrong kind for its group."""

    code = "InvalidTarget"


class ELBV2Response(MotoResponse):
    """The actions that have to act; the rest is inherited."""

    def create_load_balancer(self) -> ActionResult:
        """Create an application load balancer, whose address is this host."""
        if (self._get_param("Type") or "application") != "application":
            raise InvalidConfigurationRequestError("the local balancer is an application load balancer only")
        result = super().create_load_balancer()
        (created,) = result.result["LoadBalancers"]  # type: ignore[index]
        created.dns_name = world().settings.host
        created.activate()
        return result

    def delete_load_balancer(self) -> ActionResult:
        """Delete a load balancer with its listeners."""
        balancer = self.elbv2_backend.load_balancers.get(self._get_param("LoadBalancerArn"))
        for arn in list(balancer.listeners if balancer else ()):
            self._balancer.close(arn)
        return super().delete_load_balancer()

    def create_listener(self) -> ActionResult:
        """Create a listener that really listens, or refuse: an ALB's port is never taken, this host's may be."""
        _check_protocol(self._get_param("Protocol"))
        self._check_actions("DefaultActions")
        result = super().create_listener()
        (listener,) = result.result["Listeners"]  # type: ignore[index]
        self._balancer.refresh()
        try:
            self._balancer.open(listener.arn, int(listener.port))
        except PortTakenError as taken:
            self.elbv2_backend.delete_listener(listener.arn)
            raise InvalidConfigurationRequestError(f"{taken}; free the port, or choose another one") from taken
        return result

    def modify_listener(self) -> ActionResult:
        """Change a listener; new weights hold for the next request."""
        _check_protocol(self._get_param("Protocol") or "HTTP")
        self._check_actions("DefaultActions")
        listener = self._listener(self._get_param("ListenerArn"))
        port = int(self._get_param("Port") or listener.port)
        if port != int(listener.port):
            self._move(listener, port)
        return self._refreshed(super().modify_listener())

    def delete_listener(self) -> ActionResult:
        """Stop listening and delete."""
        result = super().delete_listener()
        self._balancer.close(self._get_param("ListenerArn"))
        return result

    def create_rule(self) -> ActionResult:
        """Add a rule to a listener."""
        self._check_actions("Actions")
        return self._refreshed(super().create_rule())

    def modify_rule(self) -> ActionResult:
        """Change a rule; new weights hold for the next request."""
        self._check_actions("Actions")
        return self._refreshed(super().modify_rule())

    def delete_rule(self) -> ActionResult:
        """Delete a rule."""
        return self._refreshed(super().delete_rule())

    def set_rule_priorities(self) -> ActionResult:
        """Give rules another order."""
        return self._refreshed(super().set_rule_priorities())

    def modify_load_balancer_attributes(self) -> ActionResult:
        """Change attributes, of which the balancer honours `idle_timeout.timeout_seconds`."""
        return self._refreshed(super().modify_load_balancer_attributes())

    def delete_target_group(self) -> ActionResult:
        """Delete a target group that no listener uses."""
        result = super().delete_target_group()
        self._balancer.forget_group(self._get_param("TargetGroupArn"))
        return result

    def register_targets(self) -> ActionResult:
        """Register addresses; they get requests once a health check has passed."""
        group = self._group()
        given = self._get_param("Targets", [])
        if group.target_type != "ip":
            raise InvalidTargetError("the local balancer takes targets by address: create the group with TargetType ip")
        self._balancer.register(Target(*self._key(group, target)) for target in given)
        return EmptyResult()

    def deregister_targets(self) -> ActionResult:
        """Begin to drain targets."""
        group = self._group()
        keys = [key for target in self._get_param("Targets", []) for key in self._named(group, target)]
        self._balancer.deregister(keys)
        return EmptyResult()

    def describe_target_health(self) -> ActionResult:
        """How the targets are, as the last checks found them."""
        group = self._group()
        registered = {target.key: target.health for target in self._balancer.targets.of(group.arn)}
        asked = [self._key(group, target) for target in self._get_param("Targets", [])]
        unknown = Health(UNUSED, NOT_REGISTERED)
        return ActionResult(
            {
                "TargetHealthDescriptions": [
                    _described(key, registered.get(key, unknown), group) for key in asked or registered
                ]
            }
        )

    @property
    def _balancer(self) -> Balancer:
        return balancer_of(world())

    def _refreshed(self, result: ActionResult) -> ActionResult:
        self._balancer.refresh()
        return result

    def _group(self) -> FakeTargetGroup:
        group = self.elbv2_backend.target_groups.get(self._get_param("TargetGroupArn"))
        if group is None:
            raise TargetGroupNotFoundError
        return group

    def _listener(self, arn: str) -> FakeListener:
        for balancer in self.elbv2_backend.load_balancers.values():
            if arn in balancer.listeners:
                return balancer.listeners[arn]
        raise ListenerNotFoundError

    def _move(self, listener: FakeListener, port: int) -> None:
        self._balancer.close(listener.arn)
        try:
            self._balancer.open(listener.arn, port)
        except PortTakenError as taken:
            self._balancer.open(listener.arn, int(listener.port))
            raise InvalidConfigurationRequestError(str(taken)) from taken
        finally:
            self._balancer.refresh()

    def _key(self, group: FakeTargetGroup, target: Document) -> Key:
        return group.arn, target["Id"], int(target.get("Port") or group.port)

    def _named(self, group: FakeTargetGroup, target: Document) -> list[Key]:
        """The targets that a deregistration means: without a port all of the address."""
        if target.get("Port"):
            return [self._key(group, target)]
        return [known.key for known in self._balancer.targets.of(group.arn) if known.ip == target["Id"]]

    def _check_actions(self, parameter: str) -> None:
        actions = self._get_param(parameter, [])
        try:
            if actions:
                action_of(actions)
        except UnsupportedActionError as unsupported:
            raise InvalidConfigurationRequestError(str(unsupported)) from unsupported


def _check_protocol(protocol: str) -> None:
    if protocol != "HTTP":
        raise InvalidConfigurationRequestError(f"the local balancer serves HTTP only, no {protocol}")


def _described(key: Key, health: Health, group: FakeTargetGroup) -> Document:
    port = group.health_check_port
    shown: Document = {"State": health.state}
    if health.reason:
        shown |= {"Reason": health.reason.code, "Description": health.reason.text}
    return {
        "Target": {"Id": key[1], "Port": key[2]},
        "HealthCheckPort": str(key[2]) if port in (None, "traffic-port") else str(port),
        "TargetHealth": shown,
    }
