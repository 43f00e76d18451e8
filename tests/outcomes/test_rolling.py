"""Every way in which a rolling update can end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.outcomes.cases import Case, play
from tests.outcomes.ecs import ROLLING_CASES, EcsStage, staged


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EcsStage]:
    yield from staged(tmp_path_factory, "rolling", None)


@pytest.mark.parametrize("case", ROLLING_CASES, ids=lambda case: case.name)
def test_outcome(stage: EcsStage, case: Case) -> None:
    play(stage, case)
