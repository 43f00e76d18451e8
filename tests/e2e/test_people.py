"""People stand in the way of a release where they are wanted there: approvals, and the line that is stopped."""

from __future__ import annotations

import pytest

from airdock.aws.people import FREEZE
from demo.place import ADMIN
from demo.releases import Change
from demo.rest import RestError
from tests.e2e.line import Line
from tests.e2e.pipelines import ASKED

APPROVE, HOLD = "production.approve", "production.hold"
OVERTAKEN = Change("4.0.0", "Ask people, and change your mind")
WANTED = Change("4.1.0", "Ask people, and wait for their word")
REASON = "the payment provider is down"


def test_overtaken_question_is_withdrawn_its_author_is_refused_and_a_stopped_line_holds_it(line: Line) -> None:
    line.push(OVERTAKEN)
    first = line.trigger(ASKED)
    line.wait_for_task(first, APPROVE, "deferred")
    commit = line.push(WANTED)
    second = line.trigger(ASKED)
    assert "question was withdrawn" in line.expect(first, "failed", "superseded")["sentence"]

    line.wait_for_task(second, APPROVE, "deferred")
    question = line.user("bob").question(ASKED, second, APPROVE)
    assert commit in question["body"]
    assert "dana@example.com" in question["body"]
    with pytest.raises(RestError, match="is not a respondent"):
        line.user("alice").answer(ASKED, second, APPROVE, "Approve")

    line.user(ADMIN).set_variable(FREEZE, {"by": "bob", "at": "2026-11-23T12:00:00+00:00", "reason": REASON})
    _approved(line, second)
    line.wait_for_task(second, HOLD, "deferred")
    assert f"bob stopped the line at 2026-11-23T12:00:00+00:00: {REASON}" in line.log(second, HOLD)
    assert line.digest_in_production() != line.digest_of(commit)

    line.user(ADMIN).delete_variable(FREEZE)
    line.expect(second, "success", "live")
    assert line.digest_in_production() == line.digest_of(commit)
    assert line.airflow.xcom(ASKED, second, APPROVE)["sentence"] == "approved by bob"


def _approved(line: Line, run_id: str) -> None:
    """Bob approves, and once more if he is asked again: within the first seconds Airflow 3.3 can lose an answer."""
    bob = line.user("bob")

    def approved() -> bool:
        asked = not bob.question(ASKED, run_id, APPROVE)["response_received"]
        if asked and line.task_states(run_id)[APPROVE] == "deferred":
            bob.answer(ASKED, run_id, APPROVE, "Approve")
        return line.task_states(run_id)[APPROVE] == "success"

    line.until(approved, 120, lambda: line.story(run_id))
