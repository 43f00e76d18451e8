"""The folder and the environment of one build: nothing of the host's own gets in."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

import local_aws
from local_aws.codebuild.buildspec import Buildspec
from local_aws.codebuild.shell import end_all
from local_aws.world import World

ARN_PARTS = 7
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "LOCALAWSBUILD", "AWS_SECRET_ACCESS_KEY": "build"}


class VariableError(Exception):
    """A variable whose value is not to be had; `code` is the phase context's status code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Workshop:
    """Where a build works. Made anew for each attempt at the build."""

    def __init__(self, of: World, build: Mapping[str, Any]) -> None:
        self._world, self._build = of, build
        self.root = of.settings.state_dir / "builds" / str(build["id"]).rpartition(":")[2]
        self.source = self.root / "src"

    def make(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        for name in ("src", "home", "tmp", "docker", "bin"):
            (self.root / name).mkdir(parents=True)
        if self._world.settings.runtime != "docker":
            self._program("docker", "local_aws.docker_standin")
        self._program("aws", "local_aws.codebuild.aws_standin")

    def clear(self) -> None:
        """End what still runs there, also of a former process of ours, and remove it."""
        end_all(self.root)
        shutil.rmtree(self.root, ignore_errors=True)

    def environment(self, spec: Buildspec, version: str) -> dict[str, str]:
        """All variables of the build; the build's own override the project's, and those the buildspec's.

        Raises VariableError.
        """
        asked = {each["name"]: self._value(each) for each in self._build["environment"]["environmentVariables"]}
        return {**self._surroundings(), **self._of_spec(spec), **asked, **self._of_codebuild(version)}

    def _surroundings(self) -> dict[str, str]:
        settings = self._world.settings
        engine = {name: os.environ[name] for name in ("DOCKER_HOST",) if name in os.environ}
        return {
            "PATH": f"{self.root / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.root / "home"),
            "TMPDIR": str(self.root / "tmp"),
            "DOCKER_CONFIG": str(self.root / "docker"),
            "LANG": "C.UTF-8",
            "AWS_DEFAULT_REGION": settings.region,
            "AWS_REGION": settings.region,
            "AWS_ENDPOINT_URL": settings.endpoint,
            **CREDENTIALS,
            **engine,
        }

    def _of_spec(self, spec: Buildspec) -> dict[str, str]:
        parameters = {name: self._parameter(value) for name, value in spec.parameters.items()}
        secrets = {name: self._secret(value) for name, value in spec.secrets.items()}
        return {**spec.variables, **parameters, **secrets}

    def _of_codebuild(self, version: str) -> dict[str, str]:
        build = self._build
        return {
            "CODEBUILD_BUILD_ID": build["id"],
            "CODEBUILD_BUILD_ARN": build["arn"],
            "CODEBUILD_BUILD_NUMBER": str(build["buildNumber"]),
            "CODEBUILD_BUILD_SUCCEEDING": "1",
            "CODEBUILD_INITIATOR": build["initiator"],
            "CODEBUILD_START_TIME": str(int(build["startTime"] * 1000)),
            "CODEBUILD_LOG_PATH": str(build["id"]).rpartition(":")[2],
            "CODEBUILD_SOURCE_REPO_URL": build["source"].get("location", ""),
            "CODEBUILD_SRC_DIR": str(self.source),
            "CODEBUILD_SOURCE_VERSION": build.get("sourceVersion", ""),
            "CODEBUILD_RESOLVED_SOURCE_VERSION": version,
            "CI": "true",
        }

    def _value(self, variable: Mapping[str, str]) -> str:
        kind = variable.get("type", "PLAINTEXT")
        if kind == "PARAMETER_STORE":
            return self._parameter(variable["value"])
        return self._secret(variable["value"]) if kind == "SECRETS_MANAGER" else variable["value"]

    def _parameter(self, name: str) -> str:
        with _told_as("Decrypted Variables Error", name):
            found = self._world.client("ssm", "codebuild").get_parameter(Name=name, WithDecryption=True)
        return str(found["Parameter"]["Value"])

    def _secret(self, reference: str) -> str:
        """`secret-id:json-key:version-stage:version-id`, all but the first optional; the id may be an ARN."""
        parts = reference.split(":")
        size = ARN_PARTS if parts[0] == "arn" else 1
        key, stage, version = [*parts[size:], "", "", ""][:3]
        wanted = {"SecretId": ":".join(parts[:size]), "VersionStage": stage, "VersionId": version}
        with _told_as("Secrets Manager Error", reference):
            client = self._world.client("secretsmanager", "codebuild")
            found = client.get_secret_value(**{name: value for name, value in wanted.items() if value})
            text = str(found["SecretString"])
            return str(json.loads(text)[key]) if key else text

    def _program(self, name: str, module: str) -> None:
        include = Path(local_aws.__file__).parents[1]
        file = self.root / "bin" / name
        file.write_text(f'#!/bin/sh\nPYTHONPATH="{include}" exec "{sys.executable}" -m {module} "$@"\n')
        file.chmod(0o755)


@contextmanager
def _told_as(code: str, name: str) -> Iterator[None]:
    try:
        yield
    except (ClientError, ValueError, KeyError) as error:
        raise VariableError(code, f"{name}: {error}") from None
