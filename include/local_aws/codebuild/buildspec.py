"""A buildspec 0.2, read as far as the local CodeBuild runs it: "Build specification reference for CodeBuild"; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

PHASES = ("install", "pre_build", "build", "post_build")
RUN = {"version", "env", "phases", "artifacts"}
ENV = {"shell", "variables", "parameter-store", "secrets-manager", "exported-variables", "git-credential-helper"}
PHASE = {"commands", "finally", "on-failure", "runtime-versions"}
# A project that lets the buildspec name its artifacts (overrideArtifactName) is not here: `name` has no effect.
ARTIFACTS = {"files", "base-directory", "discard-paths", "name"}
PASSED_OVER = {"cache", "reports", "proxy"}
"""Read and not followed: a build means the same without them."""


class BuildspecError(Exception):
    """What is wrong with a buildspec; the message is CodeBuild's phase context."""

    code = "YAML_FILE_ERROR"


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
    discard_paths: bool = False
    passed_over: tuple[str, ...] = ()
    """What is there and not followed, to be said in the log."""


def parse(text: str) -> Buildspec:
    """Raises BuildspecError."""
    try:
        told = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BuildspecError(str(error)) from None
    if not isinstance(told, dict) or str(told.get("version")) != "0.2":
        raise BuildspecError("the local CodeBuild runs buildspec version 0.2")
    _refuse_unknown("", told, RUN | PASSED_OVER)
    env, artifacts, phases = (_mapping(told, key) for key in ("env", "artifacts", "phases"))
    _refuse_unknown("env.", env, ENV)
    _refuse_unknown("artifacts.", artifacts, ARTIFACTS)
    return Buildspec(
        shell=_shell(env),
        variables=_texts(env, "variables"),
        parameters=_texts(env, "parameter-store"),
        secrets=_texts(env, "secrets-manager"),
        exported=tuple(map(str, env.get("exported-variables") or ())),
        phases=_phases(phases),
        artifacts=tuple(map(str, artifacts.get("files") or ())),
        base_directory=str(artifacts.get("base-directory", "")),
        discard_paths=str(artifacts.get("discard-paths", "no")).lower() in ("yes", "true"),
        passed_over=(*sorted(told.keys() & PASSED_OVER), *_passed_over_in(phases)),
    )


def _refuse_unknown(where: str, told: Mapping[str, Any], known: set[str]) -> None:
    if unknown := sorted(f"{where}{key}" for key in told.keys() - known):
        raise BuildspecError(f"unknown, or not supported by the local CodeBuild: {', '.join(unknown)}")


def _shell(env: Mapping[str, Any]) -> str:
    shell = str(env.get("shell", "sh"))
    if shell not in ("sh", "/bin/sh", "bash"):
        raise BuildspecError(f"the local CodeBuild has no env.shell {shell}")
    return shell


def _passed_over_in(phases: Mapping[str, Any]) -> list[str]:
    return [f"{name}.runtime-versions" for name, phase in phases.items() if phase and "runtime-versions" in phase]


def _phases(told: Mapping[str, Any]) -> dict[str, Phase]:
    unknown = told.keys() - set(PHASES)
    if unknown or not told:
        raise BuildspecError(f"unknown phases: {', '.join(sorted(unknown)) or 'there are none'}")
    return {name: _phase(name, _mapping(told, name)) for name in PHASES if name in told}


def _phase(name: str, told: Mapping[str, Any]) -> Phase:
    _refuse_unknown(f"phases.{name}.", told, PHASE)
    on_failure = str(told.get("on-failure", ""))
    if on_failure not in ("", "ABORT", "CONTINUE"):
        raise BuildspecError(f"{name}.on-failure must be ABORT or CONTINUE here")
    return Phase(_commands(name, told, "commands"), _commands(name, told, "finally"), on_failure)


def _commands(phase: str, told: Mapping[str, Any], key: str) -> tuple[str, ...]:
    written = told.get(key) or ()
    if not isinstance(written, list | tuple) or not all(isinstance(each, str) for each in written):
        raise BuildspecError(f"Expected {phase}.{key} to be a list of strings")
    return tuple(written)


def _texts(told: Mapping[str, Any], key: str) -> dict[str, str]:
    return {str(name): str(value) for name, value in _mapping(told, key).items()}


def _mapping(told: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = told.get(key) or {}
    if not isinstance(found, dict):
        raise BuildspecError(f"Expected {key} to be a map")
    return found
