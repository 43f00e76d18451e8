"""How long Airflow needs for the DAG files: a first parse in a process, and each one after it.

    make bench      # or: PYTHONPATH=include python bench/parse.py [pipelines]

Prints milliseconds of CPU per file and per pipeline. The pipelines are copies of the shipped one under other names.
"""

from __future__ import annotations

import logging
import shutil
import sys
import tempfile
import time
from pathlib import Path

from airflow.dag_processing.dagbag import DagBag

DAGS = Path(__file__).parents[1] / "dags"


def bundle(folder: Path, pipelines: int) -> Path:
    dags = Path(shutil.copytree(DAGS, folder / "dags", ignore=lambda *_: ["__pycache__"]))
    shipped = (DAGS / "pipelines" / "greeter.yaml").read_text()
    for number in range(pipelines - 1):
        name = f"greeter-{number}"
        text = shipped.replace("application: greeter", f"application: {name}", 1)
        (dags / "pipelines" / f"{name}.yaml").write_text(text)
    return dags


def parse(dags: Path) -> float:
    """CPU seconds of one pass over the folder."""
    begun = time.process_time()
    found = DagBag(str(dags))
    assert not found.import_errors, found.import_errors
    return time.process_time() - begun


def main(pipelines: int) -> None:
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as folder:
        dags = bundle(Path(folder), pipelines)
        files = len(list(dags.glob("*.py")))
        first, *again = [parse(dags) for _ in range(6)]
    later = sorted(again)[len(again) // 2]
    print(f"{'':24}{'first':>10}{'later':>10}   ms of CPU, {pipelines} pipelines in {files} files")
    print(f"{'per file':24}{first / files * 1000:10.1f}{later / files * 1000:10.1f}")
    print(f"{'per pipeline':24}{first / pipelines * 1000:10.2f}{later / pipelines * 1000:10.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
