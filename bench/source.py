"""What it costs to read one commit's few files: our source step, beside a shallow and a full clone.

    make bench      # or: PYTHONPATH=include:. python bench/source.py [files in the repository]

Bytes are what the server sends. CPU seconds are of git at both ends.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from figure import Row, tell

from airdock.source import reference, tree
from airdock.source.git import opened
from airdock.source.remote import Remote
from tests.git_server import GitServer, git, serving

FILE_BYTES = 16 * 1024
FOLDERS = 60
EARLIER_COMMITS, FILES_OF_EACH = 60, 50
READ = ("appspec.yaml", "taskdef.json", "buildspec.yaml")
GOAL = "at most 0.2 MiB and 0.5 s for a repository of 3,000 files, 200 times fewer bytes than a shallow clone"


class Cost(NamedTuple):
    mebibytes: float
    cpu_seconds: float
    seconds: float


def generate(root: Path, files: int) -> str:
    """A repository of `files` random files with a history, served as `app`; the id of its newest commit."""
    bare = root / "app.git"
    git(root, "init", "-q", "--bare", "-b", "main", str(bare))
    git(bare, "config", "uploadpack.allowFilter", "true")
    importing = ["git", "-c", "core.compression=1", "fast-import", "--quiet"]
    subprocess.run(importing, cwd=bare, input=b"".join(_commits(files)), check=True)  # noqa: S603
    return git(bare, "rev-parse", "main").strip()


def _commits(files: int) -> Iterator[bytes]:
    yield from _commit(0, [f"src/{number % FOLDERS}/file-{number}" for number in range(files)], FILE_BYTES)
    for commit in range(1, EARLIER_COMMITS + 1):
        changed = [(commit * FILES_OF_EACH + number) % files for number in range(FILES_OF_EACH)]
        yield from _commit(commit, [f"src/{number % FOLDERS}/file-{number}" for number in changed], FILE_BYTES)
    yield from _commit(EARLIER_COMMITS + 1, list(READ), 1024)


def _commit(number: int, paths: list[str], size_bytes: int) -> Iterator[bytes]:
    yield f"commit refs/heads/main\ncommitter Ada <ada@example.com> {1767323045 + number} +0000\ndata 0\n".encode()
    for path in paths:
        content = os.urandom(size_bytes // 2).hex().encode()
        yield f"M 100644 inline {path}\ndata {len(content)}\n".encode() + content + b"\n"


@contextmanager
def counted(server: GitServer) -> Iterator[Callable[[], Cost]]:
    """What was spent within the block, once it has ended."""
    sent, cpu, begun = server.sent_bytes, _cpu(), time.monotonic()
    spent: list[Cost] = []
    yield lambda: spent[0]
    spent.append(Cost((server.sent_bytes - sent) / 2**20, _cpu() - cpu, time.monotonic() - begun))


def _cpu() -> float:
    of_git = resource.getrusage(resource.RUSAGE_CHILDREN)
    return of_git.ru_utime + of_git.ru_stime


def measure(server: GitServer, commit: str, folder: Path) -> dict[str, Cost]:
    spent = {}
    with counted(server) as cost, opened(Remote(server.url())) as repository:
        assert reference.resolve(repository, "main") == commit
        tree.fetch(repository, commit)
        texts = tree.read(repository, commit, READ)
    assert list(texts) == list(READ)
    spent["our source step"] = cost()
    with counted(server) as cost, opened(Remote(server.url())) as repository:
        reference.resolve(repository, "main")
    spent["only which commit it is"] = cost()
    for name, options in {"git clone --depth 1": ["--depth", "1"], "git clone": []}.items():
        with counted(server) as cost:
            git(folder, "clone", "-q", *options, server.url(), str(folder / name.replace(" ", "")))
        spent[name] = cost()
    return spent


def rows(spent: dict[str, Cost], files: int) -> list[Row]:
    ours, shallow, full = (spent[name] for name in ("our source step", "git clone --depth 1", "git clone"))
    least = spent["only which commit it is"]
    told = [("a shallow clone", shallow), ("a full clone", full)]
    return [
        *(Row(f"bytes, beside {name}", files, round(ours.mebibytes, 3), round(peer.mebibytes, 1), "MiB", 0.2)
          for name, peer in told),
        *(Row(f"time, beside {name}", files, round(ours.seconds, 2), round(peer.seconds, 2), "s", 0.5)
          for name, peer in told),
        *(Row(f"CPU of git, beside {name}", files, round(ours.cpu_seconds, 2), round(peer.cpu_seconds, 2), "s")
          for name, peer in told),
        Row("time for no more than which commit a branch is at", files, round(least.seconds, 2), None, "s"),
    ]  # fmt: skip


def main(files: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        commit = generate(root, files)
        with serving(root) as server:
            # The first of several, because a machine's first run of git reads it from disk.
            runs = [measure(server, commit, Path(tempfile.mkdtemp(dir=root))) for _ in range(3)]
    best = {way: min((run[way] for run in runs), key=lambda cost: cost.seconds) for way in runs[0]}
    step, least = best["our source step"], best["only which commit it is"]
    tell("source", GOAL, rows(best, files), (
        "n is the number of files in the repository, 16 KiB each, with a history of 61 earlier commits; the server is "
        "git's own, on the same machine. The best of three runs. A mirror kept between deliveries would still ask "
        f"which commit a branch is at, and could save at most {step.seconds - least.seconds:.2f} s and "
        f"{step.mebibytes:.2f} MiB of each: too little to keep strangers' objects on a worker, so there is none."
    ))  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3000)
