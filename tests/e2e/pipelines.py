"""The pipeline files of the tests: the demonstration's own, and copies that differ in one thing."""

from __future__ import annotations

import shutil
from pathlib import Path

from demo.place import ROOT

PATIENT = "deliver_patient"
"""Its canary lasts twenty minutes, long enough to disturb the wait."""
MISTRUSTFUL = "deliver_mistrustful"
"""Its check of the page asks for words that no page has."""
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
    (pipelines / "mistrustful.yaml").write_text(_named("mistrustful", _changed(greeter, unseen)))
    (pipelines / BROKEN).write_text("application: broken\nowner: nobody\nsorce: {provider: codecommit}\n")
    return folder


def _named(application: str, text: str) -> str:
    """The same pipeline of an application of its own; what it delivers stays."""
    return text.replace("application: greeter", f"application: {application}", 1)


def _changed(text: str, changes: dict[str, str]) -> str:
    for old, new in changes.items():
        assert old in text, f"the demonstration's pipeline has no {old!r} any more"
        text = text.replace(old, new)
    return text
