"""CodeDeploy for ECS: deployments that really move traffic, roll back, and survive the death of the process."""

from local_aws.service import Service

SERVICE = Service()
