"""What people write is no template: not in a pipeline file, not in a repository, not in what a push or a run says.

Airflow renders the template fields of a task with all connections at hand. Here every text of a pipeline file and of
everything that a run brings is a template that asks for a password, and Airflow's own task runner renders every task.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
import yaml
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, BaseOperator
from airflow.serialization.serialized_objects import DagSerialization

from airdock.factory import deliver, deploy, receive_pushes, reconcile, release_tasks, release_train, tasks
from airdock.spec import Pipeline, ReleaseTrain
from tests.dags.poison import POISON, fields_in, fields_with_text, poisoned, texts
from tests.dags.rendering import SECRET, Supervisor, compiled, rendered

DAGS = Path(__file__).parents[2] / "dags"
EVERYTHING = Path(__file__).parent / "everything.yaml"
TRAIN = {
    "schedule": "30 2 * * *",
    "timezone": "Europe/Berlin",
    "environment": "production",
    "owner": "us",
    "on_failure": "put_back",
}
OWN_TEMPLATES = {
    "{{ params.revision }}",
    "{{ params.environment }}",
    "{{ params.release or '' }}",
    "{{ params.from_environment or '' }}",
    "{{ ti.xcom_pull(task_ids='build')['image']['digest'] }}",
    "{{ ti.xcom_pull(task_ids='choose_release', key='again') }}",
    "{{ task.application }}",
}
"""All that Airdock's DAGs have rendered; no word of them is of a file, a repository or a push."""
ASKED = {"GetXCom", "GetXComSequenceSlice", "SetRenderedFields", "SetRenderedMapIndex", "ValidateInletsAndOutlets"}
"""All that rendering them needs of Airflow: no connection, and no variable."""
RECORD = {
    "commit": {"sha": "c" * 40, "ref": POISON, "message": POISON, "author": POISON},
    "files": {"taskdef.json": POISON, POISON: [POISON, {POISON: POISON}]},
    "image": {"digest": POISON},
}
FOLLOWED = {"application": POISON, "run_dag_id": POISON, "environment": POISON, "conf": {"revision": POISON}}


@dataclass
class Team:
    """The DAGs of a team whose files are full of templates, the files themselves, and what parsing gave to Jinja."""

    pipelines: dict[str, Pipeline]
    train: ReleaseTrain
    dags: dict[str, DAG]
    parsing: set[str]


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    folder = copytree(DAGS, tmp_path_factory.mktemp("team") / "dags", ignore=lambda *_: ["__pycache__", "greeter.yaml"])
    files = [poisoned(each, Pipeline) for each in yaml.safe_load_all(EVERYTHING.read_text())]
    for file in files:
        (folder / "pipelines" / f"{file['application']}.yaml").write_text(json.dumps(file))
    train = poisoned(TRAIN, ReleaseTrain)
    (folder / "release_train.yaml").write_text(json.dumps(train))
    with pytest.MonkeyPatch.context() as patched, compiled() as parsing:
        patched.setenv(receive_pushes.QUEUE, "https://sqs.eu-west-1.amazonaws.com/123456789012/pushes")
        bag = DagBag(str(folder))
        for dag in bag.dags.values():
            DagSerialization.to_dict(dag)
    assert bag.import_errors == {}
    pipelines = {file["application"]: Pipeline.model_validate(file) for file in files}
    yield Team(pipelines, ReleaseTrain.model_validate(train), bag.dags, parsing)


@dataclass
class Run:
    """Every task of the DAGs as it would be executed, what was given to Jinja for them, and what was asked for."""

    tasks: list[Any]
    templates: set[str]
    supervisor: Supervisor


@pytest.fixture(scope="module")
def run(team: Team) -> Run:
    supervisor = Supervisor(_left_behind)
    with compiled() as templates:
        made = [rendered(task, supervisor, _conf(dag)) for dag in team.dags.values() for task in dag.tasks]
    return Run(made, templates, supervisor)


def _left_behind(task_id: str, key: str) -> Any:
    """What the tasks before have left, from a repository and from a push."""
    if task_id.endswith(".begin"):
        return [FOLLOWED]
    return POISON if key == "again" else RECORD


