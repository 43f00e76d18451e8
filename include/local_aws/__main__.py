"""`python -m local_aws`: run the local AWS in the foreground."""

import argparse
import logging
import os
import sys
import warnings
from pathlib import Path

from local_aws.engine import NoEngineError, chosen_runtime
from local_aws.moto_state import UnreadableStateError
from local_aws.server import PortTakenError, serve
from local_aws.world import Settings, World


def settings_from(arguments: list[str]) -> Settings:
    """The settings from the command line, with `LOCAL_AWS_*` variables as defaults.

    Raises NoEngineError.
    """
    environ = os.environ
    parser = argparse.ArgumentParser(prog="local_aws", description=__doc__)
    parser.add_argument("--port", type=int, default=int(environ.get("LOCAL_AWS_PORT", "4566")))
    parser.add_argument("--bind", default=environ.get("LOCAL_AWS_BIND", "127.0.0.1"))
    parser.add_argument("--public-host", default=environ.get("LOCAL_AWS_PUBLIC_HOST", ""))
    parser.add_argument("--state", type=Path, default=Path(environ.get("LOCAL_AWS_STATE", ".local-aws")))
    parser.add_argument("--minute-seconds", type=float, default=float(environ.get("LOCAL_AWS_MINUTE_SECONDS", "3")))
    parser.add_argument(
        "--runtime",
        choices=("auto", "process", "docker"),
        default=environ.get("LOCAL_AWS_RUNTIME", "auto"),
    )
    chosen = parser.parse_args(arguments)
    return Settings(
        port=chosen.port,
        bind=chosen.bind,
        public_host=chosen.public_host,
        state_dir=chosen.state.resolve(),
        minute_seconds=chosen.minute_seconds,
        runtime=chosen_runtime(chosen.runtime),
    )


def refused(reason: str) -> int:
    """Say in one line why it cannot start."""
    print(f"local_aws: {reason}", file=sys.stderr)
    return 2


def main() -> int:
    """Serve until told to stop; 2 when it cannot start as asked."""
    # A profile of the user's would be looked up by every client, and need not exist.
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        os.environ.pop(name, None)
    # moto warns of each error code that botocore's model of the service does not list, such as ours.
    warnings.filterwarnings("ignore", module=r"moto\.core")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        serve(World(settings_from(sys.argv[1:])).install())
    except PortTakenError as taken:
        return refused(f"{taken}; stop what listens there, or choose another --port")
    except NoEngineError as missing:
        return refused(f"{missing}; choose --runtime process")
    except UnreadableStateError as unreadable:
        return refused(f"the state cannot be read ({unreadable}); choose another --state, or delete it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
