"""ECS: services, task sets and tasks that really run."""

from local_aws.ecs.keeper import keep
from local_aws.ecs.reconciler import reconcile_often
from local_aws.ecs.records import TASK
from local_aws.ecs.response import EcsResponse
from local_aws.ecs.rollouts import engine
from local_aws.service import Service
from local_aws.world import World


def start(world: World) -> None:
    """Take up every task that is not stopped, every service, and every service deployment."""
    for task in world.store.all(TASK):
        if task["lastStatus"] != "STOPPED":
            keep(world, task["taskArn"])
    world.threads.spawn("ecs scheduler", reconcile_often, world)
    engine.start(world)


SERVICE = Service(name="ecs", response=EcsResponse, start=start)
