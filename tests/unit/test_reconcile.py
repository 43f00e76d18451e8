"""What should be, against what is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from airdock.plan.lease import Lease
from airdock.plan.push import DELIVERY
from airdock.plan.push_run import conf_of
from airdock.plan.reconcile import drift, left_behind, lost_push, missed

OLD, NEW = "a" * 40, "b" * 40
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("head", "begun", "waiting", "first", "act", "told"),
    [
        (NEW, OLD, 0, False, True, "main is at bbbbbbbbbbbb, and no delivery has begun with it"),
        (NEW, OLD, 0, True, True, "main is at bbbbbbbbbbbb, and no delivery has begun with it"),
        (NEW, OLD, 1, False, False, "a run waits that may be of it"),
        (NEW, NEW, 0, False, False, "as delivered"),
        (NEW, None, 0, True, False, "was never delivered"),
        (NEW, None, 0, False, True, "no delivery has begun with it"),
        (NEW, None, 1, False, False, "a run waits that may be of it"),
        ("", OLD, 0, False, False, "main is gone"),
    ],
)
def test_a_head_that_nobody_began_with_was_missed(
    head: str, begun: str | None, waiting: int, first: bool, act: bool, told: str
) -> None:
    decided = missed("main", head, begun, waiting, first)
    assert decided.act is act
    assert told in decided.sentence


def test_a_lost_push_has_one_run_id_and_names_its_branch() -> None:
    push, again, later, other = (
        lost_push("acme/greeter", "refs/heads/main", before, began, NEW)
        for before, began in ((OLD, "github__1"), (OLD, "github__1"), (OLD, "github__2"), ("c" * 40, "github__1"))
    )
    assert push.run_id.startswith(f"reconcile__{NEW}.")
    assert DELIVERY.accepts(push.delivery)
    assert push == again
    assert len({push.run_id, later.run_id, other.run_id}) == 3
    assert conf_of(push) == {"revision": NEW, "ref": "refs/heads/main"}


def a_lease(expires: str = "2026-11-24T00:00:00+00:00", released: bool = False) -> Lease:
    return Lease(3, "deliver_greeter", "manual__1", "2026-11-23T11:00:00+00:00", expires, released)


@pytest.mark.parametrize("state", ["success", "failed"])
def test_the_lease_of_a_run_that_is_over_was_left_behind(state: str) -> None:
    assert left_behind(a_lease(), state, NOW).act


@pytest.mark.parametrize("state", ["running", "queued", None])
def test_the_lease_of_a_run_at_work_or_of_another_airflow_is_left_alone(state: str | None) -> None:
    assert not left_behind(a_lease(), state, NOW).act


def test_the_lease_of_a_run_that_nobody_knows_any_more_ends_with_its_time() -> None:
    decided = left_behind(a_lease(expires="2026-11-23T11:30:00+00:00"), None, NOW)
    assert decided.act
    assert "has not given the lease back, which ended at 2026-11-23T11:30:00+00:00" in decided.sentence


def test_a_lease_that_was_given_back_or_never_taken_is_nobodys() -> None:
    assert not left_behind(a_lease(released=True), "failed", NOW).act
    assert not left_behind(None, None, NOW).act


def test_another_revision_of_the_same_image_is_drift_where_the_record_knows_its_own() -> None:
    older, newer = (f"arn:aws:ecs:eu-west-1:1:task-definition/greeter:{number}" for number in (6, 7))
    told = drift("sha256:1", OLD, "sha256:1", older, newer)
    assert told == "runs greeter:6, but the release that was last verified here is greeter:7 (aaaaaaaaaaaa)"
    assert drift("sha256:1", OLD, "sha256:1", newer, newer) == drift("sha256:1", OLD, "sha256:1", older) == ""


def test_another_digest_than_the_recorded_one_is_drift() -> None:
    told = drift("sha256:1", OLD, "sha256:2", "arn:aws:ecs:eu-west-1:1:task-definition/greeter:7")
    assert told == ("runs sha256:2 (greeter:7), but the release that was last verified here is sha256:1 (aaaaaaaaaaaa)")
    assert (
        drift("sha256:1", OLD, "sha256:1", "") == drift("", "", "sha256:1", "") == drift("sha256:1", OLD, "", "") == ""
    )
