"""A Python base image for builds on a Docker engine that may have no registry to pull it from."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from pathlib import Path

from demo.process import Trouble

WANTED = "public.ecr.aws/docker/library/python:3.12-slim"
IMPORTED = "airdock-demo/python:host"
PULL_SECONDS = 45
LEFT_OUT = {"test", "tests", "site-packages", "__pycache__", "idlelib", "tkinter", "ensurepip", "lib2to3", "turtledemo"}


def ready(directory: Path) -> str | None:
    """Have a base image in the engine: None when the Dockerfile's own is there, else what to use in its place.

    Raises Trouble when the engine takes no image at all.
    """
    if _docker("image", "inspect", WANTED) or _docker("pull", "--quiet", WANTED, seconds=PULL_SECONDS):
        return None
    archive = directory / "base.tar"
    _pack(archive)
    change = "ENV PATH=/usr/local/bin:/usr/bin:/bin"
    if not _docker("import", "--change", change, str(archive), IMPORTED, seconds=120):
        raise Trouble("the Docker engine can neither pull a Python image nor import this machine's own Python")
    archive.unlink()
    return IMPORTED


def _docker(*arguments: str, seconds: float = 20) -> bool:
    program = shutil.which("docker")
    if not program:
        return False
    try:
        return not subprocess.run([program, *arguments], capture_output=True, timeout=seconds).returncode
    except subprocess.TimeoutExpired:
        return False


def _pack(archive: Path) -> None:
    """This machine's Python as a root file system: program, standard library, and the C libraries they load."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    library = Path(sysconfig.get_path("stdlib"))
    program = Path(sys.executable).resolve()
    with tarfile.open(archive, "w") as tar:
        for name in ("python3", "python"):
            tar.add(program, f"usr/local/bin/{name}", filter=_owned_by_root)
        for file in _library_files(library):
            inside = f"usr/local/lib/{version}/{file.relative_to(library)}"
            tar.add(file.resolve(), inside, filter=_owned_by_root)
        for shared in sorted(_shared_libraries([program, *library.glob("lib-dynload/*.so")])):
            tar.add(shared.resolve(), str(shared).lstrip("/"), filter=_owned_by_root)
        _add_basics(tar)


def _library_files(library: Path) -> Iterator[Path]:
    for folder, below, files in os.walk(library):
        # Pruned on the way: installed packages are many times larger than the library itself.
        below[:] = sorted(name for name in below if name not in LEFT_OUT and not name.startswith("config-"))
        yield from (Path(folder, name) for name in sorted(files))


def _shared_libraries(programs: list[Path]) -> set[Path]:
    """What the dynamic linker loads for the programs, under the paths by which it looks for it."""
    told = subprocess.run(["ldd", *map(str, programs)], capture_output=True, text=True).stdout
    return {Path(found) for found in re.findall(r"(/\S+) \(0x", told)}


def _add_basics(tar: tarfile.TarFile) -> None:
    tmp = tarfile.TarInfo("tmp")
    tmp.type, tmp.mode = tarfile.DIRTYPE, 0o1777
    tar.addfile(tmp)
    users = b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/tmp:/bin/false\n"
    passwd = tarfile.TarInfo("etc/passwd")
    passwd.size, passwd.mode = len(users), 0o644
    tar.addfile(passwd, io.BytesIO(users))


def _owned_by_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mode |= 0o555 if entry.isdir() else 0o444
    return entry
