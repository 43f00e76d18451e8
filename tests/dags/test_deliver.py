"""The delivery DAGs as Airflow parses them."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from shutil import copytree
from types import ModuleType, SimpleNamespace

import pytest
import yaml
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowSkipException

from airdock.factory import ahead, catalogue, deliver, deploy
from airdock.spec import load

DAGS = Path(__file__).parents[2] / "dags"


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("parsing a DAG file opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return copytree(DAGS, tmp_path / "dags", ignore=lambda *_: ["__pycache__"])


def bag(folder: Path) -> DagBag:
    return DagBag(str(folder))


@pytest.fixture
def greeter() -> Iterator[DAG]:
    yield bag(DAGS).dags["deliver_greeter"]


def test_the_shipped_pipelines_have_no_import_errors() -> None:
    assert bag(DAGS).import_errors == {}


def test_the_graph_reads_from_source_to_verdict(greeter: DAG) -> None:
    edges = {(up, down) for up, task in greeter.task_dict.items() for down in task.downstream_task_ids}
    assert edges == {
        ("clone_source", "build"),
        ("build", "wait_for_scan"),
        ("wait_for_scan", "production.hold"),
        ("production.hold", "production.preflight"),
        ("production.preflight", "production.register"),
        ("production.register", "production.deploy"),
        ("production.deploy", "production.verify"),
        ("production.deploy", "production.roll_back"),
        ("production.verify", "production.roll_back"),
        ("production.verify", "production.verdict"),
        ("production.roll_back", "production.verdict"),
        ("production.register", "production.prune"),
        ("production.prune", "production.verdict"),
    }


def test_a_record_is_left_once_and_not_in_parts_as_well(greeter: DAG) -> None:
    assert {name for name, task in greeter.task_dict.items() if task.multiple_outputs} == set()


def test_only_a_task_that_starts_a_job_in_aws_links_to_one(greeter: DAG) -> None:
    linked = {name for name, task in greeter.task_dict.items() if task.operator_extra_links}
    assert linked == {"build", "production.deploy", "production.roll_back"}


def test_the_trigger_form_offers_revision_and_environment_with_help(greeter: DAG) -> None:
    assert set(greeter.params) == {"revision", "environment"}
    for name in greeter.params:
        assert greeter.params.get_param(name).description
    assert greeter.params.get_param("environment").schema["enum"] == ["production"]


def test_every_field_of_the_forms_is_a_param_that_the_first_task_takes() -> None:
    dags = bag(DAGS).dags
    for dag_id, first in (("deliver_greeter", "clone_source"), ("deploy_greeter", "choose_release")):
        assert set(dags[dag_id].params) <= set(dags[dag_id].task_dict[first].params_known)


def test_the_verdict_always_runs_and_nothing_beside_it_decides_the_state_of_the_run(greeter: DAG) -> None:
    assert {task.task_id for task in greeter.leaves} == {"production.verdict"}
    assert greeter.task_dict["production.verdict"].trigger_rule == "all_done"


def test_the_verdict_does_not_wait_long_for_old_revisions_to_go(greeter: DAG) -> None:
    prune = greeter.task_dict["production.prune"]
    assert (prune.retries, prune.execution_timeout) == (0, timedelta(minutes=5))


@pytest.fixture
def two_environments(folder: Path) -> DAG:
    """The greeter with a staging environment before production."""
    path = folder / "pipelines" / "greeter.yaml"
    told = yaml.safe_load(path.read_text())
    told["environments"] = {"staging": {**told["environments"]["production"], "service": "greeter-staging"}} | told[
        "environments"
    ]
    path.write_text(json.dumps(told))
    return bag(folder).dags["deliver_greeter"]


def test_an_environment_begins_when_the_one_before_it_is_live(two_environments: DAG) -> None:
    dag = two_environments
    assert dag.task_dict["staging.hold"].upstream_task_ids == {"wait_for_scan"}
    assert dag.task_dict["production.hold"].upstream_task_ids == {"staging.verdict"}
    assert {task.task_id for task in dag.leaves} == {"production.verdict"}
    assert dag.params.get_param("environment").schema["enum"] == ["staging", "production"]


def test_a_run_that_ends_at_staging_skips_production(two_environments: DAG) -> None:
    first = two_environments.task_dict["production.hold"]._pre_execute_hook
    assert first is not None
    first({"params": {"environment": "production"}})
    with pytest.raises(AirflowSkipException, match="ends at staging"):
        first({"params": {"environment": "staging"}})
    assert two_environments.task_dict["staging.hold"]._pre_execute_hook is None


def test_an_approval_comes_before_the_lease_that_others_may_want(folder: Path) -> None:
    path = folder / "pipelines" / "greeter.yaml"
    told = yaml.safe_load(path.read_text())
    told["environments"]["production"]["approval"] = {"approvers": [{"user": "alice"}]}
    path.write_text(json.dumps(told))
    dags = bag(folder).dags
    assert dags["deliver_greeter"].task_dict["production.approve"].upstream_task_ids == {"wait_for_scan"}
    assert dags["deploy_greeter"].task_dict["production.approve"].upstream_task_ids == {"choose_release"}
    for dag in ("deliver_greeter", "deploy_greeter"):
        assert dags[dag].task_dict["production.hold"].upstream_task_ids == {"production.approve"}


@pytest.mark.parametrize(
    ("policy", "at_once", "newest_wins"), [("supersede", 1, True), ("queue", 1, False), ("parallel", 8, True)]
)
def test_the_policy_says_how_many_deliveries_go_together_and_which_is_wanted(
    folder: Path, policy: str, at_once: int, newest_wins: bool
) -> None:
    path = folder / "pipelines" / "greeter.yaml"
    told = yaml.safe_load(path.read_text()) | {"concurrency": policy, "triggers": {"paths": ["services/greeter"]}}
    told["environments"]["production"]["approval"] = {"approvers": [{"user": "alice"}]}
    path.write_text(json.dumps(told))
    dag = bag(folder).dags["deliver_greeter"]
    assert dag.max_active_runs == at_once
    for task in (dag.task_dict["clone_source"], dag.task_dict["production.approve"]):
        assert (task.newest_wins, task.triggers.paths) == (newest_wins, ["services/greeter"])


def test_one_off_tasks_run_around_the_traffic_and_a_failing_one_leads_back(folder: Path) -> None:
    path = folder / "pipelines" / "greeter.yaml"
    told = yaml.safe_load(path.read_text())
    told["environments"]["production"] |= {
        "before_traffic": [{"name": "migrate", "command": ["migrate"]}, {"name": "check", "command": ["check"]}],
        "after_traffic": [{"name": "warm", "command": ["warm"]}],
    }
    path.write_text(json.dumps(told))
    line = bag(folder).dags["deliver_greeter"].task_dict
    before = [line[f"production.{name}"].upstream_task_ids for name in ("run_migrate", "run_check", "deploy")]
    assert before == [{"production.register"}, {"production.run_migrate"}, {"production.run_check"}]
    assert line["production.run_warm"].upstream_task_ids == {"production.verify"}
    assert line["production.roll_back"].upstream_task_ids == {
        "production.deploy",
        "production.verify",
        "production.run_warm",
    }
    assert "production.run_warm" in line["production.verdict"].upstream_task_ids


def test_what_follows_a_release_comes_after_the_check_and_leads_nowhere_back(folder: Path) -> None:
    path = folder / "pipelines" / "greeter.yaml"
    told = yaml.safe_load(path.read_text())
    told["environments"]["production"] |= {
        "scheduled": [{"rule": "nightly"}],
        "task_definition": {"from": "infrastructure", "parameter": "/greeter/image"},
    }
    path.write_text(json.dumps(told))
    line = bag(folder).dags["deliver_greeter"].task_dict
    assert line["production.retarget"].upstream_task_ids == {"production.verify"}
    assert line["production.export_image"].upstream_task_ids == {"production.retarget"}
    assert line["production.roll_back"].upstream_task_ids == {"production.deploy", "production.verify"}
    assert "production.export_image" in line["production.verdict"].upstream_task_ids


def test_a_live_release_is_an_event_of_its_asset(greeter: DAG) -> None:
    [asset] = greeter.task_dict["production.verdict"].outlets
    assert asset.uri == "x-airdock://greeter/production"
    assert not [task for task in greeter.tasks if task.outlets and task.task_id != "production.verdict"]


def test_a_broken_pipeline_breaks_itself_alone_and_visibly(folder: Path) -> None:
    (folder / "pipelines" / "broken.yaml").write_text("application: broken\nsorce: {}\n")
    found = bag(folder)
    assert set(found.dags) == {"deliver_greeter", "deploy_greeter", "reconcile"}
    [(where, told)] = found.import_errors.items()
    assert "broken_pipelines.py" in where
    assert "broken.yaml" in told
    assert "sorce" in told
    assert "source" in told


def test_a_pipeline_file_with_the_wrong_ending_is_told_and_not_passed_over(folder: Path) -> None:
    (folder / "pipelines" / "other.yml").write_text("application: other\n")
    [told] = bag(folder).import_errors.values()
    assert "other.yml" in told
    assert "other.yaml" in told


@pytest.mark.parametrize("wanted", ["deliver_other", "deploy_other"])
def test_a_task_run_reads_the_one_pipeline_that_it_is_of(
    folder: Path, wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (folder / "pipelines" / "greeter.yaml").read_text()
    (folder / "pipelines" / "other.yaml").write_text(text.replace("application: greeter", "application: other"))
    read: list[Path] = []
    monkeypatch.setattr(catalogue, "load", lambda path: read.append(path) or load(path))
    monkeypatch.setattr(ahead, "get_parsing_context", lambda: SimpleNamespace(dag_id=wanted))
    [dag] = wanted_by(wanted).build_dags(folder / "pipelines")
    assert (dag.dag_id, [path.name for path in read]) == (wanted, ["other.yaml"])


def wanted_by(dag_id: str) -> ModuleType:
    return deliver if dag_id.startswith("deliver") else deploy
