"""The commits between two of a repository, and everybody who made them."""

from __future__ import annotations

from airdock.plan.brought import Brought
from airdock.source import tree
from airdock.source.git import Git

MOST_COMMITS = 200
LONGEST_NAME = 200
FIELD, NAME = "\x1f", "\x1e"
STYLE = [
    "--no-patch",
    "--no-mailmap",
    "--no-color",
    "--encoding=UTF-8",
    "--format=%H%x1f%an%x1f%ae%x1f%s%x1f%(trailers:key=Co-authored-by,valueonly,unfold,separator=%x1e)",
]


def brought(git: Git, head: str, live: str = "") -> list[Brought]:
    """The commits that lead to `head` and not to `live`, newest first, `MOST_COMMITS` at most; else `head` alone.

    Neither trees nor files are fetched.

    Raises:
        Refused: the repository does not have, or no longer gives out, one of them.
        Fault: the server or the way to it failed.
    """
    for commit in (head, live) if live else ():
        tree.history(git, commit)
    if not live:
        tree.fetch(git, head)
    wanted = [head, f"^{live}"] if live else [head]
    limit = f"--max-count={MOST_COMMITS if live else 1}"
    told = git.run("log", "-z", limit, *STYLE, "--end-of-options", *wanted, "--").decode("utf-8", "replace")
    return [_commit(text) for text in told.split("\0") if text.strip()]


def _commit(text: str) -> Brought:
    sha, author, email, subject, others = text.split(FIELD, 4)
    makers = (author, email, *(part for other in others.split(NAME) for part in _named(other)))
    shown = [tree.printable(each).strip()[:LONGEST_NAME] for each in makers]
    return Brought(
        sha, tree.printable(subject)[:LONGEST_NAME], shown[0], tuple(dict.fromkeys(each for each in shown if each))
    )


def _named(person: str) -> tuple[str, str]:
    """Name and address in `Ada <ada@example.com>`."""
    name, _, rest = person.partition("<")
    return name, rest.partition(">")[0]
