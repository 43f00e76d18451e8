"""The DAGs that bring a recorded release somewhere, as Airflow parses them."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowSkipException

DAGS = Path(__file__).parents[2] / "dags"


@pytest.fixture
def greeter() -> DAG:
    return DagBag(str(DAGS)).dags["deploy_greeter"]


def test_the_graph_chooses_and_then_goes_the_way_of_every_delivery_without_a_build(greeter: DAG) -> None:
    edges = {(up, down) for up, task in greeter.task_dict.items() for down in task.downstream_task_ids}
    assert {edge for edge in edges if "prune" not in "".join(edge)} == {
        ("choose_release", "production.hold"),
        ("production.hold", "production.preflight"),
        ("production.preflight", "production.register"),
        ("production.register", "production.deploy"),
        ("production.deploy", "production.verify"),
        ("production.deploy", "production.roll_back"),
        ("production.verify", "production.roll_back"),
        ("production.verify", "production.verdict"),
        ("production.roll_back", "production.verdict"),
    }
    assert not [task for task in greeter.task_dict if "build" in task or "scan" in task]


def test_the_form_asks_for_release_and_environment_with_help(greeter: DAG) -> None:
    assert set(greeter.params) == {"release", "environment", "from_environment"}
    for name in greeter.params:
        assert greeter.params.get_param(name).description
    assert greeter.params.get_param("environment").schema["enum"] == ["production"]


def test_the_form_can_be_sent_as_it_is(greeter: DAG) -> None:
    """Airflow's form holds a text that may not be null for missing while it is empty."""
    assert [name for name in greeter.params if greeter.params[name] == ""] == []
    greeter.params.validate()


def test_an_environment_that_was_not_asked_for_is_skipped(greeter: DAG) -> None:
    first = greeter.task_dict["production.hold"]._pre_execute_hook
    assert first is not None
    first({"params": {"environment": "production"}})
    with pytest.raises(AirflowSkipException, match="goes to staging"):
        first({"params": {"environment": "staging"}})
