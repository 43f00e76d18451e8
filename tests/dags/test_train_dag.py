"""The DAG `release_train` as Airflow parses it, with its own file and the pipelines that go with it."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG

DAGS = Path(__file__).parents[2] / "dags"
SETTINGS = "schedule: 30 2 * * 1-5\ntimezone: Europe/Berlin\nat_once: 3\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The shipped dags, and three applications that go with the train beside the one that does not."""
    made = copytree(DAGS, tmp_path / "dags", ignore=lambda *_: ["__pycache__"])
    greeter = (made / "pipelines" / "greeter.yaml").read_text()
    for name, needed in {"store": "[]", "api": "[store]", "web": "[api, greeter]"}.items():
        text = greeter.replace("application: greeter", f"application: {name}", 1)
        (made / "pipelines" / f"{name}.yaml").write_text(f"{text}\ntrain:\n  depends_on: {needed}\n")
    (made / "release_train.yaml").write_text(SETTINGS)
    return made


def put_back(folder: Path) -> Path:
    (folder / "release_train.yaml").write_text(f"{SETTINGS}on_failure: put_back\n")
    return folder


def train(folder: Path) -> DAG:
    bag = DagBag(str(folder))
    assert bag.import_errors == {}
    return bag.dags["release_train"]


def edges(dag: DAG) -> set[tuple[str, str]]:
    return {(up, down) for up, task in dag.task_dict.items() for down in task.downstream_task_ids}


def refusal(folder: Path) -> str:
    """The train's import error; every pipeline's own dag is there nevertheless."""
    bag = DagBag(str(folder))
    assert {"deliver_api", "deliver_greeter", "deploy_web"} <= set(bag.dags)
    [(where, told)] = bag.import_errors.items()
    assert where.endswith("release_train.py")
    return told


def depend(folder: Path, application: str, needed: str) -> None:
    path = folder / "pipelines" / f"{application}.yaml"
    path.write_text(f"{path.read_text().partition('train:')[0]}train:\n  depends_on: {needed}\n")


def test_without_its_file_there_is_no_train() -> None:
    assert "release_train" not in DagBag(str(DAGS)).dags


def test_wave_follows_wave_and_the_summary_is_the_last_word(folder: Path) -> None:
    assert edges(train(folder)) == {
        ("choose", "wave_1.begin"),
        ("wave_1.begin", "wave_1.deliver"),
        ("wave_1.deliver", "wave_2.begin"),
        ("wave_2.begin", "wave_2.deliver"),
        ("wave_2.deliver", "wave_3.begin"),
        ("wave_3.begin", "wave_3.deliver"),
        ("wave_1.deliver", "summary"),
        ("wave_2.deliver", "summary"),
        ("wave_3.deliver", "summary"),
    }
    assert train(folder).task_dict["summary"].trigger_rule == "all_done"


def test_what_goes_back_goes_in_reverse_once_every_delivery_has_ended(folder: Path) -> None:
    dag = train(put_back(folder))
    last = dag.task_dict["put_back.wave_3.begin"]
    assert last.upstream_task_ids == {"wave_1.deliver", "wave_2.deliver", "wave_3.deliver"}
    assert dag.task_dict["put_back.wave_2.begin"].upstream_task_ids == {"put_back.wave_3.deploy"}
    assert dag.task_dict["put_back.wave_1.begin"].upstream_task_ids == {"put_back.wave_2.deploy"}
    assert dag.task_dict["summary"].upstream_task_ids == {"put_back.wave_1.deploy"}
    # One that can't go back keeps no other from it.
    begins = [dag.task_dict[f"put_back.wave_{number}.begin"] for number in (1, 2, 3)]
    assert {task.trigger_rule for task in begins} == {"all_done"}


@pytest.mark.parametrize(
    ("dag_id", "conf"),
    [
        ("deliver_api", {"environment": "production"}),
        ("deploy_api", {"release": "20261123T120100Z-00000000", "environment": "production"}),
    ],
)
def test_the_applications_dags_take_what_the_train_gives_them(folder: Path, dag_id: str, conf: dict[str, str]) -> None:
    params = DagBag(str(folder)).dags[dag_id].params
    assert set(conf) <= set(params)
    params.update(conf)
    params.validate()


def test_the_limit_counts_for_both_directions(folder: Path) -> None:
    dag = train(put_back(folder))
    for name in ("wave_1.deliver", "wave_3.deliver", "put_back.wave_2.deploy"):
        assert dag.task_dict[name].max_active_tis_per_dagrun == 3


def test_the_train_leaves_by_its_own_clock_and_never_twice_at_once(folder: Path) -> None:
    dag = train(folder)
    assert (dag.catchup, dag.max_active_runs) == (False, 1)
    assert (dag.timetable.expression, str(dag.timetable.timezone)) == ("30 2 * * 1-5", "Europe/Berlin")  # type: ignore[attr-defined]


def test_a_circle_is_told_with_its_place_and_breaks_no_other_dag(folder: Path) -> None:
    depend(folder, "store", "[web]")
    told = refusal(folder)
    assert " needs " in told
    assert "train.depends_on" in told
    assert ".yaml:" in told


def test_unknown_names_are_told_all_at_once_with_the_ones_that_were_meant(folder: Path) -> None:
    depend(folder, "api", "[stor]")
    depend(folder, "web", "[apy]")
    told = refusal(folder)
    assert "Did you mean 'store'?" in told
    assert "Did you mean 'api'?" in told
    line = (folder / "pipelines" / "api.yaml").read_text().splitlines().index("  depends_on: [stor]") + 1
    assert f"api.yaml:{line}:" in told


def test_a_train_to_an_environment_that_a_pipeline_lacks_is_refused(folder: Path) -> None:
    (folder / "release_train.yaml").write_text(f"{SETTINGS}environment: staging\n")
    assert "the train goes to staging, this pipeline to production" in refusal(folder)


@pytest.mark.parametrize("text", ["schedule: 30 2 * * *\nat_one: 3\n", "schedule: 99 99 * * *\n"])
def test_a_broken_file_of_the_train_is_the_trains_own_trouble(folder: Path, text: str) -> None:
    (folder / "release_train.yaml").write_text(text)
    assert refusal(folder)


def test_who_depends_on_a_broken_pipeline_still_goes(folder: Path) -> None:
    (folder / "pipelines" / "store.yaml").write_text("application: store\n")
    bag = DagBag(str(folder))
    assert {task for task in bag.dags["release_train"].task_dict if "wave" in task} == {
        "wave_1.begin",
        "wave_1.deliver",
        "wave_2.begin",
        "wave_2.deliver",
    }
