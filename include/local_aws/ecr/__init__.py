"""ECR: repositories, a registry that docker pushes to and tasks pull from, and the scan of what was pushed."""

from local_aws.ecr.registry import PREFIX, serve_registry
from local_aws.ecr.response import EcrResponse
from local_aws.ecr.scan import start
from local_aws.ecr.seeds import SEEDS_PREFIX, serve_seeds
from local_aws.service import Service

SERVICE = Service(
    name="ecr", response=EcrResponse, routes={PREFIX: serve_registry, SEEDS_PREFIX: serve_seeds}, start=start
)
