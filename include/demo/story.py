"""The demonstration from the first process to the last table."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from demo.clients import LocalAws
from demo.delivery import DAG_ID, Deliverer, Delivery
from demo.events import make_push_rule
from demo.place import ADMIN, Place
from demo.process import Trouble
from demo.releases import FIRST, SECOND, THIRD, Change
from demo.screen import Screen
from demo.seed import Seeded, seed
from demo.stack import Stack
from demo.traffic import REQUESTS_PER_SECOND, Client, Share

CHAPTERS: Sequence[tuple[Change, str]] = (
    (FIRST, "Version 1.0.0: the first delivery"),
    (SECOND, "Version 2.0.0: a canary under traffic"),
    (THIRD, "Version 3.0.0: starts, is healthy, and answers 500"),
)


@dataclass
class Story:
    """What has been told so far: deliveries, and how long each part of the set-up took, in seconds."""

    deliveries: list[Delivery] = field(default_factory=list)
    timing: dict[str, float] = field(default_factory=dict)


def tell(stack: Stack, screen: Screen, story: Story) -> None:
    """Set up, deliver three versions, and show what came of it. Raises Trouble."""
    aws = LocalAws(stack.place)
    seeded = _set_up(stack, aws, screen, story)
    # After the placeholder's own push, which is to start nothing.
    make_push_rule(aws, stack.place)
    _say_addresses(screen, stack.place)
    deliverer = Deliverer(aws, stack.airflow, seeded.work_tree, screen, stack.stopping)
    for change, title in CHAPTERS:
        screen.chapter(title)
        with Client(stack.place.app) as client:
            delivery = deliverer.deliver(change, client)
        story.deliveries.append(delivery)
        _say_result(screen, delivery)
        stack.check()


def summarise(screen: Screen, story: Story, installed_seconds: float) -> None:
    """The table of the deliveries, and where the time went."""
    screen.table("Deliveries", COLUMNS, [_row(delivery) for delivery in story.deliveries])
    screen.table("Where the time went", TIME_COLUMNS, _times(story, installed_seconds))


TIME_COLUMNS = ("part", "seconds", "of it Airflow and Airdock")
COLUMNS = ("version", "commit", "digest", "outcome", "time", "sent", "failed", "canary share", "then in production")


def _set_up(stack: Stack, aws: LocalAws, screen: Screen, story: Story) -> Seeded:
    began = time.monotonic()

    def done(part: str, told: str) -> None:
        nonlocal began
        story.timing[part] = time.monotonic() - began
        screen.say(f"{told} ({story.timing[part]:.1f} s)")
        began = time.monotonic()

    screen.chapter("Set-up")
    stack.start_aws()
    done("local AWS", f"the local AWS answers at {stack.place.aws}, tasks run as {_kind(aws)}")
    stack.migrate()
    done("Airflow's database", "Airflow's database is made")
    stack.start_airflow()
    seeded = seed(stack.place, aws, stack.stopping)
    done("infrastructure", "network, balancer, registry, build project, and a placeholder service run")
    stack.wait_for_airflow()
    stack.wait_for_dag(DAG_ID)
    done("Airflow's start", "Airflow's api-server, scheduler, dag-processor and triggerer are healthy")
    return seeded


def _kind(aws: LocalAws) -> str:
    return "containers" if aws.runtime() == "docker" else "processes of this machine (no Docker engine answers)"


def _say_addresses(screen: Screen, place: Place) -> None:
    screen.say(f"Board        {place.ui}/airdock/")
    screen.say(f"Airflow      {place.ui}  (user {ADMIN}, password {place.secrets.admin_password})")
    screen.say(f"Application  {place.app}")


def _say_result(screen: Screen, delivery: Delivery) -> None:
    for share in delivery.shares:
        screen.say(f"at a weight of {share.percent} %: {_measured(share)}")
    sent, failed = len(delivery.answers), delivery.failed_requests
    screen.say(f"{sent} requests sent at {REQUESTS_PER_SECOND} a second, {failed} failed")
    screen.say(f"{delivery.change.version} is {delivery.outcome}: {delivery.sentence}")


def _measured(share: Share) -> str:
    told = [f"{version} answered {share.measured(version):.1f} %" for version in sorted(share.answered)]
    total = sum(share.answered.values())
    return f"{', '.join(told) or 'nothing was asked'} of {total} in {share.seconds:.1f} s"


def _row(delivery: Delivery) -> list[str]:
    return [
        delivery.change.version,
        delivery.commit[:12],
        _short(delivery.facts.built),
        delivery.outcome,
        f"{delivery.seconds:.1f} s",
        str(len(delivery.answers)),
        str(delivery.failed_requests),
        _canary(delivery),
        _short(delivery.facts.in_production),
    ]


def _canary(delivery: Delivery) -> str:
    """What the new version answered of the traffic while it had its first share."""
    if not delivery.shares:
        return "none"
    first = delivery.shares[0]
    return f"{first.measured(delivery.change.version):.1f} % of {first.percent} %"


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12] or "none"


def _times(story: Story, installed_seconds: float) -> list[list[str]]:
    rows = [["set-up: installation", f"{installed_seconds:.1f}", ""]]
    rows += [["set-up: " + what, f"{seconds:.1f}", ""] for what, seconds in story.timing.items()]
    for delivery in story.deliveries:
        own = delivery.seconds - delivery.facts.aws_seconds
        rows.append([f"delivery of {delivery.change.version}", f"{delivery.seconds:.1f}", f"{own:.1f}"])
    return rows


def refuse_to_pass(told: Sequence[str]) -> None:
    """Raise Trouble when there is anything to complain about."""
    if told:
        raise Trouble("not as promised:\n" + "\n".join(f"  - {each}" for each in told))
