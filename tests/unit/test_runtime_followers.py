"""A container's log is copied once, also by the second process that follows it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from docker.errors import APIError

from local_aws.runtime.followers import Followers


def copied(file: Path, *chunks: bytes) -> bytes:
    followers = Followers()
    followers.follow(lambda: iter(chunks), file)
    followers.finish(file)
    return file.read_bytes()


def test_log_is_copied_as_it_comes(tmp_path: Path) -> None:
    assert copied(tmp_path / "web" / "output", b"one\n", b"two\n") == b"one\ntwo\n"


@pytest.mark.parametrize("known", [b"", b"on", b"one\n", b"one\ntw", b"one\ntwo\n"])
def test_what_an_earlier_process_copied_is_passed_over(tmp_path: Path, known: bytes) -> None:
    file = tmp_path / "output"
    file.write_bytes(known)
    assert copied(file, b"one\n", b"two\n") == b"one\ntwo\n"


def test_log_that_breaks_off_keeps_what_came(tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"one\n"
        raise APIError("the container is gone")

    followers = Followers()
    followers.follow(broken, tmp_path / "output")
    followers.finish(tmp_path / "output")
    assert (tmp_path / "output").read_bytes() == b"one\n"
