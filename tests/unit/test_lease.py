"""One delivery at a time: whatever the order of what contenders see and do, and however old what they see is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from airdock.plan.lease import Claim, Lease, stand, stand_again

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ME, OTHER = ("deliver_greeter", "run-1"), ("deploy_greeter", "run-2")


def a_lease(holder: tuple[str, str] = OTHER, minutes: int = 60, generation: int = 4, released: bool = False) -> Lease:
    expires = (NOW + timedelta(minutes=minutes)).isoformat()
    return Lease(generation, *holder, NOW.isoformat(), expires, released)


@pytest.mark.parametrize(
    ("newest", "ended", "claim", "generation"),
    [
        (None, False, Claim.TAKE, 1),
        (a_lease(), False, Claim.WAIT, 4),
        (a_lease(), True, Claim.TAKE, 5),
        (a_lease(minutes=0), False, Claim.TAKE, 5),
        (a_lease(released=True), False, Claim.TAKE, 5),
        (a_lease(holder=ME), False, Claim.HELD, 4),
        (a_lease(holder=ME, minutes=0), False, Claim.TAKE, 5),
        (a_lease(holder=ME, released=True), False, Claim.TAKE, 5),
    ],
)
def test_a_lease_is_taken_when_it_is_free_and_kept_when_it_is_ours(
    newest: Lease | None, ended: bool, claim: Claim, generation: int
) -> None:
    how = stand(newest, ME, NOW, ended)
    assert (how.claim, how.generation) == (claim, generation)
    assert how.sentence


@pytest.mark.parametrize(
    ("newest", "ended", "claim", "told"),
    [
        (None, False, Claim.TAKE, "nobody has deployed here yet"),
        (a_lease(holder=ME), False, Claim.HELD, "this run holds the lease already"),
        (a_lease(holder=ME, minutes=0), False, Claim.TAKE, "expired"),
        (a_lease(holder=ME, released=True), False, Claim.TAKE, "has given the lease back"),
        (a_lease(), False, Claim.WAIT, "the run run-2 of deploy_greeter deploys here since"),
        (a_lease(released=True), False, Claim.LOST, "the run run-2 of deploy_greeter has held the lease since"),
        (a_lease(minutes=0), False, Claim.LOST, "has held the lease since"),
        (a_lease(), True, Claim.LOST, "has held the lease since"),
    ],
)
def test_a_lease_that_another_has_held_since_is_not_taken_again(
    newest: Lease | None, ended: bool, claim: Claim, told: str
) -> None:
    how = stand_again(newest, ME, NOW, ended)
    assert how.claim is claim
    assert told in how.sentence


def test_who_waits_is_told_for_whom() -> None:
    assert stand(a_lease(), ME, NOW).sentence.startswith("the run run-2 of deploy_greeter deploys here since")


@dataclass
class Contender:
    """A delivery: the generations as it saw them last, and the generation that it believes to hold."""

    me: tuple[str, str]
    seen: Lease | None = None
    holds: int | None = None
    looked: bool = False


@dataclass
class Store:
    """SSM as far as it decides: creating is refused where a generation exists."""

    leases: dict[int, Lease] = field(default_factory=dict)

    def newest(self) -> Lease | None:
        return self.leases[max(self.leases)] if self.leases else None


class Contention(RuleBasedStateMachine):
    """Contenders look and act one after the other in any order; what they saw may be out of date when they act."""

    def __init__(self) -> None:
        super().__init__()
        self.store, self.now = Store(), NOW
        self.contenders = [Contender(("deliver_greeter", f"run-{number}")) for number in range(3)]
        self.taken: list[int] = []

    who = st.integers(0, 2)

    @rule(number=who)
    def look(self, number: int) -> None:
        self.contenders[number].seen, self.contenders[number].looked = self.store.newest(), True

    @rule(number=who)
    def act(self, number: int) -> None:
        contender = self.contenders[number]
        if not contender.looked or contender.holds is not None:
            return
        how = stand(contender.seen, contender.me, self.now)
        if how.claim is Claim.TAKE and how.generation not in self.store.leases:
            expires = (self.now + timedelta(minutes=60)).isoformat()
            self.store.leases[how.generation] = Lease(how.generation, *contender.me, self.now.isoformat(), expires)
            self.taken.append(how.generation)
            contender.holds = how.generation

    @rule(number=who)
    def give_back(self, number: int) -> None:
        contender, newest = self.contenders[number], self.store.newest()
        if contender.holds is not None and newest and newest.holder == contender.me:
            self.store.leases[newest.generation] = replace(newest, released=True)
        contender.holds, contender.looked = None, False

    @rule(minutes=st.integers(1, 90))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @invariant()
    def no_generation_was_taken_twice(self) -> None:
        assert len(self.taken) == len(set(self.taken))

    @invariant()
    def at_most_one_holds_a_lease_that_is_good(self) -> None:
        good = [
            contender
            for contender in self.contenders
            if contender.holds is not None
            and (lease := self.store.leases[contender.holds]).released is False
            and datetime.fromisoformat(lease.expires) > self.now
        ]
        assert len(good) <= 1


TestContention = Contention.TestCase
