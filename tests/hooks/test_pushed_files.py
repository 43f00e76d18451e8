"""What git says a push changed, from a real git server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from airdock.errors import Refused
from airdock.source.changes import changed_files
from airdock.source.git import opened
from airdock.source.remote import Remote
from tests.git_server import GitServer, git, serving


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    root = tmp_path / "served"
    root.mkdir()
    with serving(root) as state:
        yield state


def told(server: GitServer, before: str, after: str) -> list[str]:
    with opened(Remote(server.url())) as git:
        return changed_files(git, before, after)


def test_git_lists_what_differs_in_both_directions_and_without_end(server: GitServer, tmp_path: Path) -> None:
    work = tmp_path / "work"
    (work / "services" / "greeter").mkdir(parents=True)
    (work / "kept").write_text("same")
    (work / "gone").write_text("old")
    (work / "moved").write_text("a text that is long enough to be seen as the same file")
    before = server.push(work)
    (work / "gone").unlink()
    (work / "moved").rename(work / "services" / "moved")
    for number in range(400):
        (work / "services" / "greeter" / f"{number:03}.py").write_text(str(number))
    server.push(work)
    (work / "Привіт\n").write_text("odd name")
    after = server.push(work)

    files = told(server, before, after)
    expected = {"gone", "moved", "services/moved", "Привіт\n", *(f"services/greeter/{n:03}.py" for n in range(400))}
    assert set(files) == expected
    assert set(told(server, after, before)) == expected
    assert told(server, after, after) == []


def test_git_that_has_one_of_the_commits_no_more_says_so(server: GitServer, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    after = server.push(work)
    with pytest.raises(Refused):
        told(server, "a" * 40, after)


def test_git_compares_branches_as_they_are_now(server: GitServer, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    main = server.push(work)
    (work / "loud").write_text("new")
    git(work, "checkout", "-q", "-b", "loud")
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", "Greet louder")
    git(work, "push", "-q", str(server.root / "app.git"), "loud")
    after = git(work, "rev-parse", "loud").strip()
    assert told(server, "refs/heads/main", after) == ["loud"]
    assert told(server, "refs/heads/main", "refs/heads/loud") == ["loud"]
    assert told(server, main, "refs/heads/main") == []
    with pytest.raises(Refused, match="has no branch"):
        told(server, "refs/heads/gone", after)


def test_git_never_takes_a_name_for_an_option(server: GitServer, tmp_path: Path) -> None:
    work, canary = tmp_path / "work", tmp_path / "canary"
    work.mkdir()
    after = server.push(work)
    for name in (f"--output={canary}", f"--upload-pack=touch {canary}"):
        with pytest.raises(Refused):
            told(server, name, after)
        with pytest.raises(Refused):
            told(server, after, name)
    assert not canary.exists()
