"""Patterns of branches, tags and files."""

import time

import pytest

from airdock.plan.patterns import holds, names_one


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("main", "main", True),
        ("main", "main2", False),
        ("main", "feature/main", False),
        ("release/*", "release/1.0", True),
        ("release/*", "release/1.0/hotfix", False),
        ("release/**", "release/1.0/hotfix", True),
        ("v*", "v1.2.3", True),
        ("v*", "1.2.3", False),
        ("v1.?", "v1.2", True),
        ("v1.2", "v1x2", False),
        ("**", "any/thing", True),
        ("*", "main", True),
        ("[ab]", "a", False),
    ],
)
def test_pattern_names_a_ref(pattern: str, name: str, fits: bool) -> None:
    assert names_one(pattern, name) is fits


@pytest.mark.parametrize(
    ("patterns", "path", "among"),
    [
        (["services/greeter"], "services/greeter/main.py", True),
        (["services/greeter/"], "services/greeter/deep/main.py", True),
        (["services/greeter"], "services/greeter-two/main.py", False),
        (["services/greeter"], "services/greeter", True),
        (["go.mod"], "go.mod", True),
        (["go.mod"], "other/go.mod", False),
        (["**/*.proto"], "api/v1/greeter.proto", True),
        (["**/*.proto"], "greeter.proto", True),
        (["services/greeter", "!**/*.md"], "services/greeter/README.md", False),
        (["services/greeter", "!**/*.md"], "services/greeter/main.py", True),
        (["services", "!services/old", "services/old/keep"], "services/old/keep/x", True),
        (["app/[id]"], "app/[id]/page.tsx", True),
        ([], "main.py", False),
    ],
)
def test_patterns_hold_a_file(patterns: list[str], path: str, among: bool) -> None:
    assert holds(patterns, path) is among


def test_patterns_take_no_longer_for_a_name_that_was_made_to_hurt() -> None:
    begun = time.process_time()
    assert not names_one("/".join(["**"] * 30 + ["x"]), "a/" * 2000 + "a")
    assert not names_one("*a" * 40 + "b", "a" * 250)
    assert time.process_time() - begun < 2
