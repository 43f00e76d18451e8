"""Every way in which a CodeDeploy deployment can end: equal shares, one after the other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.outcomes.cases import Case, play
from tests.outcomes.codedeploy import CASES, CodeDeployStage, staged


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CodeDeployStage]:
    yield from staged(tmp_path_factory, "codedeploy, linear", {"type": "linear", "percent": 25, "every_minutes": 2})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_outcome(stage: CodeDeployStage, case: Case) -> None:
    play(stage, case)
