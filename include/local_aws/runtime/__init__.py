"""Where containers run: as processes of this host, or in a Docker engine."""

from local_aws.runtime.container import Runtime
from local_aws.runtime.engine import EngineRuntime
from local_aws.runtime.process import ProcessRuntime
from local_aws.world import World


def runtime_of(world: World) -> Runtime:
    """The runtime that a world was started with."""
    return EngineRuntime(world) if world.settings.runtime == "docker" else ProcessRuntime(world)
