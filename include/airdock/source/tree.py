"""One commit of a repository: who made it, and the few files that a delivery needs, checked before they are read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath

from airdock.errors import Refused
from airdock.source.complaint import Withheld
from airdock.source.git import Git

LARGEST_TEXT_BYTES = 256 * 1024
"""Of a file that is read, and travels to the next tasks. AWS takes task definitions of 64 KiB, AppSpecs of 256 KiB."""
LONGEST_MESSAGE = 2000
MOST_GENERATIONS = 1000
FILE_MODES = ("100644", "100755")
OTHER_MODES = {"120000": "a symbolic link", "160000": "a submodule", "040000": "a directory"}


@dataclass(frozen=True, slots=True)
class Authorship:
    """Who made a commit, when (ISO 8601, UTC), and why; free text of strangers, made printable."""

    author: str
    message: str
    committed_at: str
    email: str = ""


def fetch(git: Git, commit: str, *, with_files: bool = False) -> None:
    """Fetch exactly this commit, without its history, and without files unless asked for.

    Raises:
        Refused: the repository does not have this commit, or it is malformed.
        Fault: the server or the way to it failed.
    """
    _fetch_commit(git, commit, "--depth=1", *([] if with_files else ["--filter=blob:none"]))


def history(git: Git, commit: str) -> list[str]:
    """The ids of a commit and of those that led to it, `MOST_GENERATIONS` back; neither trees nor files are fetched.

    Raises:
        Refused: the repository does not have this commit, or it is malformed.
        Fault: the server or the way to it failed.
    """
    _fetch_commit(git, commit, f"--depth={MOST_GENERATIONS}", "--filter=tree:0")
    return git.run("rev-list", "--end-of-options", commit).decode().split()


def _fetch_commit(git: Git, commit: str, depth: str, *promise: str) -> None:
    try:
        _fetch(git, depth, *promise, wanted=[commit])
    except Withheld:
        # Servers without git's protocol version 2 give out the tips of branches only, with what leads to them.
        _fetch(git, *promise, wanted=["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"])
        _refuse_absent(git, commit)


def authorship(git: Git, commit: str) -> Authorship:
    """Who made a fetched commit, and why."""
    style = ["--no-patch", "--no-mailmap", "--no-color", "--encoding=UTF-8", "--format=%an%x00%ae%x00%ct%x00%B"]
    told = git.run("log", "-1", *style, "--end-of-options", commit, "--").decode("utf-8", "replace")
    author, email, seconds, message = told.split("\0", 3)
    when = datetime.fromtimestamp(int(seconds), UTC).isoformat()
    subject = printable(message.strip())[:LONGEST_MESSAGE]
    return Authorship(printable(author)[:200], subject, when, printable(email)[:200])


def tree_id(git: Git, commit: str) -> str:
    """The id of a commit's whole content: equal for two commits that hold the same files."""
    return git.run("rev-parse", "--verify", "--end-of-options", f"{commit}^{{tree}}").decode().strip().splitlines()[-1]


def read(git: Git, commit: str, paths: Sequence[str]) -> dict[str, str]:
    """The text of each file by its path; only these files are fetched.

    Raises:
        Refused: a file is missing, no regular file, too large, or not UTF-8.
    """
    objects = {path: _object(git, commit, path) for path in dict.fromkeys(paths)}
    _fetch_objects(git, set(objects.values()))
    _refuse_large(git, objects)
    return {path: _text(git, name, path) for path, name in objects.items()}


def entry(listing: bytes, path: str) -> tuple[str, str] | None:
    """Mode and object id of `path` in the NUL-separated output of `git ls-tree -z`."""
    for line in listing.split(b"\0"):
        facts, _, name = line.partition(b"\t")
        if name == path.encode():
            mode, _kind, object_id = facts.decode().split()
            return mode, object_id
    return None


def _object(git: Git, commit: str, path: str) -> str:
    _refuse_strange(path)
    found = entry(git.run("ls-tree", "-z", "--full-tree", "--end-of-options", commit, "--", path), path)
    if found is None:
        raise Refused(f"the repository has no file {path!r} at {commit[:12]}")
    mode, object_id = found
    if mode not in FILE_MODES:
        kind = OTHER_MODES.get(mode, f"of mode {mode}")
        raise Refused(f"{path!r} is {kind} at {commit[:12]}, where a regular file is wanted")
    return object_id


def _fetch_objects(git: Git, object_ids: Iterable[str]) -> None:
    """One trip for all files; git would else make one for each. The server may send no more than we would read."""
    _fetch(git, "--filter=blob:none", wanted=sorted(object_ids), bytes_at_most=2**26)


def _fetch(git: Git, *options: str, wanted: Sequence[str], bytes_at_most: int = 0) -> None:
    bolts = ["--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--quiet"]
    arguments = ["fetch", *bolts, *options, "--end-of-options", "origin", *wanted]
    git.run(*arguments, timeout_seconds=300, bytes_at_most=bytes_at_most)


def _refuse_absent(git: Git, commit: str) -> None:
    found = git.run("cat-file", "--batch-check=%(objecttype)", stdin=f"{commit}\n").strip()
    if found != b"commit":
        raise Refused(f"{git.remote.url} has no commit {commit} on any branch or tag")


def _refuse_large(git: Git, objects: dict[str, str]) -> None:
    asked = "".join(f"{object_id}\n" for object_id in objects.values())
    told = git.run("cat-file", "--batch-check=%(objecttype) %(objectsize)", stdin=asked).decode().splitlines()
    for path, line in zip(objects, told, strict=True):
        kind, _, size = line.partition(" ")
        if kind != "blob" or int(size) > LARGEST_TEXT_BYTES:
            raise Refused(f"{path!r} is larger than the {LARGEST_TEXT_BYTES} bytes that Airdock reads ({line})")


def _text(git: Git, object_id: str, path: str) -> str:
    try:
        return git.run("cat-file", "blob", object_id).decode()
    except UnicodeDecodeError as error:
        raise Refused(f"{path!r} is not UTF-8 text: {error.reason} at byte {error.start}") from None


def _refuse_strange(path: str) -> None:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or not path.isprintable() or str(PurePosixPath(path)) != path:
        raise Refused(f"{path!r} is no plain path inside the repository")


def printable(text: str) -> str:
    """A stranger's text without what moves a cursor or hides."""
    return "".join(char for char in text if char.isprintable() or char == "\n")
