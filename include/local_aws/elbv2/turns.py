"""Smooth weighted round robin: shares are exact over every window as long as the sum of the weights."""

from __future__ import annotations

from collections.abc import Iterable
from math import gcd
from typing import Generic, TypeVar

Choice = TypeVar("Choice")


class Turns(Generic[Choice]):
    """Deals choices by weight, as evenly spread as they can be. Not thread safe: one event loop owns it."""

    def __init__(self, weighted: Iterable[tuple[Choice, int]]) -> None:
        positive = [(choice, weight) for choice, weight in weighted if weight > 0]
        # 900 to 100 repeats after ten turns, not after a thousand.
        common = gcd(*(weight for _, weight in positive)) or 1
        self._weights = [(choice, weight // common) for choice, weight in positive]
        self._credit = [0] * len(positive)
        self._total = sum(weight for _, weight in self._weights)

    def next(self) -> Choice | None:
        """The choice whose turn it is, None when no weight is above zero."""
        if not self._weights:
            return None
        for place, (_, weight) in enumerate(self._weights):
            self._credit[place] += weight
        winner = max(range(len(self._credit)), key=self._credit.__getitem__)
        self._credit[winner] -= self._total
        return self._weights[winner][0]
