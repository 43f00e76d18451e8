"""Twelve applications that go with a release train, and one that has nothing new, in a folder of their own.

The train is the real one: its dag file, its settings, its pipeline files. Its deliveries are stand-ins, because twelve
real ones would take many minutes: see `stand_ins.py`, which is put beside it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from demo.place import ROOT

FOLDER = "fleet"
WAVES = {
    1: {"store": [], "login": [], "mail": [], "search": []},
    2: {"api": ["store", "login"], "cart": ["store"], "profile": ["login"], "notify": ["mail"]},
    3: {"web": ["api", "cart", "search"], "phone": ["api"], "admin": ["profile", "docs"], "reports": ["notify"]},
}
DOCS = "docs"
"""Runs the newest commit already."""
FAILING = "cart"
"""Is rolled back by its delivery."""
HELD = "held"
"""While a file of this name lies in the folder, deliveries last."""
AT_ONCE = 3
SETTINGS = f"""\
schedule: 0 0 1 1 *
timezone: Europe/Berlin
at_once: {AT_ONCE}
on_failure: put_back
"""


def make_fleet(dags: Path) -> None:
    """Make the folder in the dags; each pipeline is the greeter's under another name."""
    folder, greeter = dags / FOLDER, (dags / "pipelines" / "greeter.yaml").read_text()
    (folder / "pipelines").mkdir(parents=True)
    shutil.copy(ROOT / "dags" / "release_train.py", folder)
    shutil.copy(Path(__file__).with_name("stand_ins.py"), folder)
    (folder / "release_train.yaml").write_text(SETTINGS)
    (folder / "failing").write_text(FAILING)
    for name, needed in ({DOCS: []} | WAVES[1] | WAVES[2] | WAVES[3]).items():
        text = greeter.replace("application: greeter", f"application: {name}", 1)
        (folder / "pipelines" / f"{name}.yaml").write_text(f"{text}\ntrain:\n  depends_on: [{', '.join(needed)}]\n")
