"""What a parse of the shipped DAG files may cost: no AWS SDK, one pipeline file for a task, few tasks in a row."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG

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


@pytest.mark.parametrize("name", FILES)
def test_parsing_and_serialising_a_dag_file_imports_no_aws_package(name: str) -> None:
    parsed = subprocess.run([sys.executable, "-c", PARSE, str(DAGS / name)], capture_output=True, text=True, check=True)
    assert [line for line in parsed.stdout.splitlines() if line.startswith("imported:")] == ["imported:"]


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
