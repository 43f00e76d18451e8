"""What an Airflow process does once at its start, because each of its forks would do it again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from airflow.sdk import DAG

from airdock.factory import deliver, deploy
from airdock.factory.ahead import build_ahead
from airdock.factory.catalogue import sound_pipelines
from airdock.spec import Pipeline


def prepare_parses(folder: Path) -> None:
    """For the dag processor: build all DAGs, a tenth of a MB for a service.

    One is serialised, for that imports what Airflow imports only then.
    """
    pipelines = list(sound_pipelines(folder))
    _build(pipelines)
    if pipelines:
        from airflow.serialization.serialized_objects import DagSerialization

        DagSerialization.to_dict(deliver.deliver(pipelines[0]))


def prepare_tasks(folder: Path) -> None:
    """For what runs tasks, each of which builds one DAG and renders its templates: do both with any.

    With them goes all that Python makes but once: Jinja's lexer and what else it makes for its first template take
    seven milliseconds.
    """
    _build(list(islice(sound_pipelines(folder), 1)))
    DAG("any").get_template_env().from_string("{{ any }}").render(any="")


def _build(pipelines: Sequence[Pipeline]) -> None:
    build_ahead(pipelines, deliver.PREFIX, deliver.deliver)
    build_ahead(pipelines, deploy.PREFIX, deploy.deploy)
