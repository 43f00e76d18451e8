"""1,000 tasks of one account that register a task definition at the same moment: Airdock's own line, in simulated time.

    make bench      # or: PYTHONPATH=include python bench/burst.py

AWS lets 20 through at once and then one a second, so the last of 1,000 can't come before 980 s. Beside it the same with
no line: one attempt, and Airflow's retries. Writes bench/results/burst.json.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

from crowd.registrations import REGISTER_TASK_DEFINITION as RATE
from crowd.registrations import Burst, InLine, Retried
from figure import Row, tell

TASKS, SEEDS = 1000, range(10)
REVISIONS = 10
"""Of a family, as many as are searched for a content that is registered already."""
BOUND_SECONDS = (TASKS - RATE.burst) / RATE.calls_per_second
GOAL = f"makespan at most 1.05 times the {BOUND_SECONDS:g} s that AWS's rate allows, and no task fails by throttling"
WHY = (
    f"Simulated. The peer is one attempt and Airflow's six retries, as it was before. The worst of {len(SEEDS)} runs, "
    "for throttled calls their mean. A worker starts in 0.5 to 2 s, a deferral takes 1 to 3 s, 32 tasks run at once. "
    "Each triggerer has a line of its own, so several call more often than AWS allows: what is throttled goes back in "
    "line. The last six rows are for an AWS that throttles reads as well, of which a task makes up to 12, and without "
    "botocore's own retries of them: in the first minute so many tasks read that few come to register, and what AWS "
    "would have let through meanwhile is lost."
)


def ran(bursts: Sequence[Burst]) -> Sequence[Burst]:
    for burst in bursts:
        burst.run()
    return bursts


def rows(triggerers: int, revisions: int | None = None) -> list[Row]:
    """The figures of one setting; the goals are those of AWS's own limit, and none is set for reads."""
    ours = ran([InLine(TASKS, revisions, seed, triggerers) for seed in SEEDS])
    peers = ran([Retried(TASKS, revisions, seed) for seed in SEEDS])
    name = f"{triggerers} triggerer{'s' if triggerers > 1 else ''}{' and throttled reads' if revisions else ''}"
    at_most = None if revisions else 1.05 * BOUND_SECONDS
    return [
        Row(f"{name}: until the last registration", TASKS, _worst_makespan(ours), _worst_makespan(peers), "s", at_most),
        Row(f"{name}: tasks that failed", TASKS, _most_failed(ours), _most_failed(peers), "tasks", 0),
        Row(f"{name}: calls that AWS throttled", TASKS, _throttled(ours), _throttled(peers), "calls"),
    ]


def _worst_makespan(bursts: Sequence[Burst]) -> float:
    return round(max(each.makespan for each in bursts), 1)


def _most_failed(bursts: Sequence[Burst]) -> int:
    return max(sum(task.registered_at is None for task in each.tasks) for each in bursts)


def _throttled(bursts: Sequence[Burst]) -> float:
    return round(mean(each.throttled_calls for each in bursts))


def main() -> None:
    settings = ((1, None), (4, None), (1, REVISIONS), (4, REVISIONS))
    tell("burst", GOAL, [row for setting in settings for row in rows(*setting)], WHY)


if __name__ == "__main__":
    main()
