"""The CodeDeploy configuration for what a pipeline asks of its traffic."""

from __future__ import annotations

import pytest
from botocore.session import Session
from botocore.validate import ParamValidator

from airdock.plan.traffic import traffic_configuration
from airdock.spec import AllAtOnce, Canary, Configuration, Linear


@pytest.mark.parametrize(
    ("traffic", "name"),
    [
        (AllAtOnce(), "CodeDeployDefault.ECSAllAtOnce"),
        (Canary(type="canary", percent=10, wait_minutes=5), "CodeDeployDefault.ECSCanary10Percent5Minutes"),
        (Canary(type="canary", percent=10, wait_minutes=15), "CodeDeployDefault.ECSCanary10Percent15Minutes"),
        (
            Linear(type="linear", percent=10, every_minutes=1),
            "CodeDeployDefault.ECSLinear10PercentEvery1Minutes",
        ),
        (
            Linear(type="linear", percent=10, every_minutes=3),
            "CodeDeployDefault.ECSLinear10PercentEvery3Minutes",
        ),
        (Configuration(configuration="OurOwn"), "OurOwn"),
    ],
)
def test_traffic_takes_a_configuration_that_exists(
    traffic: AllAtOnce | Canary | Linear | Configuration, name: str
) -> None:
    found = traffic_configuration(traffic)
    assert (found.name, found.definition) == (name, None)


@pytest.mark.parametrize(
    ("traffic", "name", "kind"),
    [
        (
            Canary(type="canary", percent=25, wait_minutes=5),
            "Airdock.ECSCanary25Percent5Minutes",
            "TimeBasedCanary",
        ),
        (
            Linear(type="linear", percent=20, every_minutes=1),
            "Airdock.ECSLinear20PercentEvery1Minutes",
            "TimeBasedLinear",
        ),
    ],
)
def test_traffic_without_one_defines_its_own(traffic: Canary | Linear, name: str, kind: str) -> None:
    found = traffic_configuration(traffic)
    assert found.definition is not None
    assert found.name == found.definition["deploymentConfigName"] == name
    assert found.definition["trafficRoutingConfig"]["type"] == kind
    wanted = Session().get_service_model("codedeploy").operation_model("CreateDeploymentConfig").input_shape
    assert not ParamValidator().validate(dict(found.definition), wanted).has_errors()
