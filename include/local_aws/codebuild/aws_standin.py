"""The `aws` command of a build: the one call that pushing an image needs, and the way to the real command."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    if arguments[:2] == ["ecr", "get-login-password"]:
        print("aws: the local AWS's stand-in answers `ecr get-login-password`", file=sys.stderr)
        print(_password())
        return 0
    if real := _real():
        os.environ.pop("PYTHONPATH", None)
        os.execv(real, [real, *arguments])  # noqa: S606 - stands in for a shell's own exec
    asked = " ".join(arguments[:2])
    print(f"aws: no aws command here; this stand-in knows `ecr get-login-password`, not `{asked}`", file=sys.stderr)
    return 1


def _password() -> str:
    from base64 import b64decode

    import boto3

    [told] = boto3.client("ecr").get_authorization_token()["authorizationData"]
    return b64decode(told["authorizationToken"]).decode().partition(":")[2]


def _real() -> str | None:
    """The host's own command, not the stand-in that leads here."""
    ours, *others = os.environ["PATH"].split(":")
    return shutil.which("aws", path=":".join(path for path in others if Path(path) != Path(ours)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
