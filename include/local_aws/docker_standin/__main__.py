"""The command: `docker build | tag | login | push | version | info`, as far as a COPY-only image needs it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from local_aws.docker_standin import images
from local_aws.docker_standin.dockerfile import DockerfileError
from local_aws.docker_standin.push import PushError, Registry
from local_aws.docker_standin.shelf import Shelf

NOTICE = "docker: no engine here; this is the local AWS's stand-in, which copies files into images and runs nothing"


class RefusedError(Exception):
    """What was asked can't be done; the message is the whole answer."""


def main(arguments: list[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    print(NOTICE, file=sys.stderr)
    try:
        asked.act(asked)
    except (RefusedError, DockerfileError, PushError, OSError) as error:
        print(f"docker: {error}", file=sys.stderr)
        return 1
    return 0


def _build(asked: argparse.Namespace) -> None:
    context = Path(asked.context)
    text = (Path(asked.file) if asked.file else context / "Dockerfile").read_text()
    if asked.platform:
        print(f"--platform {asked.platform}: without meaning here, the programs are this machine's")
    image = images.build(context, text, _pairs(asked.build_arg), _pairs(asked.label))
    print(f"FROM {image.base}: not pulled; programs of this machine stand in for those of the base image")
    for reference in asked.tag or ["image:latest"]:
        Shelf().put(_full(reference), image)
        print(f"Successfully tagged {reference}")


def _tag(asked: argparse.Namespace) -> None:
    Shelf().put(_full(asked.target), _image(asked.source))


def _login(asked: argparse.Namespace) -> None:
    password = sys.stdin.read().strip() if asked.password_stdin else asked.password
    if not asked.username or not password:
        raise RefusedError("login needs --username and --password-stdin")
    Shelf().log_in(asked.registry, asked.username, password)
    print("Login Succeeded")


def _push(asked: argparse.Namespace) -> None:
    reference = _full(asked.reference)
    path, _, tag = reference.rpartition(":")
    registry, _, repository = path.partition("/")
    digest, size = Registry(registry, repository, Shelf().login(registry)).push(_image(reference), tag)
    print(f"The push refers to repository [{path}]")
    print(f"{tag}: digest: {digest} size: {size}")


def _version(_: argparse.Namespace) -> None:
    print("Docker version 0, a stand-in of the local AWS")


def _image(reference: str) -> images.Image:
    found = Shelf().get(_full(reference))
    if found is None:
        raise RefusedError(f"No such image: {reference}")
    return found


def _full(reference: str) -> str:
    """With a tag, `latest` if there is none."""
    return reference if ":" in reference.rpartition("/")[2] else f"{reference}:latest"


def _pairs(written: list[str] | None) -> dict[str, str]:
    return {name: value for name, _, value in (each.partition("=") for each in written or [])}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("docker", description=NOTICE)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    build = commands.add_parser("build")
    build.add_argument("context")
    for names in (("-t", "--tag"), ("--build-arg",), ("--label",)):
        build.add_argument(*names, action="append")
    build.add_argument("-f", "--file")
    build.add_argument("--platform", help="taken, and without meaning: the programs are this machine's")
    for flag in ("--pull", "--no-cache", "-q", "--quiet"):
        build.add_argument(flag, action="store_true")
    build.set_defaults(act=_build)
    tag = commands.add_parser("tag")
    tag.add_argument("source")
    tag.add_argument("target")
    tag.set_defaults(act=_tag)
    login = commands.add_parser("login")
    login.add_argument("registry")
    login.add_argument("-u", "--username")
    login.add_argument("-p", "--password")
    login.add_argument("--password-stdin", action="store_true")
    login.set_defaults(act=_login)
    push = commands.add_parser("push")
    push.add_argument("reference")
    push.set_defaults(act=_push)
    for name in ("version", "info"):
        commands.add_parser(name).set_defaults(act=_version)
    return parser


if __name__ == "__main__":
    sys.exit(main())
