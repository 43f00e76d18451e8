"""Layers are unpacked on top of each other, and never outside the root."""

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from local_aws.runtime.addresses import free_address
from local_aws.runtime.container import CannotPullError, Image, Start
from local_aws.runtime.layers import unpack


def a_layer(*members: tuple[str, bytes | str]) -> bytes:
    """A tar of files (bytes) and symbolic links (text)."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                archive.addfile(member)
            else:
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return written.getvalue()


def test_higher_layer_replaces_and_removes_what_a_lower_one_had(tmp_path: Path) -> None:
    root = tmp_path / "root"
    unpack([a_layer(("app/old", b"1"), ("app/kept", b"1"), ("data/a", b"1"), ("data/b", b"1"))], root)
    upper = a_layer(("app/kept", b"2"), ("app/.wh.old", b""), ("data/.wh..wh..opq", b""), ("data/c", b"3"))
    unpack([gzip.compress(upper)], root)
    found = {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert found == {"app/kept": b"2", "data/c": b"3"}


@pytest.mark.parametrize("name", ["../outside", "app/../../outside"])
def test_path_out_of_the_root_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(CannotPullError):
        unpack([a_layer((name, b"x"))], tmp_path / "root")
    assert not (tmp_path / "outside").exists()


def test_file_is_not_written_through_a_link_out_of_the_root(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    unpack([a_layer(("door", str(tmp_path / "outside")), ("door/file", b"x"))], tmp_path / "root")
    assert list((tmp_path / "outside").iterdir()) == []


def test_whiteout_out_of_the_root_deletes_nothing(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    unpack([a_layer(("../.wh.precious", b""))], tmp_path / "root")
    assert (tmp_path / "precious").exists()


def test_damaged_layer_is_a_failed_pull(tmp_path: Path) -> None:
    with pytest.raises(CannotPullError, match="failed to extract layer"):
        unpack([gzip.compress(a_layer(("a", b"1" * 100_000)))[:-200]], tmp_path / "root")


IMAGE = Image("image", "sha256:0", entry_point=("run",), command=("serve",))


@pytest.mark.parametrize(
    ("entry_point", "command", "argv"),
    [
        (None, None, ["run", "serve"]),
        (None, ["check"], ["run", "check"]),
        (["other"], None, ["other"]),
        (["other"], ["check"], ["other", "check"]),
    ],
)
def test_command_line_is_put_together_as_docker_does(
    entry_point: list[str] | None, command: list[str] | None, argv: list[str]
) -> None:
    assert Start(IMAGE, {}, entry_point, command).argv() == argv


def test_each_task_gets_an_address_of_its_own() -> None:
    addresses = {free_address([8080]) for _ in range(20)}
    assert len(addresses) > 15
    assert all(address.startswith("127.64.") for address in addresses)
