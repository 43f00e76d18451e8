"""Which target group gets the next request: shares are exact over any short window, not only on average."""

from __future__ import annotations

from collections.abc import Mapping


class SmoothWheel:
    """Smooth weighted round robin.

    Each pick raises every group's credit by its weight and takes the sum of the weights from the group with the
    highest credit. Weights may change between picks; credits of groups that are gone are forgotten.
    """

    def __init__(self) -> None:
        self._credit: dict[str, float] = {}

    def pick(self, weights: Mapping[str, int]) -> str | None:
        """The group whose turn it is; None when no group has weight."""
        eligible = {group: weight for group, weight in weights.items() if weight > 0}
        if not eligible:
            return None
        if set(eligible) != set(self._credit):
            self._credit = dict.fromkeys(eligible, 0.0)
        for group, weight in eligible.items():
            self._credit[group] += weight
        chosen = max(eligible, key=lambda group: self._credit[group])
        self._credit[chosen] -= sum(eligible.values())
        return chosen