def _conf(dag: DAG) -> dict[str, Any]:
    """What somebody may give to a run of the DAG, with text wherever its form takes any."""
    chosen = {"environment": dag.params["environment"]} if "environment" in dag.params else {}
    return {"revision": POISON, "release": POISON, "ref": POISON, "not_after": POISON, **chosen}


def test_the_files_have_every_setting_that_holds_a_text(team: Team) -> None:
    """A new setting of the models fails here until everything.yaml has it."""
    written = fields_in(team.train).union(*map(fields_in, team.pipelines.values()))
    assert (fields_with_text(Pipeline) | fields_with_text(ReleaseTrain)) - written == set()


def test_every_operator_that_the_dags_are_made_of_is_rendered(run: Run) -> None:
    made_of = {
        each
        for module in (deploy, receive_pushes, reconcile, release_tasks, release_train, tasks)
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, BaseOperator) and each is not BaseOperator
    }
    assert len(made_of) > 20
    assert {type(task) for task in run.tasks} == made_of


def test_parsing_gives_nothing_to_jinja(team: Team) -> None:
    assert team.parsing == set()


def test_nothing_but_the_dags_own_templates_is_rendered(run: Run) -> None:
    assert run.templates == OWN_TEMPLATES
    assert set(run.supervisor.asked) == ASKED


def test_no_task_has_files_or_a_trigger_whose_words_would_be_rendered_and_none_leaves_the_sandbox(run: Run) -> None:
    told = {(task.template_ext, task.start_trigger_args, task.dag.render_template_as_native_obj) for task in run.tasks}
    assert told == {((), None, False)}


def test_every_text_of_the_files_arrives_as_it_was_written(team: Team, run: Run) -> None:
    written = [each.model_dump() for each in (*team.pipelines.values(), team.train)]
    hostile = {text for text in texts(written) if "{{" in text}
    told = [text for dag in team.dags.values() for text in (dag.description, dag.doc_md) if text]
    arrived = {*_texts_held(run.tasks), *told}
    assert len(hostile) > 40
    assert hostile - arrived == set()
    assert SECRET not in "".join(arrived)


def test_what_a_run_brings_is_rendered_once(run: Run) -> None:
    """A record of a repository, a revision, a release: what Airflow has put in the place of Airdock's own templates."""
    found = [getattr(task, name) for task in run.tasks for name in task.template_fields]
    filled = [each for each in found if each and each != "production"]
    assert RECORD in filled
    assert POISON in filled
    assert [each for each in filled if each not in (RECORD, POISON)] == []
    [followed, *_] = [task for task in run.tasks if task.task_id == "wave_1.deliver"]
    assert {name: getattr(followed, name) for name in FOLLOWED} == FOLLOWED


def test_a_branch_that_looks_like_a_template_is_the_default_revision_all_the_same(team: Team) -> None:
    for pipeline in team.pipelines.values():
        clone = deliver.deliver(pipeline).task_dict["clone_source"]
        assert rendered(clone, Supervisor(_left_behind), {}).revision == pipeline.source.branch


def test_an_operator_that_has_such_a_text_rendered_would_be_caught() -> None:
    class Careless(BaseOperator):
        template_fields = ("command",)

        def __init__(self, *, command: Any, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.command = command

    supervisor = Supervisor(_left_behind)
    with DAG("careless", schedule=None), compiled() as sources:
        careless = rendered(Careless(task_id="careless", command={"run": [POISON]}), supervisor, {})
    assert careless.command == {"run": [SECRET * 2]}
    assert POISON in sources
    assert "GetConnection" in supervisor.asked


def _texts_held(part: Any) -> Iterator[str]:
    """The texts in a task, and in all of Airdock's own that it holds."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict):
        yield from _texts_held([*part.keys(), *part.values()])
    elif isinstance(part, list | tuple | set):
        for each in part:
            yield from _texts_held(each)
    elif is_dataclass(part):
        yield from _texts_held([getattr(part, each.name) for each in fields(part)])
    elif type(part).__module__.startswith("airdock."):
        yield from _texts_held(vars(part))
