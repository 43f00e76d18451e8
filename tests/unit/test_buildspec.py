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
        ("a: [", "YAML_FILE_ERROR"),
        ("version: 0.1\nphases: {build: {commands: [a]}}", "version 0.2"),
        ("version: 0.2\nbatch: {}\nphases: {build: {commands: [a]}}", "unsupported: batch"),
        ("version: 0.2\nphases: {test: {commands: [a]}}", "unknown phases: test"),
        ("version: 0.2", "there are none"),
        ("version: 0.2\nphases: {build: {commands: a}}", "build.commands to be a list"),
        ("version: 0.2\nphases: {build: {on-failure: RETRY}}", "on-failure must be"),
    ],
)
def test_buildspec_says_what_is_wrong(text: str, told: str) -> None:
    with pytest.raises(BuildspecError, match=told):
        parse(text)
