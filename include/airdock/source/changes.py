"""Which files differ between two commits, told by git from their trees alone: no file is fetched."""

from __future__ import annotations

from airdock.errors import Refused
from airdock.source import reference, tree
from airdock.source.git import LONGEST_OUTPUT_BYTES, Git

# No renames: a file that moved is gone at one path and new at the other. No program or setting of the repository runs.
OPTIONS = ["-r", "-z", "--name-only", "--no-renames", "--no-ext-diff", "--no-textconv", "--ignore-submodules=none"]


def changed_files(git: Git, before: str, after: str) -> list[str]:
    """The paths that differ between two commits, wherever these stand in the history; each by its id or a branch.

    Raises:
        Refused: the repository does not have, or no longer gives out, one of them; or more differs than can be listed.
        Fault: the server or the way to it failed.
    """
    old, new = (reference.resolve(git, name) for name in (before, after))
    for commit in (new, old):
        tree.fetch(git, commit)
    told = git.run("diff-tree", *OPTIONS, "--end-of-options", old, new)
    if len(told) >= LONGEST_OUTPUT_BYTES:
        raise Refused(f"more differs between {old[:12]} and {new[:12]} than can be listed")
    return [path.decode("utf-8", "replace") for path in told.split(b"\0") if path]
