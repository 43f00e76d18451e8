"""The commits that a release brings beyond what is live, as far as its repository tells of them."""

from __future__ import annotations

from dataclasses import dataclass

from airdock.release import Record

MOST_LISTED = 10


@dataclass(frozen=True, slots=True)
class Brought(Record):
    """A commit; `makers`: names and addresses of its author, and of those whom its message names as co-authors."""

    sha: str
    subject: str
    author: str
    makers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Brings(Record):
    """The commits, newest first; `unknown` says why there may be more of them, "" where these are all."""

    commits: tuple[Brought, ...] = ()
    unknown: str = ""

    def makers(self) -> list[str]:
        """Everybody who made one of them, each once."""
        return list(dict.fromkeys(maker for commit in self.commits for maker in commit.makers))

    def in_words(self) -> list[str]:
        """How many they are, and the newest of them."""
        count = f"{len(self.commits)} since what is live" if not self.unknown else f"not all known: {self.unknown}"
        left = len(self.commits) - MOST_LISTED
        return [count, *map(_line, self.commits[:MOST_LISTED]), *([f"and {left} more"] if left > 0 else [])]


def _line(commit: Brought) -> str:
    return f"{commit.sha[:7]} {commit.subject}, by {commit.author}"
