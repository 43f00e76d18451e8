"""When the demonstration passes, and what it says when it does not."""

from dataclasses import replace

import pytest

from demo.delivery import Delivery
from demo.facts import Facts, covered
from demo.judgement import complaints
from demo.releases import FIRST, SECOND, THIRD, Change
from demo.traffic import Answer, Share

GOOD = Answer(1.0, 1.1, "2.0.0", 200)
TENTH = Share(10, 15.0, {"1.0.0": 90, "2.0.0": 10})


def a_delivery(change: Change, outcome: str, built: str, in_production: str) -> Delivery:
    state = "success" if outcome == "live" else "failed"
    facts = Facts(built, in_production, (), 1.0)
    return Delivery(change, "c" * 40, "run", state, outcome, "because", 2.0, facts, (GOOD,), (TENTH,))


def as_promised() -> list[Delivery]:
    return [
        a_delivery(FIRST, "live", "sha256:1", "sha256:1"),
        a_delivery(SECOND, "live", "sha256:2", "sha256:2"),
        a_delivery(THIRD, "rolled_back", "sha256:3", "sha256:2"),
    ]


def test_demo_passes_when_all_is_as_promised() -> None:
    assert complaints(as_promised()) == []


@pytest.mark.parametrize(
    ("number", "changed", "told"),
    [
        (0, {"outcome": "failed"}, "1.0.0 ended failed and not live"),
        (2, {"outcome": "live"}, "3.0.0 ended live and not rolled_back"),
        (2, {"run_state": "success"}, "the DAG run of 3.0.0 ended success"),
        (1, {"facts": Facts("sha256:2", "sha256:1", (), 1)}, "after 2.0.0 production runs sha256:1"),
        (2, {"facts": Facts("sha256:3", "sha256:3", (), 1)}, "after 3.0.0 production runs sha256:3, not 2.0.0"),
        (0, {"facts": Facts("", "", (), 1)}, "never built"),
        (1, {"answers": ()}, "no request was sent"),
        (1, {"shares": ()}, "2.0.0 was no canary"),
        (1, {"shares": (Share(100, 9.0, {"2.0.0": 90}),)}, "2.0.0 was no canary"),
        (1, {"shares": (replace(TENTH, answered={"1.0.0": 80, "2.0.0": 20}),)}, "answered 20.0 % of the requests"),
        (1, {"answers": (GOOD, Answer(2, 2.1, "2.0.0", 502, "Bad Gateway"))}, "1 of 2 requests failed"),
    ],
)
def test_demo_complains(number: int, changed: dict[str, object], told: str) -> None:
    deliveries = as_promised()
    deliveries[number] = replace(deliveries[number], **changed)  # type: ignore[arg-type]
    assert any(told in complaint for complaint in complaints(deliveries)), complaints(deliveries)


def test_demo_complains_of_a_delivery_that_never_ran() -> None:
    assert complaints(as_promised()[:2]) == ["2 of 3 deliveries ran"]


def test_failures_of_the_third_version_are_expected() -> None:
    deliveries = as_promised()
    deliveries[2] = replace(deliveries[2], answers=(Answer(3, 3.1, "3.0.0", 500, "Internal Server Error"),))
    assert complaints(deliveries) == []


@pytest.mark.parametrize(
    ("intervals", "seconds"),
    [
        ([], 0),
        ([(0, 5)], 5),
        ([(0, 5), (3, 8)], 8),
        ([(3, 8), (0, 5), (4, 5)], 8),
        ([(-10, 2), (9, 30)], 3),
        ([(20, 30)], 0),
    ],
)
def test_time_that_aws_worked_is_counted_once(intervals: list[tuple[float, float]], seconds: float) -> None:
    assert covered(intervals, began=0, ended=10) == seconds
