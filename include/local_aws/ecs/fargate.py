"""Which sizes Fargate offers: "Amazon ECS task definition parameters for Fargate", task size."""

from __future__ import annotations

import re

_GIB = 1024
MEMORY_BY_CPU: dict[int, frozenset[int]] = {
    256: frozenset({512, 1024, 2048}),
    512: frozenset(range(_GIB, 4 * _GIB + 1, _GIB)),
    1024: frozenset(range(2 * _GIB, 8 * _GIB + 1, _GIB)),
    2048: frozenset(range(4 * _GIB, 16 * _GIB + 1, _GIB)),
    4096: frozenset(range(8 * _GIB, 30 * _GIB + 1, _GIB)),
    8192: frozenset(range(16 * _GIB, 60 * _GIB + 1, 4 * _GIB)),
    16384: frozenset(range(32 * _GIB, 120 * _GIB + 1, 8 * _GIB)),
}
REFUSED = "No Fargate configuration exists for given values."


class FargateSizeError(ValueError):
    """A size that Fargate does not have."""


def cpu_units(text: str) -> int:
    """`256`, `.25 vCPU` and `0.25 vcpu` are the same.

    Raises FargateSizeError.
    """
    return _number(text, "vcpu", 1024)


def memory_mib(text: str) -> int:
    """`1024` and `1 GB` are the same.

    Raises FargateSizeError.
    """
    return _number(text, "gb", _GIB)


def check_size(cpu: str | None, memory: str | None) -> None:
    """Raises FargateSizeError for a pair that Fargate does not offer."""
    if not cpu or not memory:
        raise FargateSizeError("Fargate requires that 'cpu' and 'memory' be defined at the task level.")
    if memory_mib(memory) not in MEMORY_BY_CPU.get(cpu_units(cpu), frozenset()):
        raise FargateSizeError(REFUSED)


def _number(text: str, unit: str, factor: int) -> int:
    match = re.fullmatch(rf"(\d*\.?\d+)\s*({unit})?", text.strip().lower())
    if match is None:
        raise FargateSizeError(REFUSED)
    return round(float(match[1]) * factor) if match[2] else int(float(match[1]))
