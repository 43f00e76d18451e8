"""Task definitions that use every field which the installed botocore knows, made from its model."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from botocore.session import Session

ECS = Session().get_service_model("ecs")
INPUT = ECS.operation_model("RegisterTaskDefinition").input_shape
OUTPUT = ECS.operation_model("DescribeTaskDefinition").output_shape
ANSWERED = OUTPUT.members["taskDefinition"]


def every_field(shape: Any, place: str = "") -> Any:
    """A value with all members of a shape: texts tell their place, lists have two entries, numbers differ."""
    if shape.type_name == "structure":
        return {name: every_field(member, f"{place}.{name}") for name, member in shape.members.items()}
    if shape.type_name == "list":
        return [every_field(shape.member, f"{place}.{number}") for number in range(2)]
    if shape.type_name == "map":
        return {"some": every_field(shape.value, f"{place}.some")}
    return _scalar(shape, place)


def empty_fields(shape: Any, place: str = "") -> Any:
    """A value with all members of a shape, as empty as each may be: "", 0, False, [] and {}."""
    if shape.type_name == "structure":
        return {name: empty_fields(member, f"{place}.{name}") for name, member in shape.members.items()}
    if place == ".containerDefinitions":
        return [{**empty_fields(shape.member, f"{place}.0"), "name": "web"}]
    empty = {"list": [], "map": {}, "string": "", "boolean": False}
    return empty.get(shape.type_name, 0)


def paths(value: Any, place: str = "") -> set[str]:
    """Where in a value there is something."""
    if isinstance(value, dict):
        return {place}.union(*(paths(each, f"{place}.{name}") for name, each in value.items()))
    if isinstance(value, list):
        return {place}.union(*(paths(each, f"{place}.{number}") for number, each in enumerate(value)))
    return {place}


def _scalar(shape: Any, place: str) -> Any:
    number = 1 + sum(place.encode()) % 1000
    values = {
        "boolean": number % 2 == 0,
        "timestamp": datetime.fromtimestamp(1_700_000_000 + number, UTC),
        "double": number + 0.5,
        "float": number + 0.5,
    }
    if shape.type_name == "string":
        return shape.enum[number % len(shape.enum)] if getattr(shape, "enum", None) else f"text{place}"
    return values.get(shape.type_name, number)
