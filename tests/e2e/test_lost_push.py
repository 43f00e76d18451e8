"""A push that nobody heard of, because the api-server was down, is live after the next look around."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from demo.events import PUSH_RULE, make_push_rule
from demo.releases import Change
from demo.stack import Stack
from tests.e2e.line import Line, place_for_tests, started

HEARD = Change("5.0.0", "Push this while somebody listens")
UNHEARD = Change("5.1.0", "Push this while nobody listens")
INTERVAL_SECONDS = 30
SPARE_SECONDS = 30
"""What Airflow takes to begin a look, and the look to start the run, on a busy machine."""
TOLD = "select run_id from dag_run where dag_id = 'deliver_greeter' and run_id like 'codecommit__%'"


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """A line of its own, which looks around twice a minute, and whose pushes start deliveries by the webhook."""
    minutes = str(INTERVAL_SECONDS / 60)
    place = place_for_tests(tmp_path_factory.mktemp("watched"), AIRDOCK_RECONCILE_MINUTES=minutes)
    with Stack(place) as stack:
        line = started(stack)
        make_push_rule(line.aws, place)
        _without_second_tries(line)
        yield line


def _without_second_tries(line: Line) -> None:
    """EventBridge would tell of a push again for a day; here it tells once, and the push is lost."""
    events = line.aws.client("events")
    [target] = events.list_targets_by_rule(Rule=PUSH_RULE)["Targets"]
    events.put_targets(Rule=PUSH_RULE, Targets=[{**target, "RetryPolicy": {"MaximumRetryAttempts": 0}}])


def test_push_that_came_while_the_api_server_was_down_is_live_after_the_next_look_around(watched: Line) -> None:
    line = watched
    line.push(HEARD)
    line.until(lambda: bool(line.query(TOLD)), 60, lambda: "the webhook started nothing")
    [(heard,)] = line.query(TOLD)
    line.expect(heard, "success", "live")

    before = line.last_effect()
    line.stack.kill("api-server")
    lost = line.push(UNHEARD)
    line.until(lambda: _given_up(line, lost), 60, lambda: "the webhook did not fail")
    line.stack.start("api-server")
    line.stack.wait_for_airflow()

    line.until(
        lambda: bool(_reconciled(line, lost)),
        INTERVAL_SECONDS + SPARE_SECONDS,
        lambda: f"nobody noticed: {_looks(line)}",
    )
    [run_id] = _reconciled(line, lost)
    line.expect(run_id, "success", "live")
    assert line.digest_in_production() == line.digest_of(lost)
    assert line.page() == ("5.1.0", 200)
    assert line.query(TOLD) == [(heard,)]
    assert len(line.effects("codedeploy", "CreateDeployment", before)) == 1
    # Nobody has asked for a look, and the next ones find nothing more to do.
    assert {kind for _, kind, _ in _looks(line)} == {"scheduled"}
    seen = len(_looks(line))
    line.until(lambda: len(_well(line)) > 0 and len(_looks(line)) > seen + 1, 120, lambda: str(_looks(line)))
    assert _reconciled(line, lost) == [run_id]
    assert line.airflow.xcom("reconcile", _well(line)[0], "find_missed_pushes", "found") == []


def _given_up(line: Line, commit: str) -> bool:
    """Whether EventBridge tells nobody of the commit any more."""
    ends = line.effects("events", "event_given_up")
    return any(end["params"]["event"]["detail"].get("commitId") == commit for end in ends)


def _reconciled(line: Line, commit: str) -> list[str]:
    """The runs that a look around has started for the commit."""
    return [
        run_id for (run_id,) in line.query("select run_id from dag_run where run_id like ?", f"reconcile__{commit}%")
    ]


def _looks(line: Line) -> list[tuple[str, str, str]]:
    """Run id, type and state of every look around, newest first."""
    return line.query("select run_id, run_type, state from dag_run where dag_id = 'reconcile' order by id desc")


def _well(line: Line) -> list[str]:
    """The looks around that ended well, newest first."""
    return [run_id for run_id, _, state in _looks(line) if state == "success"]
