"""Which files differ between two commits, told by git from their trees alone: no file is fetched."""

from __future__ import annotations

from airdock.errors import Refused
from airdock.names import COMMIT
from airdock.source import tree
from airdock.source.git import LONGEST_OUTPUT_BYTES, Git

# No renames: a file that moved is gone at one path and new at the other. No program or setting of the repository runs.
OPTIONS = ["-r", "-z", "--name-only", "--no-renames", "--no-ext-diff", "--no-textconv", "--ignore-submodules=none"]


def changed_files(git: Git, before: str, after: str) -> list[str]:
    """The paths that differ between two commits, wherever these stand in the history.

    Raises:
        Refused: the repository does not have, or no longer gives out, one of them; or more differs than can be listed.
        Fault: the server or the way to it failed.
    """
    for commit in (after, before):
        tree.fetch(git, COMMIT.check(commit))
    told = git.run("diff-tree", *OPTIONS, "--end-of-options", before, after)
    if len(told) >= LONGEST_OUTPUT_BYTES:
        raise Refused(f"more differs between {before[:12]} and {after[:12]} than can be listed")
    return [path.decode("utf-8", "replace") for path in told.split(b"\0") if path]
