"""CodeDeploy for ECS: deployments that really move traffic, roll back, and survive the death of the process."""

from local_aws.codedeploy.api_deployments import Deployments
from local_aws.codedeploy.api_groups import Configs, Groups
from local_aws.codedeploy.engine import start
from local_aws.service import Service


class CodeDeployResponse(Deployments, Configs, Groups):
    """All of CodeDeploy's actions."""

    def __init__(self) -> None:
        super().__init__(service_name="codedeploy")
        self.automated_parameter_parsing = True


SERVICE = Service(name="codedeploy", response=CodeDeployResponse, start=start)
