"""What is new of an application, by a real git server and the records in the local AWS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from airflow.sdk.exceptions import AirflowSkipException

from airdock.aws.hooks import Account
from airdock.aws.operators.release_train import ChooseApplicationsOperator
from airdock.aws.release_records import Records
from airdock.aws.unreleased import look
from airdock.errors import Fault
from airdock.plan.release_record import ReleaseRecord
from airdock.spec import Pipeline
from tests.fakes import a_context
from tests.git_server import GitServer, serving
from tests.unit.test_release_record import a_record

GREETER = Path(__file__).parents[2] / "dags" / "pipelines" / "greeter.yaml"


class Place:
    """A repository with an application in the folder `app`, and what is recorded of it."""

    def __init__(self, account: Account, server: GitServer, work: Path) -> None:
        self.application = f"app-{uuid4().hex[:8]}"
        self.server = server
        self._account = account
        self._work = work

    def push(self, path: str) -> str:
        """A commit that changes a file; its id."""
        file = self._work / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{uuid4()}\n")
        return self.server.push(self._work)

    def record(self, commit: str, **changes: Any) -> ReleaseRecord:
        made = replace(a_record(1), application=self.application, commit=commit, **changes)
        Records(self._account, self.application, "production").keep(made)
        return made

    def pipeline(self, **changes: Any) -> Pipeline:
        told = yaml.safe_load(GREETER.read_text()) | {"application": self.application, "train": {}}
        source = {"provider": "git", "repository": self.server.url()} | changes.pop("source", {})
        return Pipeline.model_validate({**told, "source": source, **changes})


@pytest.fixture
def place(account: Account, tmp_path: Path) -> Iterator[Place]:
    (tmp_path / "served").mkdir()
    (tmp_path / "work").mkdir()
    with serving(tmp_path / "served") as server:
        yield Place(account, server, tmp_path / "work")


def test_a_branch_that_moved_on_is_new_and_knows_the_way_back(place: Place) -> None:
    record = place.record(place.push("app/a"))
    place.push("app/a")
    found = look(place.pipeline(), "production")
    assert found.news is not None
    assert found.news.passed
    assert found.live == record


def test_what_is_live_is_not_new(place: Place) -> None:
    place.record(place.push("app/a"))
    found = look(place.pipeline(), "production")
    assert found.news is not None
    assert not found.news.passed


@pytest.mark.parametrize(("path", "new"), [("other/b", False), ("app/b", True), ("common/b", True)])
def test_in_a_shared_repository_only_its_own_paths_count(place: Place, path: str, new: bool) -> None:
    place.record(place.push("app/a"))
    place.push(path)
    found = look(place.pipeline(triggers={"paths": ["app"], "shared": ["common"]}), "production")
    assert found.news is not None
    assert found.news.passed is new


def test_after_a_forced_push_everything_is_new(place: Place) -> None:
    place.record("a" * 40)
    place.push("other/b")
    found = look(place.pipeline(triggers={"paths": ["app"]}), "production")
    assert found.news is not None
    assert found.news.passed


def test_a_branch_that_is_gone_is_told_and_stops_no_other(place: Place) -> None:
    place.push("app/a")
    found = look(place.pipeline(source={"branch": "gone"}), "production")
    assert found.news is None
    assert "has no branch 'gone'" in found.trouble


def test_a_server_that_does_not_answer_is_a_fault(place: Place) -> None:
    nobody = place.pipeline(source={"repository": "http://127.0.0.1:9/app.git"})
    with pytest.raises(Fault):
        look(nobody, "production")


def test_an_application_that_can_not_be_asked_is_left_out_by_the_last_try_and_the_others_go(place: Place) -> None:
    place.push("app/a")
    nobody = place.pipeline(application="nobody", source={"repository": "http://127.0.0.1:9/app.git"})
    choose = ChooseApplicationsOperator(
        task_id="choose",
        pipelines=[nobody, place.pipeline()],
        environments={place.application: "production", "nobody": "production"},
        retries=1,
    )
    context = a_context("choose")
    with pytest.raises(Fault):
        choose.execute(context)
    context["ti"].try_number = 2
    choose.execute(context)
    made = context["ti"].xcoms["choose", "journey"]
    assert [car["application"] for car in made["cars"]] == [place.application]
    assert "127.0.0.1:9" in made["unclear"]["nobody"]


def test_the_first_task_leaves_the_journey_and_skips_the_rest_when_nothing_is_new(place: Place) -> None:
    place.record(place.push("app/a"))
    context = a_context("choose")
    choose = ChooseApplicationsOperator(
        task_id="choose", pipelines=[place.pipeline()], environments={place.application: "production"}
    )
    with pytest.raises(AirflowSkipException):
        choose.execute(context)
    assert list(context["ti"].xcoms["choose", "journey"]["stays"]) == [place.application]
    place.push("app/a")
    choose.execute(context)
    [car] = context["ti"].xcoms["choose", "journey"]["cars"]
    assert (car["application"], car["wave"]) == (place.application, 1)
