"""The folder and the environment of one build: nothing of the host's own gets in."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import local_aws
from local_aws.codebuild.buildspec import Buildspec
from local_aws.world import World

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "LOCALAWSBUILD", "AWS_SECRET_ACCESS_KEY": "build"}


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
        shutil.rmtree(self.root, ignore_errors=True)

    def environment(self, spec: Buildspec, version: str) -> dict[str, str]:
        """All variables of the build; the build's own override the project's, and those the buildspec's."""
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
        found = self._world.client("ssm", "codebuild").get_parameter(Name=name, WithDecryption=True)
        return str(found["Parameter"]["Value"])

    def _secret(self, reference: str) -> str:
        """`secret-id`, or `secret-id:json-key`."""
        import json

        secret, _, key = reference.partition(":") if not reference.startswith("arn:") else (reference, "", "")
        text = str(self._world.client("secretsmanager", "codebuild").get_secret_value(SecretId=secret)["SecretString"])
        return str(json.loads(text)[key]) if key else text

    def _program(self, name: str, module: str) -> None:
        include = Path(local_aws.__file__).parents[1]
        file = self.root / "bin" / name
        file.write_text(f'#!/bin/sh\nPYTHONPATH="{include}" exec "{sys.executable}" -m {module} "$@"\n')
        file.chmod(0o755)
