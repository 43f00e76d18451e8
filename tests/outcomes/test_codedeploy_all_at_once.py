"""Every way in which a CodeDeploy deployment can end: all traffic in one step."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.outcomes.cases import Case, play
from tests.outcomes.codedeploy import CASES, CodeDeployStage, staged


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CodeDeployStage]:
    yield from staged(tmp_path_factory, "codedeploy, all at once", {"type": "all_at_once"})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_outcome(stage: CodeDeployStage, case: Case) -> None:
    play(stage, case)
