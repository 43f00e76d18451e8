"""The pipeline files of the tests: the demonstration's own, and copies that differ in one thing."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import yaml

from demo.place import ROOT

PATIENT = "deliver_patient"
"""Its canary lasts twenty minutes, long enough to disturb the wait."""
MISTRUSTFUL = "deliver_mistrustful"
"""Its check of the page asks for words that no page has; its ends are told to the topic NEWS."""
NEWS = "arn:aws:sns:eu-west-1:123456789012:news"
STEPWISE = "deliver_stepwise"
"""It goes to a second service in five steps of ECS's own, each after a look at the error rate."""
STEPWISE_SERVICE = "stepwise"
CANARY = "deliver_canary"
"""It goes to the second service too: a tenth of the traffic, a look at the error rate, all of it."""
ASKED = "deliver_asked"
"""Alice and bob may approve; the commits are alice's."""
ORDERED, ORDERED_BRANCH = "deliver_ordered", "ordered"
"""Pushes to a branch of its own start it."""
USERS = {"alice": "user", "bob": "user", "vera": "viewer"}
"""Airflow's users beside the administrator, and their roles."""
BROKEN = "broken.yaml"
"""A file with a misspelt word, in the line MISSPELT_LINE."""
MISSPELT_LINE = 3


def copied_dags(folder: Path, app_port: int) -> Path:
    """The repository's dags in a new folder, with all these pipelines for the application at the port."""
    shutil.copytree(ROOT / "dags", folder, ignore=shutil.ignore_patterns("__pycache__"))
    pipelines = folder / "pipelines"
    text = (pipelines / "greeter.yaml").read_text()
    greeter = _changed(text, {"127.0.0.1:8000": f"127.0.0.1:{app_port}"})
    canary = "{type: canary, percent: 10, wait_minutes: 20}"
    patient = _changed(greeter, {"{configuration: CodeDeployDefault.ECSCanary10Percent5Minutes}": canary})
    unseen = {"contains: This is version": "contains: No page says this", "timeout_seconds: 20": "timeout_seconds: 5"}
    (pipelines / "greeter.yaml").write_text(greeter)
    (pipelines / "patient.yaml").write_text(_named("patient", patient))
    told = f"notify: [{{to: sns, topic: {NEWS!r}}}]\n"
    (pipelines / "mistrustful.yaml").write_text(_named("mistrustful", _changed(greeter, unseen)) + told)
    (pipelines / "ordered.yaml").write_text(_ordered(greeter))
    (pipelines / "asked.yaml").write_text(_asked(greeter))
    linear = {"type": "linear", "percent": 20, "every_minutes": 3}
    (pipelines / "stepwise.yaml").write_text(_decided(text, "stepwise", linear))
    canary_of_ecs = {"type": "canary", "percent": 10, "wait_minutes": 3}
    (pipelines / "canary.yaml").write_text(_decided(text, "canary", canary_of_ecs))
    (pipelines / BROKEN).write_text("application: broken\nowner: nobody\nsorce: {provider: codecommit}\n")
    return folder


def _asked(greeter: str) -> str:
    """The greeter, which needs somebody's word before it goes to production."""
    told = yaml.safe_load(greeter) | {"application": "asked", "triggers": {"branches": []}}
    approvers = [{"user": "alice", "commits_as": ["dana@example.com"]}, {"user": "bob"}]
    told["environments"]["production"]["approval"] = {"approvers": approvers}
    return yaml.safe_dump(told, sort_keys=False)


def _ordered(greeter: str) -> str:
    """The greeter from another branch."""
    told = yaml.safe_load(greeter) | {"application": "ordered"}
    told["source"]["branch"] = ORDERED_BRANCH
    return yaml.safe_dump(told, sort_keys=False)


def _decided(text: str, application: str, traffic: dict[str, Any]) -> str:
    """The same source and build for another service, with a decision before each step of ECS's own traffic."""
    errors = {"metric": "HTTPCode_Target_5XX_Count", "missing": 0.0}
    check = {
        "name": "error_rate",
        "kind": "cloudwatch",
        "metrics": {"errors": errors, "requests": {"metric": "RequestCount"}},
        "expression": "errors / requests * 100",
        "samples": "requests",
        "at_most_times_baseline": 2.0,
        "tolerated": 1.0,
    }
    production: dict[str, Any] = {
        "cluster": "demo",
        "service": STEPWISE_SERVICE,
        "container": "web",
        "rollout": {"strategy": "ecs", "traffic": traffic, "bake_minutes": 0},
        "analysis": {"checks": [check], "inconclusive_waits": 20, "wait_seconds": 1},
    }
    told = yaml.safe_load(text) | {"application": application, "triggers": {"branches": []}}
    told["environments"] = {"production": production}
    return yaml.safe_dump(told, sort_keys=False)


def _named(application: str, text: str) -> str:
    """The same pipeline of an application of its own, which no push starts; what it delivers stays."""
    return text.replace("application: greeter", f"application: {application}", 1) + "triggers: {branches: []}\n"


def _changed(text: str, changes: dict[str, str]) -> str:
    for old, new in changes.items():
        assert old in text, f"the demonstration's pipeline has no {old!r} any more"
        text = text.replace(old, new)
    return text
