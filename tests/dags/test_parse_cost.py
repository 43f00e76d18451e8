"""What a parse of the shipped DAG files may cost: no AWS SDK, no unchanged file anew, few tasks in a row."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from shutil import copytree
from types import ModuleType
from typing import Any

import jinja2
import pytest
from airflow.configuration import conf
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization

from airdock.factory import ahead, before_forks, deliver, deploy
from airdock.spec import Pipeline
from demo.settings import PYTHON_PATH, shared_settings

DAGS = Path(__file__).parents[2] / "dags"
FILES = sorted(path.name for path in DAGS.glob("*.py"))
MOST_TASKS_IN_A_ROW = 9
"""Of a delivery to one environment: clone, build, scan, hold, preflight, register, deploy, verify, verdict. Each costs
about half a second (docs/performance.md)."""
PARSE = """
import sys
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization
bag = DagBag(sys.argv[1], load_op_links=False)
assert not bag.import_errors, bag.import_errors
for dag in bag.dags.values():
    DagSerialization.to_dict(dag)
heavy = ("boto3", "botocore", "airflow.providers.amazon.aws.hooks")
print("imported:", *(name for name in heavy if name in sys.modules))
"""
START = """
import sys
sys.argv = ["airflow", sys.argv[1]]
import airflow.settings
from airdock.factory import deliver
built, build = [], deliver.deliver
deliver.deliver = lambda pipeline: built.append(pipeline.application) or build(pipeline)
from airflow.dag_processing.dagbag import DagBag
found = DagBag(airflow.settings.DAGS_FOLDER, load_op_links=False).dags
print("found:", *sorted(name for name in found if name.startswith("deliver_")), "built:", *built)
"""


@pytest.mark.parametrize("name", FILES)
def test_parsing_and_serialising_a_dag_file_imports_no_aws_package(name: str) -> None:
    parsed = subprocess.run([sys.executable, "-c", PARSE, str(DAGS / name)], capture_output=True, text=True, check=True)
    assert [line for line in parsed.stdout.splitlines() if line.startswith("imported:")] == ["imported:"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped dags over the pipelines greeter and other, in a process that has built nothing ahead."""
    monkeypatch.setattr(ahead, "_built", {})
    dags = Path(copytree(DAGS, tmp_path / "dags", ignore=lambda *_: ["__pycache__"]))
    text = (dags / "pipelines" / "greeter.yaml").read_text()
    (dags / "pipelines" / "other.yaml").write_text(text.replace("application: greeter", "application: other"))
    return dags


@pytest.mark.parametrize("file", [deliver, deploy])
def test_what_was_built_before_a_fork_is_not_built_again_until_its_file_changes(
    folder: Path, file: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    verb = file.PREFIX.removesuffix("_")
    before_forks.prepare_parses(folder / "pipelines")
    built, build = [], getattr(file, verb)

    def counted(pipeline: Pipeline) -> DAG:
        built.append(pipeline.application)
        return build(pipeline)

    monkeypatch.setattr(file, verb, counted)
    parsed = parse(folder / f"{verb}.py")
    assert (set(parsed), built) == ({f"{verb}_greeter", f"{verb}_other"}, [])
    change(folder / "pipelines" / "other.yaml", "service: greeter", "service: renamed")
    assert "renamed in demo" in str(parse(folder / f"{verb}.py")[f"{verb}_other"])
    assert built == ["other"]


def test_a_dag_that_was_built_before_a_fork_is_serialised_as_one_that_was_not(folder: Path) -> None:
    anew = {name: parse(folder / name) for name in FILES}
    before_forks.prepare_parses(folder / "pipelines")
    assert {name: parse(folder / name) for name in FILES} == anew


def test_a_pipeline_that_is_gone_or_broken_has_no_dag_though_one_was_built(folder: Path) -> None:
    before_forks.prepare_parses(folder / "pipelines")
    (folder / "pipelines" / "greeter.yaml").unlink()
    change(folder / "pipelines" / "other.yaml", "source:", "sorce:")
    assert parse(folder / "deliver.py") == {}


@pytest.mark.parametrize(("part", "built"), [("dag-processor", ""), ("scheduler", " other")])
def test_the_dag_processor_starts_with_all_dags_and_what_runs_tasks_with_one(
    folder: Path, part: str, built: str
) -> None:
    environ = {**os.environ, "PYTHONPATH": PYTHON_PATH, "AIRFLOW__CORE__DAGS_FOLDER": str(folder)}
    started = subprocess.run(
        [sys.executable, "-c", START, part], env=environ, capture_output=True, text=True, check=True
    )
    assert started.stdout.splitlines()[-1] == f"found: deliver_greeter deliver_other built:{built}"


def test_what_jinja_makes_for_a_first_template_is_made_before_a_task(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jinja2.clear_caches()
    before_forks.prepare_tasks(folder / "pipelines")

    def refuse(*_: object) -> None:
        raise AssertionError("Jinja makes another lexer")

    monkeypatch.setattr(jinja2.lexer, "Lexer", refuse)
    environment = DagBag(str(folder / "deliver.py")).dags["deliver_greeter"].get_template_env()
    assert environment.from_string("{{ params.revision }}").render(params={"revision": "main"}) == "main"


@pytest.mark.parametrize(
    "name", ["max_templated_field_length", "max_active_tasks_per_dag", "max_consecutive_failed_dag_runs_per_dag"]
)
def test_what_is_told_only_to_be_found_quickly_is_airflows_own_default(name: str) -> None:
    assert shared_settings()[f"AIRFLOW__CORE__{name.upper()}"] == conf.get_default_value("core", name)


def parse(file: Path) -> dict[str, Any]:
    """The serialised dags of a file, as Airflow's dag processor keeps them."""
    bag = DagBag(str(file), load_op_links=False)
    assert bag.import_errors == {}
    return {name: DagSerialization.to_dict(dag) for name, dag in bag.dags.items()}


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_delivery_to_one_environment_keeps_the_budget_of_tasks_in_a_row() -> None:
    row = _longest_row(DagBag(str(DAGS / "deliver.py")).dags["deliver_greeter"])
    assert len(row) <= MOST_TASKS_IN_A_ROW, f"{len(row)} tasks follow each other where nothing fails: {row}"


def _longest_row(dag: DAG) -> list[str]:
    """The longest chain of tasks that all run when nothing fails: the way back does not."""
    rows: dict[str, list[str]] = {}
    for task in dag.topological_sort():
        if task.trigger_rule != "one_failed":
            before = [rows[name] for name in task.upstream_task_ids if name in rows]
            rows[task.task_id] = [*max(before, key=len, default=[]), task.task_id]
    return max(rows.values(), key=len)
