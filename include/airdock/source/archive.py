"""The whole tree of a commit as a zip, for builds that can't reach the repository themselves."""

from __future__ import annotations

from pathlib import Path

from airdock.source.git import Git

LARGEST_ARCHIVE_BYTES = 1024**3

# A repository's own attributes could leave files out, change line ends or fill in keywords; these come before them.
ATTRIBUTES = "* -export-ignore -export-subst -text -ident -filter !working-tree-encoding !eol\n"


def write(git: Git, commit: str) -> Path:
    """Write the files of a commit that was fetched with its files; symbolic links stay links, submodules empty.

    Raises:
        Refused: the archive would be larger than `LARGEST_ARCHIVE_BYTES`.
    """
    information = git.bare / "info"
    information.mkdir(exist_ok=True)
    (information / "attributes").write_text(ATTRIBUTES)
    target = git.folder / "tree.zip"
    options = ["--format=zip", f"--output={target}", "--end-of-options", commit]
    git.run("archive", *options, timeout_seconds=300, bytes_at_most=LARGEST_ARCHIVE_BYTES)
    return target
