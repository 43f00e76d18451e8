"""How production traffic has moved, as it was seen."""

from __future__ import annotations

from typing import Any

from airdock.plan.traffic_share import followed


def seen(*weights: dict[str, float]) -> list[tuple[str, float]]:
    facts: dict[str, Any] | None = None
    for number, each in enumerate(weights):
        facts = followed(facts, {"weights": each}, f"t{number}")
    return [(each["at"], each["percent"]) for each in (facts or {}).get("shares", [])]


def test_each_share_of_the_new_version_is_kept_with_its_first_moment() -> None:
    moved = seen({"blue": 100, "green": 0}, {"blue": 90, "green": 10}, {"blue": 90, "green": 10}, {"green": 100})
    assert moved == [("t0", 0), ("t1", 10), ("t3", 100)]


def test_ecs_s_own_words_mean_the_same() -> None:
    assert seen({"old": 80, "new": 20}, {"old": 100, "new": 0}) == [("t0", 20), ("t1", 0)]


def test_what_was_seen_stays_where_a_look_tells_nothing() -> None:
    assert seen({"green": 10}, {}) == [("t0", 10)]


def test_facts_of_what_moves_no_traffic_stay_as_they_are() -> None:
    assert followed(None, {"status": "x"}, "t0") == {"status": "x"}
