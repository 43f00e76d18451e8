"""A buildspec 0.2, read as far as the local CodeBuild runs it: "Build specification reference for CodeBuild"; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

PHASES = ("install", "pre_build", "build", "post_build")
RUN = {"version", "env", "phases", "artifacts"}
PASSED_OVER = {"cache", "reports", "proxy"}
"""Read and not followed: a build means the same without them."""


class BuildspecError(Exception):
    """CodeBuild's YAML_FILE_ERROR, in its words."""


@dataclass(frozen=True)
class Phase:
    """What one phase runs; `on_failure` is ABORT, CONTINUE or "" for the usual way."""

    commands: tuple[str, ...] = ()
    finally_: tuple[str, ...] = ()
    on_failure: str = ""


@dataclass(frozen=True)
class Buildspec:
    """What a build runs."""

    shell: str = "sh"
    variables: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    exported: tuple[str, ...] = ()
    phases: Mapping[str, Phase] = field(default_factory=dict)
    artifacts: tuple[str, ...] = ()
    base_directory: str = ""


def parse(text: str) -> Buildspec:
    """Raises BuildspecError."""
    try:
        told = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BuildspecError(f"YAML_FILE_ERROR: {error}") from None
    if not isinstance(told, dict) or str(told.get("version")) != "0.2":
        raise BuildspecError("YAML_FILE_ERROR: the local CodeBuild runs buildspec version 0.2")
    unknown = told.keys() - RUN - PASSED_OVER
    if unknown:
        raise BuildspecError(f"YAML_FILE_ERROR: unknown or unsupported: {', '.join(sorted(unknown))}")
    env, artifacts = _mapping(told, "env"), _mapping(told, "artifacts")
    return Buildspec(
        shell=str(env.get("shell", "sh")),
        variables=_texts(env, "variables"),
        parameters=_texts(env, "parameter-store"),
        secrets=_texts(env, "secrets-manager"),
        exported=tuple(map(str, env.get("exported-variables") or ())),
        phases=_phases(_mapping(told, "phases")),
        artifacts=tuple(map(str, artifacts.get("files") or ())),
        base_directory=str(artifacts.get("base-directory", "")),
    )


def _phases(told: Mapping[str, Any]) -> dict[str, Phase]:
    unknown = told.keys() - set(PHASES)
    if unknown or not told:
        raise BuildspecError(f"YAML_FILE_ERROR: unknown phases: {', '.join(sorted(unknown)) or 'there are none'}")
    return {name: _phase(name, _mapping(told, name)) for name in PHASES if name in told}


def _phase(name: str, told: Mapping[str, Any]) -> Phase:
    on_failure = str(told.get("on-failure", ""))
    if on_failure not in ("", "ABORT", "CONTINUE"):
        raise BuildspecError(f"YAML_FILE_ERROR: {name}.on-failure must be ABORT or CONTINUE here")
    return Phase(_commands(name, told, "commands"), _commands(name, told, "finally"), on_failure)


def _commands(phase: str, told: Mapping[str, Any], key: str) -> tuple[str, ...]:
    written = told.get(key) or ()
    if not isinstance(written, list | tuple) or not all(isinstance(each, str) for each in written):
        raise BuildspecError(f"YAML_FILE_ERROR: Expected {phase}.{key} to be a list of strings")
    return tuple(written)


def _texts(told: Mapping[str, Any], key: str) -> dict[str, str]:
    return {str(name): str(value) for name, value in _mapping(told, key).items()}


def _mapping(told: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = told.get(key) or {}
    if not isinstance(found, dict):
        raise BuildspecError(f"YAML_FILE_ERROR: Expected {key} to be a map")
    return found
