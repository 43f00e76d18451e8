"""The check of a delivered service: its answers through the balancer, and what its tasks carry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airdock.aws.operators.verify import VerifyServiceOperator
from tests.blue_green import BlueGreen
from tests.delivery import a_release, a_target, connect
from tests.fakes import a_context, run_task
from tests.local_aws_process import LocalAws


@pytest.fixture(scope="module")
def stage(local_aws: LocalAws) -> BlueGreen:
    return BlueGreen(local_aws)


@pytest.fixture(autouse=True)
def connected(stage: BlueGreen, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    connect(stage.aws, monkeypatch)
    return


def verify(stage: BlueGreen, image: str = "", **asked: Any) -> Any:
    wanted = {"url": f"http://127.0.0.1:{stage.ports['production']}/", "timeout_seconds": 2, **asked}
    [task_set] = stage.task_sets()
    operator = VerifyServiceOperator(
        task_id="verify",
        target=a_target(verify=wanted),
        task_definition=a_release(task_set["taskDefinition"], image=image or stage.image),
        poll_seconds=0.3,
        handoff_seconds=0.5,
    )
    return run_task(operator, {**a_context("verify"), "task_state_store": None})


def test_a_service_that_answers_well_and_carries_the_digest_passes(stage: BlueGreen) -> None:
    record = verify(stage, contains="v1", good_answers=5, timeout_seconds=60)
    assert (record["good_answers"], record["running_tasks"]) == (5, 1)
    assert stage.image.endswith(record["digest"])


def test_a_wrong_answer_is_refused_with_what_came_instead(stage: BlueGreen) -> None:
    with pytest.raises(AirflowFailException, match=r"without 'v2' in the body; after 2 seconds"):
        verify(stage, contains="v2")


def test_a_wrong_status_is_refused(stage: BlueGreen) -> None:
    with pytest.raises(AirflowFailException, match="answered 200 where 204 is expected"):
        verify(stage, status=204)


def test_another_digest_than_the_delivered_one_is_refused(stage: BlueGreen) -> None:
    other = stage.image.partition("@")[0] + "@sha256:" + "0" * 64
    with pytest.raises(AirflowFailException, match=r"not greeter:\d+ with sha256:0000"):
        verify(stage, image=other)


def test_an_older_revision_with_the_same_image_is_refused(stage: BlueGreen) -> None:
    newer = a_release(stage.task_definition("v1", SETTING="new"), image=stage.image)
    operator = VerifyServiceOperator(task_id="verify", target=a_target(), task_definition=newer)
    with pytest.raises(AirflowFailException, match=r"is greeter:1 with sha256:\S+, not greeter:2 with"):
        run_task(operator, a_context("verify"))


def test_nothing_is_asked_where_no_question_is_set(stage: BlueGreen) -> None:
    [task_set] = stage.task_sets()
    released = a_release(task_set["taskDefinition"], image=stage.image)
    operator = VerifyServiceOperator(task_id="verify", target=a_target(), task_definition=released)
    assert run_task(operator, a_context("verify"))["running_tasks"] == 1


def test_a_metadata_address_is_refused_before_anything_is_asked(stage: BlueGreen) -> None:
    with pytest.raises(AirflowFailException, match="never asked"):
        verify(stage, url="http://169.254.169.254/latest/meta-data/")
