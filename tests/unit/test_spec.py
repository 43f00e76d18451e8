"""Pipeline files: what is read, and what their authors hear when something is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from airdock.errors import Refused
from airdock.plan.appspec import from_file
from airdock.spec import (
    AllAtOnce,
    Canary,
    Configuration,
    Environment,
    Pipeline,
    Problem,
    RepositoryTaskDefinition,
    SpecError,
    parse,
)
from airdock.spec import load as load_file
from airdock.spec.schema import schema, text
from tests.builders import PIPELINE, a_pipeline_text

ROOT = Path(__file__).parents[2]


def problems(text: str | bytes) -> tuple[Problem, ...]:
    with pytest.raises(SpecError) as refused:
        parse(text, "greeter.yaml")
    return refused.value.problems


def the_problem(old: str, new: str) -> Problem:
    found = problems(a_pipeline_text(old, new))
    assert len(found) == 1, found
    return found[0]


def test_pipeline_takes_sensible_defaults() -> None:
    pipeline = parse(a_pipeline_text("      traffic: {type: canary, percent: 10}\n"))
    production = pipeline.environments["production"]
    assert pipeline.source.branch == "main"
    assert (pipeline.scan.allow.critical, pipeline.scan.allow.high, pipeline.scan.allow.medium) == (
        0,
        0,
        None,
    )
    assert production.rollout.traffic == AllAtOnce()
    assert isinstance(production.task_definition, RepositoryTaskDefinition)
    assert production.task_definition.path == "taskdef.json"


def test_pipeline_reads_each_kind_of_traffic() -> None:
    def traffic(written: str) -> Any:
        return parse(a_pipeline_text("{type: canary, percent: 10}", written)).environments["production"].rollout.traffic

    assert traffic("{type: canary}") == Canary(type="canary", percent=10, wait_minutes=5)
    assert traffic("{configuration: Mine}") == Configuration(configuration="Mine")
    assert traffic("{type: all_at_once}") == AllAtOnce()


def test_pipeline_can_not_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        parse(PIPELINE).application = "other"


def test_problem_tells_place_path_and_nearest_word() -> None:
    problem = the_problem("cluster: demo", "clutser: demo\n    cluster: demo")
    assert (problem.place.line, problem.place.column) == (7, 5)
    assert problem.path == "environments.production.clutser"
    assert problem.nearest == "cluster"


@pytest.mark.parametrize(
    ("old", "new", "path", "told"),
    [
        (
            "type: canary",
            "type: canaryy",
            "environments.production.rollout.traffic.type",
            "Did you mean 'canary'?",
        ),
        ("type: canary, ", "", "environments.production.rollout.traffic", "does not say its `type`"),
        (
            "percent: 10",
            "percent: 100",
            "environments.production.rollout.traffic.percent",
            "must be at most 99 (found 100)",
        ),
        (
            "percent: 10",
            "procent: 10",
            "environments.production.rollout.traffic.procent",
            "Did you mean 'percent'?",
        ),
        ("codecommit", "codecomit", "source.provider", "Did you mean 'codecommit'?"),
        (
            "service: greeter",
            "service: greeter\n    approval: {approvers: [{user: bob, comits_as: [x@y.z]}]}",
            "environments.production.approval.approvers.0.comits_as",
            "Did you mean 'commits_as'?",
        ),
        ("project: greeter", "project: 12", "build.project", "must be a text (found 12). Put it in quotes."),
        (
            "repository: greeter}\nb",
            "repository: greeter, branch: no}\nb",
            "source.branch",
            "(found no). Put it in quotes.",
        ),
        (
            "repository: greeter}\nb",
            "repository: greeter, branch: --x}\nb",
            "source.branch",
            "git-check-ref-format",
        ),
        ("production:", "Production:", "environments.Production", "must be an environment name"),
        (
            "application: greeter\n",
            "application: 'greeter\n\n  '\n",
            "application",
            "must be an application name",
        ),
        ("build:", "schedule: nightly\nbuild:", "schedule", "cron expression"),
        ("build:", "scan: {allow: {high: -1}}\nbuild:", "scan.allow.high", "must be at least 0"),
        ("image: {repository: greeter}", "image: greeter", "image", "must be a group of settings"),
        ("build: {project: greeter}", "build:", "build", "must be a group of settings"),
        ("    cluster: demo\n", "", "environments.production.cluster", "this is missing. The ECS cluster."),
        (
            "service: greeter",
            "service: greeter\n    appspec: ../x",
            "environments.production.appspec",
            "path of a file",
        ),
        (
            "service: greeter",
            "service: greeter\n    appspec: /etc/passwd",
            "environments.production.appspec",
            "path of a",
        ),
        (
            "service: greeter",
            "service: greeter\n    verify: {url: 'file:///x'}",
            "environments.production.verify.url",
            "http",
        ),
        (
            "service: greeter",
            "service: greeter\n    verify: {url: 'http://a@b/'}",
            "environments.production.verify.url",
            "",
        ),
        (
            "service: greeter",
            "service: greeter\n    verify: {url: 'http://b/gesundheit-ä'}",
            "environments.production.verify.url",
            "percent",
        ),
        ("codecommit, repository: greeter", "github, repository: greeter", "source.repository", "owner/name"),
        (
            "codecommit, repository: greeter",
            "git, repository: 'https://u:p@h/x'",
            "source.repository",
            "without a password",
        ),
        (
            "codecommit, repository: greeter",
            "git, repository: 'ext::sh -c x'",
            "source.repository",
            "https://host/path",
        ),
        (
            "codecommit, repository: greeter",
            "git, repository: 'ssh://-oProxyCommand=x/y'",
            "source.repository",
            "https",
        ),
        ("build: {", "build: !!python/object:os.system {", "", "the tag"),
        ("build:", "a: &a 1\nbuild:", "", "anchors and aliases"),
        ("image:", "build: {project: other}\nimage:", "build", "stands in line 3 already"),
        ("cluster: demo", " cluster: demo", "", "this is no YAML"),
        ("application:", "? [a]\n: b\napplication:", "", "a key must be a plain word"),
        ("cluster: demo", "cluster: 2026-13-45", "environments.production.cluster", "put it in quotes"),
    ],
)
def test_problem_says_what_is_wrong_and_what_to_do(old: str, new: str, path: str, told: str) -> None:
    problem = the_problem(old, new)
    assert problem.path == path
    assert told in str(problem)


def test_problem_points_at_the_very_word() -> None:
    lines = a_pipeline_text("type: canary", "type: canaryy").splitlines()
    place = the_problem("type: canary", "type: canaryy").place
    assert lines[place.line - 1][place.column - 1 :].startswith("type: canaryy")


def test_all_problems_are_told_at_once_in_the_order_of_the_file() -> None:
    text = PIPELINE.replace("cluster: demo", "clutser: demo").replace("project: greeter", "project: 12")
    assert [problem.path for problem in problems(text)] == [
        "build.project",
        "environments.production.cluster",
        "environments.production.clutser",
    ]


def test_error_begins_each_line_with_file_line_and_column() -> None:
    with pytest.raises(SpecError) as refused:
        parse("application: 3", "pipelines/greeter.yaml")
    lines = str(refused.value).splitlines()
    assert lines
    assert all(line.startswith("pipelines/greeter.yaml:1:") for line in lines)


def bomb() -> str:
    words = [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9) if n else 'x'}]" for n in range(12)]
    return "\n".join(words)


@pytest.mark.parametrize(
    "hostile",
    [
        bomb(),
        "[" * 60_000,
        "{a: " * 15_000,
        "\n".join(" " * n + "a:" for n in range(300)),
        "a: [" + "x," * 30_000 + "]",
        "x" * 70_000,
        "- " * 30_000,
        "? " * 30_000,
        "a: !!python/object/apply:os.system ['true']",
        "\x00",
        "a: \ud800",
        "%TAG ! tag:x,2000:\n---\n!foo a",
        "a: 1\n---\nb: 2",
        "a: " + "9" * 5000,
        "",
        "# only words",
    ],
    ids=lambda text: text[:12],
)
def test_hostile_text_is_refused_at_once(hostile: str) -> None:
    begun = time.process_time()
    problems(hostile)
    assert time.process_time() - begun < 0.05


@pytest.mark.parametrize("read", [parse, lambda text: from_file(text, "arn", {})], ids=["pipeline", "appspec"])
@pytest.mark.parametrize("call", ["os.system [touch CANARY]", "subprocess.check_output [[touch, CANARY]]"])
def test_tag_that_would_start_a_program_starts_none(
    read: Callable[[str], Any], call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    hostile = f"version: !!python/object/apply:{call}"
    with pytest.raises((SpecError, Refused), match="tag"):
        read(hostile)
    assert not (tmp_path / "CANARY").exists()
    yaml.unsafe_load(hostile)
    assert (tmp_path / "CANARY").exists()


def test_bytes_that_are_no_text_are_refused_with_their_line() -> None:
    assert problems(b"application: greeter\ndescription: \xff\n")[0].place.line == 2


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.dates()
VALUES = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.text(max_size=5), SCALARS, max_size=2)


@settings(max_examples=150)
@given(st.text(max_size=300) | st.binary(max_size=300))
def test_loader_raises_nothing_but_spec_error_on_any_text(text: str | bytes) -> None:
    with pytest.raises(SpecError):
        parse(text)


@settings(max_examples=80)
@given(st.data())
def test_loader_raises_nothing_but_spec_error_on_any_value_in_any_place(data: st.DataObject) -> None:
    content = yaml.safe_load(PIPELINE)
    holder, key = content, data.draw(st.sampled_from(sorted(content)))
    while isinstance(holder[key], dict) and holder[key] and data.draw(st.booleans()):
        holder = holder[key]
        key = data.draw(st.sampled_from(sorted(holder)))
    holder[key] = data.draw(VALUES)
    try:
        assert isinstance(parse(yaml.safe_dump(content)), Pipeline)
    except SpecError as error:
        assert error.problems


def test_file_is_loaded_and_must_be_named_after_its_application(tmp_path: Path) -> None:
    (tmp_path / "greeter.yaml").write_text(PIPELINE)
    (tmp_path / "other.yaml").write_text(PIPELINE)
    assert load_file(tmp_path / "greeter.yaml").application == "greeter"
    with pytest.raises(SpecError, match=r"other\.yaml:1:1: application: .*Rename the file to greeter\.yaml"):
        load_file(tmp_path / "other.yaml")


def test_file_that_is_not_there_is_a_spec_error(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="can't be opened"):
        load_file(tmp_path / "greeter.yaml")


@pytest.mark.parametrize(
    ("module", "file"),
    [("airdock.spec.schema", "pipeline.schema.json"), ("airdock.spec.reference", "pipeline.md")],
)
def test_published_page_is_current(module: str, file: str) -> None:
    command, paths = [sys.executable, "-m", module], {"PYTHONPATH": str(ROOT / "include")}
    told = subprocess.run(command, env=paths, capture_output=True, text=True, check=True).stdout
    assert told == (ROOT / "docs" / file).read_text()


def test_pipelines_of_this_repository_are_sound() -> None:
    files = sorted((ROOT / "dags" / "pipelines").glob("*.yaml"))
    assert [load_file(file).application for file in files] == [file.stem for file in files]
    assert files


def test_schema_describes_every_setting() -> None:
    kinds = [schema(), *schema()["$defs"].values()]
    settings_without = [
        f"{kind.get('title')}.{name}"
        for kind in kinds
        for name, setting in kind.get("properties", {}).items()
        if not setting.get("description")
    ]
    assert settings_without == []
    assert json.loads(text()) == schema()


@pytest.mark.parametrize(
    "rollout",
    [
        "{strategy: ecs, traffic: {type: canary, wait_minutes: 60}}",
        "{strategy: ecs, traffic: {type: linear, percent: 20, every_minutes: 15}}",
        "{strategy: codedeploy, application: a, deployment_group: b, traffic: {type: linear, every_minutes: 7}}",
    ],
)
def test_rollout_that_can_never_keep_its_deadline_is_refused_with_the_least_that_would_do(rollout: str) -> None:
    environment = f"cluster: demo\nservice: greeter\nrollout: {rollout}"
    with pytest.raises(ValueError, match=r"would always be rolled back\. Make it (75|73|75) at least"):
        Environment.model_validate(yaml.safe_load(environment))


def test_rolling_update_that_could_replace_no_task_is_refused() -> None:
    told = {"strategy": "rolling", "minimum_healthy_percent": 100, "maximum_percent": 100}
    with pytest.raises(ValueError, match="no task could be replaced"):
        Environment.model_validate({"cluster": "demo", "service": "greeter", "rollout": told})


def test_analysis_of_a_shift_that_cannot_pause_is_refused() -> None:
    check = {"name": "errors", "kind": "cloudwatch", "metrics": {"errors": {"metric": "Errors"}}, "at_most": 1.0}
    told = {
        "cluster": "demo",
        "service": "greeter",
        "rollout": {"strategy": "rolling"},
        "analysis": {"checks": [check]},
    }
    with pytest.raises(ValueError, match="needs the strategy ecs"):
        Environment.model_validate(told)
