"""DAGs that a process has built before it forks, for its forks to inherit.

Airflow parses each dag file in a fork of the dag processor, again and again, and what a fork has built goes with it:
each would build every DAG anew, though hardly ever a pipeline has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from airflow.sdk import DAG, get_parsing_context

from airdock.factory.catalogue import wanted_pipelines
from airdock.spec import Pipeline

Build = Callable[[Pipeline], DAG]

_built: dict[tuple[str, str], tuple[Pipeline, DAG]] = {}
"""By prefix and application: a DAG, and the pipeline that it was built from."""


def build_ahead(pipelines: Iterable[Pipeline], prefix: str, build: Build) -> None:
    """Build these DAGs now, and keep them. An unchanged file is read as the same pipeline again: see `spec.parse`."""
    for pipeline in pipelines:
        _built[prefix, pipeline.application] = pipeline, build(pipeline)


def dags(folder: Path, prefix: str, build: Build) -> list[DAG]:
    """The DAG of every sound pipeline file in the folder, or only the one that Airflow asks for."""
    wanted = get_parsing_context().dag_id
    return [_dag(pipeline, prefix, build) for pipeline in wanted_pipelines(folder, prefix, wanted)]


def _dag(pipeline: Pipeline, prefix: str, build: Build) -> DAG:
    known, dag = _built.get((prefix, pipeline.application), (None, None))
    if dag is None or known is not pipeline:
        return build(pipeline)
    with dag:  # Airflow takes the DAGs that a file has entered, as `build` enters them.
        return dag
