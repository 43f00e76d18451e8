"""What Airflow's dag processor spends on the DAG files of hundreds of pipelines, beside a stock file for each.

    make bench      # or: PYTHONPATH=include:. python bench/parse.py [pipelines]

Each file is parsed and serialised by Airflow's own function, in a fork of a process that has started as the dag
processor does. The pipelines are copies of the shipped one under other names. CPU seconds, so that a busy machine
changes little.
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
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import structlog
from airflow.dag_processing import processor
from airflow.dag_processing.dagbag import BundleDagBag, DagBag
from airflow.sdk.execution_time import comms
from figure import Row, tell

from demo.settings import shared_settings

DAGS = Path(__file__).parents[1] / "dags"
STOCK = Path(__file__).parent / "stock" / "one_file_each.py"
STOCK_FILES = 10
"""Measured of the stock way: each costs the same."""
PASSES = 3
KEPT_OUT = ("boto3", "botocore", "airflow.providers.amazon.aws.hooks")
GOAL = "at most 5 ms of CPU for a service and 2.5 s for a pass over 500; no AWS SDK is imported"


class Parsed(NamedTuple):
    """One file's parse: `imported` of what is to be kept out."""

    cpu_seconds: float
    dags: int
    imported: list[str]


class Started(NamedTuple):
    """What was measured in a process that has started as a part of Airflow, and the CPU seconds of its start."""

    cpu_seconds: float
    found: Any


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


def forked(work: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of some work in a process of its own, the fork included, and what it has found, as JSON."""
    told, telling = os.pipe()
    before = _children_cpu()
    if not (child := os.fork()):
        os.close(told)
        with os.fdopen(telling, "w") as pipe:
            json.dump(work(), pipe)
        os._exit(0)
    os.close(telling)
    with os.fdopen(told) as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return _children_cpu() - before, json.loads(answer)


def _children_cpu() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def parse(path: Path) -> Parsed:
    """One file, as the dag processor's child parses it and tells its parent."""
    spent, found = forked(lambda: _found(path))
    return Parsed(spent, *found)


def _found(path: Path) -> tuple[int, list[str]]:
    asked = processor.DagFileParseRequest(file=str(path), bundle_path=path.parent, bundle_name="dags-folder")
    result = processor._parse_file(asked, structlog.get_logger())
    assert result is not None
    assert not result.import_errors, result.import_errors
    comms._RequestFrame(id=0, body=result.model_dump()).as_bytes()
    return len(result.serialized_dags), [name for name in KEPT_OUT if name in sys.modules]


def a_pass(paths: Sequence[Path]) -> tuple[float, int]:
    """CPU seconds of a pass over these files, the median of several; and how many dags they have."""
    passes = [[parse(path) for path in paths] for _ in range(PASSES)]
    return median(sum(each.cpu_seconds for each in parsed) for parsed in passes), sum(each.dags for each in passes[-1])


def started(part: str, dags: Path, work: Callable[[], Any]) -> Started:
    """What some work finds in a process that has started as this part of Airflow, with the shipped settings."""

    def start() -> tuple[float, Any]:
        os.environ.update(shared_settings(), AIRFLOW__CORE__DAGS_FOLDER=str(dags))
        sys.argv = ["airflow", part]
        sys.path.insert(0, str(DAGS.parent / "include" / "airflow_config"))
        begun = time.process_time()
        importlib.import_module("airflow_local_settings")
        return time.process_time() - begun, work()

    return Started(*forked(start)[1])


def passes(paths: Sequence[Path]) -> tuple[float, float, int]:
    """CPU seconds of a pass over the files as they were at the start, and once all have changed; how many dags."""
    unchanged, dags = a_pass(paths)
    for pipeline in (paths[0].parent / "pipelines").glob("*.yaml"):
        pipeline.write_text(pipeline.read_text() + "# changed\n")
    return unchanged, a_pass(paths)[0], dags


def a_task(path: Path, dag_id: str) -> float:
    """CPU seconds for the one dag of a task, as each task run parses it again."""
    os.environ.update(_AIRFLOW_PARSING_CONTEXT_DAG_ID=dag_id, _AIRFLOW_PARSING_CONTEXT_TASK_ID="build")

    def parsed() -> list[str]:
        bag = BundleDagBag(path, safe_mode=False, load_op_links=False, bundle_path=path.parent, bundle_name="dags")
        return list(bag.dags)

    tries = [forked(parsed) for _ in range(2 * PASSES)]
    del os.environ["_AIRFLOW_PARSING_CONTEXT_DAG_ID"], os.environ["_AIRFLOW_PARSING_CONTEXT_TASK_ID"]
    assert all(dags == [dag_id] for _, dags in tries)
    return median(spent for spent, _ in tries)


def shipped_file_seconds(path: Path, copy: Path) -> float:
    """CPU seconds for a shipped file whose imports are there, because a copy over other pipelines was parsed before."""

    def again() -> float:
        DagBag(str(copy), load_op_links=False)
        begun = time.process_time()
        DagBag(str(path), load_op_links=False)
        return time.process_time() - begun

    return float(forked(again)[1])


def main(pipelines: int) -> None:
    logging.disable(logging.INFO)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stock_paths, paths = stock(folder), ours(folder, pipelines)
        deliver = folder / "dags" / "deliver.py"
        stock_pass, _ = a_pass(stock_paths)
        stock_task = a_task(stock_paths[0], "stock_app_0")
        imported = sorted({name for path in paths for name in parse(path).imported})
        worker = started("scheduler", folder / "dags", lambda: a_task(deliver, "deliver_greeter"))
        whole = started("dag-processor", folder / "dags", lambda: passes(paths))
        slowest = max(shipped_file_seconds(DAGS / path.name, path) for path in paths)
    of_file = stock_pass / STOCK_FILES
    (unchanged, changed, dags), ahead = whole.found, whole.cpu_seconds - worker.cpu_seconds
    stock_whole, stock_each = round(of_file * pipelines, 1), round(of_file * 1e3, 1)
    tell("parse", GOAL, [
        Row("CPU of a pass over unchanged files", pipelines, round(unchanged, 2), stock_whole, "s", 2.5),
        Row("CPU for a service", pipelines, round(unchanged / pipelines * 1e3, 1), stock_each, "ms", 5),
        Row("CPU for a dag", dags, round(unchanged / dags * 1e3, 1), stock_each, "ms"),
        Row("CPU of a pass, each file changed since the start", pipelines, round(changed, 2), stock_whole, "s"),
        Row("CPU at the dag processor's start, to build all dags", pipelines, round(ahead, 2), None, "s"),
        Row("CPU for the one dag of a task run", pipelines, round(worker.found * 1e3), round(stock_task * 1e3), "ms"),
        Row("CPU of the slowest shipped file, after imports", len(paths), round(slowest * 1e3, 1), None, "ms", 300),
        Row("AWS packages imported", len(paths), len(imported), None, "", 0),
    ], f"The peer is a dag file for each service with one operator of Airflow's Amazon provider. A service of ours has "
       f"two dags, for delivering a commit and for deploying a release: {dags} dags in {len(paths)} files. The dag "
       f"processor builds them once, at its start, and the forks in which it parses inherit them: what is left of a "
       f"pass is Airflow's own serialising. A file that has changed since the start is read and built in each pass, "
       f"until the next start. One dag for all services would cost nothing, but each service would lose its own graph, "
       f"history, form and permissions in Airflow. Comparing what the forks tell with the database, which Airflow's "
       f"dag processor does itself, is in neither figure: about as much again.")  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
