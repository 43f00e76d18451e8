"""Twelve applications that go with a release train, and one that has nothing new, in a folder of their own.

Their pipelines are whole ones, and as cheap as such can be: they share a repository and a build project, and ECS
replaces the only task of a service without a balancer.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from demo.place import ROOT

FLEET = "fleet"
"""The folder's name, and that of cluster, repositories and build project."""
WAVES: dict[int, dict[str, list[str]]] = {
    1: {"store": [], "login": [], "mail": []},
    2: {"api": ["store", "login"], "cart": ["store"], "profile": ["login"], "notify": ["mail"]},
    3: {"web": ["api"], "phone": ["api"], "search": ["cart"], "admin": ["profile", "docs"], "reports": ["notify"]},
}
DOCS = "docs"
"""Runs the newest commit already when the train leaves."""
FAILING = "cart"
"""Its service lacks a setting that the newest commit needs: the new tasks end as soon as they begin."""
NEEDS: dict[str, list[str]] = {DOCS: []} | WAVES[1] | WAVES[2] | WAVES[3]
AT_ONCE = 3
SETTINGS = f"""\
schedule: 0 0 1 1 *
timezone: Europe/Berlin
at_once: {AT_ONCE}
on_failure: put_back
"""


def make_fleet(dags: Path) -> None:
    """Make the folder in the dags."""
    folder = dags / FLEET
    (folder / "pipelines").mkdir(parents=True)
    for name in ("deliver.py", "deploy.py", "release_train.py"):
        shutil.copy(ROOT / "dags" / name, folder)
    (folder / "release_train.yaml").write_text(SETTINGS)
    for name, needed in NEEDS.items():
        (folder / "pipelines" / f"{name}.yaml").write_text(yaml.safe_dump(_pipeline(name, needed), sort_keys=False))


def _pipeline(name: str, needed: Sequence[str]) -> dict[str, Any]:
    production = {
        "cluster": FLEET,
        "service": name,
        # Each service keeps its own settings.
        "task_definition": {"from": "live"},
        "rollout": {"strategy": "rolling"},
        "keep_revisions": None,
    }
    return {
        "application": name,
        "source": {"provider": "codecommit", "repository": FLEET},
        "build": {"project": FLEET},
        "image": {"repository": FLEET},
        "triggers": {"branches": []},
        "environments": {"production": production},
        "train": {"depends_on": list(needed)},
    }
