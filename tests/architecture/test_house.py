"""The house is as docs/architecture.md draws it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INCLUDE = ROOT / "include"
LONGEST_MODULE = 250


def modules() -> list[Path]:
    return sorted(path for path in INCLUDE.rglob("*.py") if "__pycache__" not in path.parts)


def test_the_import_rules_hold() -> None:
    lint = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    run = subprocess.run(lint, cwd=ROOT, env={"PYTHONPATH": str(INCLUDE)}, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(INCLUDE)))
def test_a_module_stays_readable_in_one_sitting(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_MODULE


def test_plugins_holds_one_file_and_airflow_looks_no_deeper() -> None:
    assert [path.name for path in (ROOT / "plugins").glob("**/*.py")] == ["airdock_plugin.py"]
    assert (ROOT / "plugins" / ".airflowignore").read_text() == "*/\n"


@pytest.mark.parametrize("path", sorted((INCLUDE / "airdock").rglob("*.py")), ids=lambda p: str(p.relative_to(INCLUDE)))
def test_no_library_module_asks_whether_aws_is_local(path: Path) -> None:
    names = {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
    assert not {name for name in names if "local_aws" in name.lower() or name.lower() == "is_local"}
