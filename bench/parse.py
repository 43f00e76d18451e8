"""What Airflow's dag processor spends on the DAG files of hundreds of pipelines, beside a stock file for each.

    make bench      # or: PYTHONPATH=include:. python bench/parse.py [pipelines]

Each file is parsed and serialised in a fork of a process that has Airflow loaded, as the dag processor does it. The
pipelines are copies of the shipped one under other names. CPU seconds, so that a busy machine changes little.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import NamedTuple

from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization
from figure import Row, tell

DAGS = Path(__file__).parents[1] / "dags"
STOCK = Path(__file__).parent / "stock" / "one_file_each.py"
STOCK_FILES = 10
"""Measured of the stock way: each costs the same."""
PASSES = 3
KEPT_OUT = ("boto3", "botocore", "airflow.providers.amazon.aws.hooks")
GOAL = "at most 5 ms of CPU for a service and 2.5 s for a pass over 500; no AWS SDK is imported"


class Parsed(NamedTuple):
    """One file's parse: `imported` of what is to be kept out, `kibibytes` of serialised dags."""

    cpu_seconds: float
    dags: int
    kibibytes: float
    imported: list[str]


def ours(folder: Path, pipelines: int) -> list[Path]:
    """The repository's dag files, over as many pipelines."""
    dags = Path(shutil.copytree(DAGS, folder / "dags", ignore=lambda *_: ["__pycache__"]))
    shipped = (DAGS / "pipelines" / "greeter.yaml").read_text()
    for number in range(pipelines - 1):
        name = f"greeter-{number}"
        text = shipped.replace("application: greeter", f"application: {name}", 1)
        (dags / "pipelines" / f"{name}.yaml").write_text(text)
    return sorted(dags.glob("*.py"))


def stock(folder: Path) -> list[Path]:
    text = STOCK.read_text()
    paths = [folder / f"stock_{number}.py" for number in range(STOCK_FILES)]
    for number, path in enumerate(paths):
        path.write_text(text.replace("APPLICATION", f"app_{number}"))
    return paths


def parse(path: Path) -> Parsed:
    """One file in a process of its own."""
    told, telling = os.pipe()
    before = _children_cpu()
    if not (child := os.fork()):
        os.close(told)
        with os.fdopen(telling, "w") as pipe:
            json.dump(_found(path), pipe)
        os._exit(0)
    os.close(telling)
    with os.fdopen(told) as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    dags, kibibytes, imported = json.loads(answer)
    return Parsed(_children_cpu() - before, dags, kibibytes, imported)


def _found(path: Path) -> tuple[int, float, list[str]]:
    bag = DagBag(str(path), load_op_links=False)
    assert not bag.import_errors, bag.import_errors
    written = [json.dumps(DagSerialization.to_dict(dag)) for dag in bag.dags.values()]
    imported = [name for name in KEPT_OUT if name in sys.modules]
    return len(bag.dags), sum(map(len, written)) / 1024, imported


def _children_cpu() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def a_pass(paths: Iterable[Path]) -> tuple[float, list[Parsed]]:
    """CPU seconds of a pass over these files, the median of several; and what the last one found."""
    passes = [[parse(path) for path in paths] for _ in range(PASSES)]
    return median(sum(each.cpu_seconds for each in parsed) for parsed in passes), passes[-1]


def shipped_settings() -> None:
    """What every Airflow process imports at its start, and its forks inherit."""
    sys.path.insert(0, str(DAGS.parent / "include" / "airflow_config"))
    importlib.import_module("airflow_local_settings")


def a_task(folder: Path) -> float:
    """CPU seconds for the one dag of a task, as each task run parses it again."""
    os.environ.update(_AIRFLOW_PARSING_CONTEXT_DAG_ID="deliver_greeter", _AIRFLOW_PARSING_CONTEXT_TASK_ID="build")
    try:
        spent, parsed = a_pass([folder / "dags" / "deliver.py"])
    finally:
        del os.environ["_AIRFLOW_PARSING_CONTEXT_DAG_ID"], os.environ["_AIRFLOW_PARSING_CONTEXT_TASK_ID"]
    assert [each.dags for each in parsed] == [1]
    return spent


def shipped_file_seconds(path: Path) -> float:
    """CPU seconds for a shipped file whose imports are there: it is parsed twice in a fork."""
    told, telling = os.pipe()
    if not (child := os.fork()):
        DagBag(str(path), load_op_links=False)
        begun = time.process_time()
        DagBag(str(path), load_op_links=False)
        os.write(telling, str(time.process_time() - begun).encode())
        os._exit(0)
    os.waitpid(child, 0)
    return float(os.read(told, 100))


def main(pipelines: int) -> None:
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stock_pass, _ = a_pass(stock(folder))
        paths = ours(folder, pipelines)
        imported = sorted({name for path in paths for name in parse(path).imported})
        shipped_settings()
        whole, found = a_pass(paths)
        of_task = a_task(folder)
    slowest = max(map(shipped_file_seconds, sorted(DAGS.glob("*.py"))))
    of_file = stock_pass / STOCK_FILES
    dags = sum(each.dags for each in found)
    tell("parse", GOAL, [
        Row("CPU of a pass", pipelines, round(whole, 2), round(of_file * pipelines, 1), "s", 2.5),
        Row("CPU for a service", pipelines, round(whole / pipelines * 1e3, 1), round(of_file * 1e3, 1), "ms", 5),
        Row("CPU for a dag", dags, round(whole / dags * 1e3, 1), round(of_file * 1e3, 1), "ms"),
        Row("CPU for the one dag of a task run", pipelines, round(of_task * 1e3), round(of_file * 1e3), "ms"),
        Row("CPU of the slowest shipped file, after imports", len(found), round(slowest * 1e3, 1), None, "ms", 300),
        Row("AWS packages imported", len(found), len(imported), None, "", 0),
    ], f"The peer is a dag file for each service with one operator of Airflow's Amazon provider. A service of ours has "
       f"two dags, for delivering a commit and for deploying a release: {dags} dags in {len(found)} files. Most of the "
       f"time is Airflow's own, in making and serialising tasks; one dag for all services would cost nothing, but "
       f"each service would lose its own graph, history, form and permissions in Airflow.")  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
