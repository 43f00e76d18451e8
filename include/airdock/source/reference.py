"""From what a person names (a branch, a tag, a commit) to the one commit that is delivered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches

from airdock.errors import Refused
from airdock.names import COMMIT, GIT_REF
from airdock.source.git import Git

KINDS = ("refs/heads/", "refs/tags/")


def is_commit(ref: str) -> bool:
    """Whether `ref` is a full commit id already."""
    return COMMIT.accepts(ref)


def resolve(git: Git, ref: str) -> str:
    """The commit that a branch, a tag or a full commit id names now; a branch comes before a tag of its name.

    Raises:
        Refused: no name at all, or one that the repository does not have; the nearest names are told.
    """
    if is_commit(ref):
        return ref
    found = _listed(git, *wanted(ref))
    for name in wanted(ref):
        if name in found:
            return found[name]
    raise Refused(unknown(ref, git.remote.url, _short_names(_listed(git, *(f"{kind}*" for kind in KINDS)))))


def head(git: Git, branch: str) -> str:
    """The commit that a branch (`refs/heads/...`) is at now, "" where it is gone. Raises Refused, Fault."""
    GIT_REF.check(branch)
    return _listed(git, branch).get(branch, "")


def branches(git: Git) -> Mapping[str, str]:
    """The commit that each branch is at now, by its full name. Raises Refused, Fault."""
    return _listed(git, "refs/heads/*")


def wanted(ref: str) -> list[str]:
    """The full names that `ref` may stand for, best first; of an annotated tag the commit (`^{}`) is wanted.

    Raises:
        Refused: git would not accept such a name.
    """
    GIT_REF.check(ref)
    full = [ref] if ref.startswith(KINDS) else [kind + ref for kind in KINDS]
    return [name for each in full for name in ([f"{each}^{{}}", each] if each.startswith("refs/tags/") else [each])]


def parse(listing: str) -> dict[str, str]:
    """Name to commit, from the lines of `git ls-remote`."""
    pairs = (line.split("\t", 1) for line in listing.splitlines() if "\t" in line)
    return {name: commit for commit, name in pairs if is_commit(commit)}


def unknown(ref: str, url: str, names: list[str]) -> str:
    """The sentence for a name that is not there."""
    if re.fullmatch(r"[0-9a-f]{7,39}", ref):
        return f"{url} has no branch or tag {ref!r}; a commit is named by all 40 digits of its id"
    near = get_close_matches(ref, names, n=3, cutoff=0.5) or sorted(names)[:3]
    hint = f"; did you mean {' or '.join(near)}?" if near else "; it has no branches at all yet"
    return f"{url} has no branch or tag {ref!r}{hint}"


def _listed(git: Git, *patterns: str) -> Mapping[str, str]:
    told = git.run("ls-remote", "--quiet", "--end-of-options", git.remote.url, *patterns, timeout_seconds=60)
    return parse(told.decode("utf-8", "replace"))


def _short_names(found: Mapping[str, str]) -> list[str]:
    return sorted({name.removesuffix("^{}").split("/", 2)[2] for name in found if name.startswith(KINDS)})
