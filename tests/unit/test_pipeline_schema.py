"""The published JSON Schema, as an editor uses it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from airdock.spec import parse
from airdock.spec.schema import schema

GREETER = Path(__file__).parents[2] / "dags/pipelines/greeter.yaml"
ANALYSED = """
      strategy: ecs
      traffic: {type: canary, percent: 10, wait_minutes: 5}
      deadline_minutes: 90
    analysis:
      checks:
        - kind: sql
          name: refunds
          connection: shop
          query: |
            select count(*) from refunds
            where at > :begin
          at_most: 3
"""


def test_every_pattern_means_the_same_in_an_editor() -> None:
    """Editors read patterns by JavaScript's rules, which know no flags within them."""
    found = list(_patterns(schema()))
    assert found
    for pattern in found:
        re.compile(pattern)
        assert not re.search(r"\(\?[a-zA-Z]|\\[AZz]", pattern), pattern


@pytest.mark.parametrize("analysed", [False, True])
def test_a_sound_pipeline_is_sound_to_an_editor_too(analysed: bool) -> None:
    text = GREETER.read_text()
    if analysed:
        rollout = text[text.index("      strategy: codedeploy") : text.index("    verify:")]
        text = text.replace(rollout, ANALYSED.lstrip("\n")).replace("    appspec: appspec.yaml\n", "")
    parse(text)
    jsonschema.validate(yaml.safe_load(text), schema())


def test_an_editor_finds_an_application_without_a_name() -> None:
    text = GREETER.read_text().replace("application: greeter\n", "application: ''\n", 1)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(text), schema())


def _patterns(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("pattern"), str):
            yield part["pattern"]
        for each in part.values():
            yield from _patterns(each)
    elif isinstance(part, list):
        for each in part:
            yield from _patterns(each)
