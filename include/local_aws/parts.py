"""The parts of the local AWS that act; moto answers for every other service that is offered."""

from local_aws import cloudwatch, codebuild, codecommit, codedeploy, ecr, ecs, elbv2, eventbridge, lambdas
from local_aws.service import Service

# In the order in which they resume what was in flight: what others build on comes first.
SERVICES: tuple[Service, ...] = (
    eventbridge.SERVICE,
    cloudwatch.SERVICE,
    codecommit.SERVICE,
    ecr.SERVICE,
    elbv2.SERVICE,
    ecs.SERVICE,
    codebuild.SERVICE,
    lambdas.SERVICE,
    codedeploy.SERVICE,
)
