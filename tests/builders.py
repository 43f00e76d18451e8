"""Short ways to the values that tests speak of; each takes only what a test cares about."""

from __future__ import annotations

from typing import Any

PIPELINE = """\
application: greeter
source: {provider: codecommit, repository: greeter}
build: {project: greeter}
image: {repository: greeter}
environments:
  production:
    cluster: demo
    service: greeter
    rollout:
      strategy: codedeploy
      application: greeter
      deployment_group: greeter
      traffic: {type: canary, percent: 10}
"""

DIGEST = "sha256:" + "a1" * 32
IMAGE = f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/greeter@{DIGEST}"


def a_pipeline_text(old: str = "", new: str = "") -> str:
    """A sound pipeline file, with one piece of it replaced."""
    assert old in PIPELINE
    return PIPELINE.replace(old, new, 1) if old else PIPELINE


def a_build(status: str = "FAILED", **told: Any) -> dict[str, Any]:
    """The facts of an ended build."""
    phases = told.pop("phases", [])
    return {"id": "greeter:1", "status": status, "complete": True, "phases": phases, "exported": {}, **told}


def a_phase(name: str, status: str = "FAILED", message: str = "") -> dict[str, Any]:
    contexts = [{"code": "COMMAND_EXECUTION_ERROR", "message": message}] if message else []
    return {"name": name, "status": status, "seconds": 1, "contexts": contexts}


def a_deployment(status: str = "InProgress", **told: Any) -> dict[str, Any]:
    """The facts of a deployment; `events` may be given as `{name: status}`."""
    events = told.pop("events", {})
    if isinstance(events, dict):
        events = [{"name": name, "status": state, "message": ""} for name, state in events.items()]
    return {
        "id": "d-FORWARD01",
        "config": "CodeDeployDefault.ECSAllAtOnce",
        "status": status,
        "error": None,
        "events": events,
        "task_sets": [],
        "weights": {"blue": 100.0, "green": 0.0},
        "terminating": False,
        "rollback": None,
        **told,
    }


def a_task_definition(*containers: str, **told: Any) -> dict[str, Any]:
    """A task definition with containers of these names, or one called web."""
    definitions = [{"name": name, "image": f"old/{name}:1"} for name in containers or ("web",)]
    return {"family": "greeter", "containerDefinitions": definitions, **told}
