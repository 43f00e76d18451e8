"""What a pipeline file may say of task definitions."""

from __future__ import annotations

from typing import Any

import pytest

from airdock.spec import InfrastructureTaskDefinition, Pipeline, SpecError, parse
from tests.builders import a_pipeline_text


def a_pipeline(lines: str) -> Pipeline:
    return parse(a_pipeline_text("    service: greeter\n", f"    service: greeter\n{lines}"), "greeter.yaml")


def problem(lines: str) -> str:
    with pytest.raises(SpecError) as refused:
        a_pipeline(lines)
    [found] = refused.value.problems
    return f"{found.path}: {found.message}"


def test_infrastructure_code_is_told_the_image_through_a_parameter() -> None:
    told: Any = a_pipeline("    task_definition: {from: infrastructure, parameter: /greeter/image}\n")
    origin = told.environments["production"].task_definition
    assert isinstance(origin, InfrastructureTaskDefinition)
    assert (origin.parameter, origin.may_lose) == ("/greeter/image", [])


def test_map_of_images_takes_the_built_one_and_fixed_ones() -> None:
    lines = "    container: web\n    images: {worker: built, envoy: 'public.example/envoy:v1'}\n"
    images = a_pipeline(lines).environments["production"].images
    assert images == {"worker": "built", "envoy": "public.example/envoy:v1"}


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("    images: {worker: built}\n", "images: needs `container`"),
        ("    container: web\n    images: {web: 'other:1'}\n", "images: web is the container to deliver"),
        ("    container: web\n    images: {envoy: 'no image'}\n", "images.envoy: must be `built`, or an image"),
        ("    task_definition: {from: infrastructure}\n", "parameter: this is missing"),
        ("    task_definition: {from: infrastructure, parameter: image}\n", "the full name of an SSM parameter"),
    ],
)
def test_contradiction_is_refused_in_the_file(lines: str, told: str) -> None:
    assert told in problem(lines)
