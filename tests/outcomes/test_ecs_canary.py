"""Every way in which a deployment of ECS's own can end: a first share, then the rest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.outcomes.cases import Case, play
from tests.outcomes.ecs import CASES, EcsStage, staged


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EcsStage]:
    yield from staged(tmp_path_factory, "ecs, canary", {"type": "canary", "percent": 20.0, "wait_minutes": 5})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_outcome(stage: EcsStage, case: Case) -> None:
    play(stage, case)
