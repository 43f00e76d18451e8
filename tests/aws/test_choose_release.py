"""Which release goes where: promoted from another environment by what is recorded, with its files from its commit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from airdock.aws.code_repositories import CodeRepository
from airdock.aws.hooks import Account
from airdock.aws.operators.choose_release import ChooseReleaseOperator
from airdock.aws.release_records import Records
from airdock.plan.release_record import ReleaseRecord
from tests.delivery import a_target
from tests.fakes import a_context
from tests.git_server import GitServer, serving
from tests.local_aws_process import LocalAws
from tests.unit.test_release_record import a_record


class Place:
    """An application with a staging and a production environment, and its repository."""

    def __init__(self, aws: LocalAws, account: Account, server: GitServer, work: Path) -> None:
        self.application = f"app-{uuid4().hex[:8]}"
        self.commit = server.push(work)
        self._repository = CodeRepository("git", server.url(), account)
        self._account = account
        ecs = aws.client("ecs")
        ecs.create_cluster(clusterName=self.application)
        container = {"name": "web", "image": "x.example/greeter:1", "memory": 64}
        made = ecs.register_task_definition(family=self.application, containerDefinitions=[container])
        self.arn = made["taskDefinition"]["taskDefinitionArn"]
        for name in ("staging", "production"):
            ecs.create_service(cluster=self.application, serviceName=name, taskDefinition=self.arn, desiredCount=0)

    def record(self, environment: str, **changes: Any) -> ReleaseRecord:
        """Keep the record of a release that went live."""
        made = a_record(1, application=self.application, environment=environment, commit=self.commit)
        kept = replace(made, **{"task_definition": self.arn, **changes})
        Records(self._account, self.application, environment).keep(kept)
        return kept

    def choose(self, conf: dict[str, Any] | None = None, **arguments: str) -> dict[str, Any]:
        """The XComs of the task."""
        targets = {
            name: a_target(cluster=self.application, service=name, task_definition={"from": "repository"})
            for name in ("staging", "production")
        }
        given = {"release": "", "environment": "production", "from_environment": "", **arguments}
        operator = ChooseReleaseOperator(
            task_id="choose_release",
            application=self.application,
            repository=self._repository,
            files=["taskdef.json"],
            environments=targets,
            **given,
        )
        context = a_context("choose_release")
        context["dag_run"].conf = conf or {}
        operator.execute(context)
        return {key: value for (_, key), value in context["ti"].xcoms.items()}


@pytest.fixture
def place(local_aws: LocalAws, account: Account, tmp_path: Path) -> Iterator[Place]:
    (tmp_path / "served").mkdir()
    work = tmp_path / "work"
    work.mkdir()
    (work / "taskdef.json").write_text("{}\n")
    with serving(tmp_path / "served") as server:
        yield Place(local_aws, account, server, work)


def test_a_promotion_takes_the_files_of_its_commit_and_runs_what_comes_before_traffic(place: Place) -> None:
    record = place.record("staging")
    left = place.choose(from_environment="staging")
    assert left["source"]["commit"]["sha"] == place.commit
    assert left["source"]["files"] == {"taskdef.json": "{}\n"}
    assert left["build"]["image"]["digest"] == record.digest
    assert (left["build"]["task_definition"], left["again"]) == ("", False)


def test_a_release_that_was_live_there_before_runs_nothing_before_its_traffic(place: Place) -> None:
    place.record("staging")
    place.record("production")
    place.record("production", key="29990101T000000Z-00000000", image=f"x.example/greeter@sha256:{'f' * 64}")
    assert place.choose(from_environment="staging")["again"] is True


def test_a_release_of_the_same_image_from_another_commit_was_never_there(place: Place) -> None:
    """Its files differ: what comes before traffic runs, and whoever approves is asked."""
    place.record("production", commit="d" * 40)
    record = place.record("staging")
    left = place.choose(from_environment="staging")
    assert (left["build"]["image"]["digest"], left["again"]) == (record.digest, False)


def test_what_runs_there_already_is_left_alone(place: Place) -> None:
    place.record("staging")
    place.record("production")
    with pytest.raises(AirflowSkipException, match="there is nothing to do"):
        place.choose(from_environment="staging")


def test_without_a_record_there_is_nothing_to_go_to(place: Place) -> None:
    with pytest.raises(AirflowFailException, match="nothing to go to"):
        place.choose()


def test_a_param_that_there_is_not_is_refused(place: Place) -> None:
    place.record("staging")
    with pytest.raises(AirflowFailException, match="did you mean 'from_environment'"):
        place.choose({"from_enviroment": "staging"}, from_environment="staging")
    known = {"release": None, "environment": "production", "from_environment": "staging", "instead_of": "1"}
    assert place.choose(known, from_environment="staging")["again"] is False
