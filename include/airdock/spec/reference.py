"""The page that explains each word of a pipeline file, made from the models: `python -m airdock.spec.reference`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from airdock.spec.schema import schema

Schema = Mapping[str, Any]

HEAD = """\
# The pipeline file

One file for each application lies in `dags/pipelines/`, named after the application: `greeter.yaml`. It is YAML without
anchors and tags, at most 64 KiB. What is wrong with a file shows in Airflow's import errors, with line and remedy, and
stops no other application. [The schema](pipeline.schema.json) gives completion in editors; this page is made from the
same models by `make docs`.
"""

TITLES = {
    "AllAtOnce": "All at once",
    "AppriseNotice": "Notice by Apprise",
    "ChimeNotice": "Notice by Chime",
    "CloudWatchCheck": "CloudWatch check",
    "CodeCommitSource": "CodeCommit source",
    "CodeDeployRollout": "CodeDeploy rollout",
    "ForgeSource": "Forge source",
    "GitSource": "Git source",
    "HttpCheck": "HTTP check",
    "InfrastructureTaskDefinition": "Infrastructure task definition",
    "LiveTaskDefinition": "Live task definition",
    "OneOffTask": "One-off task",
    "BlueGreen": "Blue/green of ECS",
    "NativeCanary": "Canary of ECS",
    "NativeLinear": "Linear of ECS",
    "EcsRollout": "ECS rollout",
    "PrometheusCheck": "Prometheus check",
    "RollingRollout": "Rolling rollout",
    "SesNotice": "Notice by SES",
    "SlackNotice": "Notice by Slack",
    "SnsNotice": "Notice by SNS",
    "SqlCheck": "SQL check",
    "CircuitBreaker": "Circuit breaker",
    "LambdaHook": "Lambda hook",
    "RepositoryTaskDefinition": "Repository task definition",
}
"""Headings of the parts whose class names are no words."""


def page() -> str:
    """The whole page as Markdown."""
    return "\n".join([HEAD, *_part("The file", schema()), *_parts(schema(), set())])


def _parts(part: Schema, told: set[str]) -> Iterator[str]:
    """The parts below a part, each once, in the order of the file."""
    for setting in part.get("properties", {}).values():
        for name in _names_in(setting):
            if name not in told:
                told.add(name)
                below = schema()["$defs"][name]
                yield from _part(TITLES.get(name, name), below)
                yield from _parts(below, told)


def _part(title: str, part: Schema) -> Iterator[str]:
    yield f"## {title}\n"
    if title != "The file":
        yield f"{part['description']}\n"
    yield "| setting | value | default | meaning |"
    yield "| --- | --- | --- | --- |"
    needed = part.get("required", [])
    for name, setting in part["properties"].items():
        default = "needed" if name in needed else _default(setting)
        yield f"| `{name}` | {_value(setting)} | {default} | {_cell(setting['description'])} |"
    yield ""


def _names_in(setting: Schema) -> Iterator[str]:
    """The parts that a setting refers to, directly or as one of several kinds."""
    if "$ref" in setting:
        yield str(setting["$ref"]).rpartition("/")[2]
    yield from _names_in(setting["items"]) if "items" in setting else ()
    for inner in (*setting.get("oneOf", ()), *setting.get("anyOf", ()), *setting.get("patternProperties", {}).values()):
        yield from _names_in(inner)


def _value(setting: Schema) -> str:
    if names := list(_names_in(setting)):
        several = "list of " if "items" in setting else ""
        return several + " or ".join(_link(TITLES.get(name, name)) for name in names)
    if "anyOf" in setting:
        return " or ".join(_value(each) for each in setting["anyOf"] if each != {"type": "null"})
    if words := setting.get("enum") or ([setting["const"]] if "const" in setting else []):
        return ", ".join(f"`{word}`" for word in words)
    if "items" in setting:
        each = _value(setting["items"])
        return f"list of {each}" if each.endswith("`") else f"list of {each}s"
    kinds = {"integer": "whole number", "number": "number", "boolean": "`true`, `false`", "object": "text by name"}
    kind = kinds.get(setting["type"], "text")
    return kind + _bounds(setting)


def _link(title: str) -> str:
    return f"[{title}](#{title.lower().replace(' ', '-')})"


def _bounds(setting: Schema) -> str:
    low, high = setting.get("minimum"), setting.get("maximum")
    if low is not None and high is not None:
        return f", {low} to {high}"
    return f", at least {low}" if low is not None else ""


def _default(setting: Schema) -> str:
    default = setting.get("default")
    if default is None:
        return "any" if "anyOf" in setting and "Most" in setting["description"] else "none"
    if isinstance(default, dict):
        return "as below" if default else "none"
    return f"`{default}`" if isinstance(default, str) and default else f"`{json.dumps(default)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


if __name__ == "__main__":
    sys.stdout.write(page())
