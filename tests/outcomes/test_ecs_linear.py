"""Every way in which a deployment of ECS's own can end: equal shares, one after the other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.outcomes.cases import Case, play
from tests.outcomes.ecs import CASES, EcsStage, staged


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EcsStage]:
    yield from staged(tmp_path_factory, "ecs, linear", {"type": "linear", "percent": 25.0, "every_minutes": 2})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_outcome(stage: EcsStage, case: Case) -> None:
    play(stage, case)
