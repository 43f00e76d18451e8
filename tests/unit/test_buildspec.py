"""Reading a buildspec as CodeBuild does."""

from __future__ import annotations

import pytest

from local_aws.codebuild.buildspec import BuildspecError, Phase, parse


def test_buildspec_reads_phases_and_environment() -> None:
    spec = parse(
        "version: 0.2\nenv:\n  shell: bash\n  variables: {A: 1}\n  exported-variables: [D]\n"
        "phases:\n  build:\n    on-failure: CONTINUE\n    commands: [make]\n    finally: [make clean]\n"
        "artifacts:\n  files: ['*.json']\n  base-directory: out\n"
    )
    assert spec.phases == {"build": Phase(("make",), ("make clean",), "CONTINUE")}
    assert (spec.shell, spec.variables, spec.exported) == ("bash", {"A": "1"}, ("D",))
    assert (spec.artifacts, spec.base_directory) == (("*.json",), "out")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "while parsing"),
        ("version: 0.1\nphases: {build: {commands: [a]}}", "version 0.2"),
        ("version: 0.2\nbatch: {}\nphases: {build: {commands: [a]}}", "not supported by the local CodeBuild: batch"),
        ("version: 0.2\nphases: {test: {commands: [a]}}", "unknown phases: test"),
        ("version: 0.2", "there are none"),
        ("version: 0.2\nenv: {typo: 1}\nphases: {build: {commands: [a]}}", "env.typo"),
        ("version: 0.2\nenv: {shell: powershell}\nphases: {build: {commands: [a]}}", "no env.shell powershell"),
        ("version: 0.2\nphases: {build: {run-as: root, commands: [a]}}", "phases.build.run-as"),
        ("version: 0.2\nphases: {build: {commands: [a]}}\nartifacts: {exclude-paths: [a]}", "artifacts.exclude-paths"),
        ("version: 0.2\nphases: {build: {commands: a}}", "build.commands to be a list"),
        ("version: 0.2\nphases: {build: {on-failure: RETRY}}", "on-failure must be"),
    ],
)
def test_buildspec_says_what_is_wrong(text: str, told: str) -> None:
    with pytest.raises(BuildspecError, match=told):
        parse(text)


def test_buildspec_names_what_is_not_followed() -> None:
    spec = parse("version: 0.2\ncache: {}\nphases: {install: {runtime-versions: {python: 3.12}}}\nreports: {a: {}}\n")
    assert spec.passed_over == ("cache", "reports", "install.runtime-versions")
