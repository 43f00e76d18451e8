"""3,000 deliveries of 10,000 services at once, over four triggerers: Airdock's own sweep against a simulated AWS.

    make bench      # or: PYTHONPATH=include python bench/simulation.py

Prints what it costs, how late an end is noticed, and where the next wall is; writes bench/results/simulation.json.
Everything but time and AWS is real: the sweep, its pace, the reading of answers. AWS's rates are in crowd/aws.py.
"""

from __future__ import annotations

import time
from statistics import quantiles
from typing import NamedTuple

from crowd.aws import Rate, busiest
from crowd.deliveries import STAGES, Crowd, Setting
from figure import Row, tell

GOAL = "3,000 deliveries at once fit into AWS's rates, and every end is noticed"
COUNTED_SECONDS = 120
STOCK_POLL_SECONDS = 15.0
"""How often a trigger of Airflow's Amazon provider asks, each for itself."""
SETTINGS = (
    Setting("polled", accounts=8),
    Setting("woken by events, 2 % of them lost", accounts=8, events=True),
    Setting("woken by events, half the accounts", accounts=4, events=True),
)
REGISTER_TASK_DEFINITION = Rate(1, 20, published=True)
DEPLOYMENTS_AT_ONCE = 1300
"""Of CodeDeploy in one account ("CodeDeploy limits")."""
TRIGGERS_AT_ONCE = 1000
"""Airflow's default `[triggerer] capacity`."""
TRIGGER_EVENTS_PER_SECOND = 46
"""What one triggerer of Airflow 3.3 hands back to the scheduler, measured with PostgreSQL."""


class Wall(NamedTuple):
    """A limit, and how much of it was used at the worst."""

    share: float
    name: str
    limit: str


def measure(setting: Setting) -> tuple[Crowd, list[Wall]]:
    crowd = Crowd(setting)
    crowd.run(COUNTED_SECONDS)
    return crowd, sorted(_walls(crowd), reverse=True)


def _walls(crowd: Crowd) -> list[Wall]:
    setting, tally = crowd.setting, crowd.tally
    of_apis = [
        Wall(share, name, f"{bucket.rate.calls_per_second:g}/s, {'AWS' if bucket.rate.published else 'assumed'}")
        for name, (share, bucket) in busiest(crowd.aws).items()
    ]
    delivered = tally.delivered / COUNTED_SECONDS
    waiting = tally.most_waits / setting.triggerers
    by_codedeploy = setting.by_codedeploy * setting.deliveries / setting.accounts
    return [
        *of_apis,
        Wall(delivered / setting.accounts / REGISTER_TASK_DEFINITION.calls_per_second, "ecs RegisterTaskDefinition",
             "1/s, AWS"),
        Wall(by_codedeploy / DEPLOYMENTS_AT_ONCE, "codedeploy deployments at once", f"{DEPLOYMENTS_AT_ONCE}, AWS"),
        Wall(waiting / TRIGGERS_AT_ONCE, "triggers of one triggerer", f"{TRIGGERS_AT_ONCE}, Airflow's default"),
        Wall(tally.ended / COUNTED_SECONDS / setting.triggerers / TRIGGER_EVENTS_PER_SECOND,
             "ends of one triggerer", f"{TRIGGER_EVENTS_PER_SECOND}/s, measured"),
    ]  # fmt: skip


def rows(crowd: Crowd, walls: list[Wall]) -> list[Row]:
    """The figures of one setting beside what a poll for each wait would cost."""
    tally, setting = crowd.tally, crowd.setting
    late = sorted(second for stage in STAGES for second in tally.seconds_late[stage])
    made = sum(bucket.made for bucket in crowd.aws.buckets.values())
    throttled = sum(bucket.refused for bucket in crowd.aws.buckets.values())
    cuts, stock, minutes = quantiles(late, n=100), STOCK_POLL_SECONDS, tally.waiting_seconds / 60
    figures: list[tuple[str, float, float | None, str]] = [
        ("calls of the triggerers", (made - tally.worker_calls) / minutes, 60 / stock, "calls per waiting minute"),
        ("calls of the workers before they hand over", tally.worker_calls / minutes, None, "calls per waiting minute"),
        ("an end is noticed, p50", cuts[49], stock / 2, "s"),
        ("an end is noticed, p99", cuts[98], stock * 0.99, "s"),
        ("calls that AWS throttled, workers' included", 100 * throttled / made, None, "%"),
        ("waits that failed", tally.refused, None, f"of {tally.ended}"),
        *((f"used of {wall.name} ({wall.limit})", 100 * wall.share, None, "%") for wall in walls),
    ]
    return [
        Row(f"{setting.name}: {what}", setting.deliveries, round(ours, 3), peer, unit)
        for what, ours, peer, unit in figures
    ]


def main() -> None:
    begun, found, next_walls = time.monotonic(), [], []
    for setting in SETTINGS:
        crowd, walls = measure(setting)
        found += rows(crowd, walls)
        next_walls.append(f"{setting.name}, {setting.accounts} accounts: {walls[0].name} ({walls[0].limit})")
    tell("simulation", GOAL, found, f"The next wall is, {'; '.join(next_walls)}. The peer is a poll each, every 15 s.")
    print(f"{len(SETTINGS) * COUNTED_SECONDS} s of AWS in {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
