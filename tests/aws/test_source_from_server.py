"""Reading commits from a real git server, friendly and hostile ones."""

import os
import socket
import subprocess
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from airdock.errors import Fault, Refused
from airdock.source import archive, reference, tree
from airdock.source.git import Git, opened
from airdock.source.remote import Login, Remote
from tests.git_server import GitServer, git, serving


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    root = tmp_path / "served"
    root.mkdir()
    with serving(root) as state:
        yield state


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A developer's copy of a small repository."""
    folder = tmp_path / "work"
    (folder / "deploy").mkdir(parents=True)
    (folder / "buildspec.yml").write_text("version: 0.2\n")
    (folder / "deploy" / "taskdef.json").write_text('{"family": "greeter"}\n')
    (folder / "unread.bin").write_bytes(os.urandom(4096))
    return folder


def read(remote: Remote, ref: str, *paths: str) -> dict[str, str]:
    with opened(remote) as repository:
        commit = reference.resolve(repository, ref)
        tree.fetch(repository, commit)
        return tree.read(repository, commit, paths)


def remote_of(server: GitServer) -> Remote:
    return Remote(server.url())


def objects_missing(repository: Git, commit: str) -> int:
    listing = repository.run("rev-list", "--objects", "--missing=print", commit).decode()
    return sum(line.startswith("?") for line in listing.splitlines())


def test_source_reads_files_of_the_commit_that_a_branch_names(server, work):
    server.push(work)
    assert read(remote_of(server), "main", "buildspec.yml", "deploy/taskdef.json") == {
        "buildspec.yml": "version: 0.2\n",
        "deploy/taskdef.json": '{"family": "greeter"}\n',
    }


def test_source_fetches_only_the_files_that_are_read(server, work):
    commit = server.push(work)
    with opened(remote_of(server)) as repository:
        tree.fetch(repository, commit)
        assert objects_missing(repository, commit) == 3
        tree.read(repository, commit, ["buildspec.yml"])
        assert objects_missing(repository, commit) == 2


def test_source_reads_an_older_commit_by_its_id_while_the_branch_has_moved(server, work):
    first = server.push(work)
    (work / "buildspec.yml").write_text("version: 0.3\n")
    server.push(work)
    assert read(remote_of(server), first, "buildspec.yml") == {"buildspec.yml": "version: 0.2\n"}


def test_source_resolves_an_annotated_tag_to_its_commit(server, work):
    commit = server.push(work)
    git(work, "tag", "-a", "-m", "one", "v1")
    server.push(work)
    with opened(remote_of(server)) as repository:
        assert reference.resolve(repository, "v1") == commit


def test_source_tells_who_made_a_commit_when_and_why(server, work):
    commit = server.push(work)
    with opened(remote_of(server)) as repository:
        tree.fetch(repository, commit)
        made = tree.authorship(repository, commit)
    assert (made.author, made.committed_at) == ("Ada", "2026-01-02T03:04:05+00:00")
    assert made.message == "Say hello\n\nwith care"


def test_source_answers_an_unknown_branch_with_the_nearest_one(server, work):
    server.push(work)
    with pytest.raises(Refused, match="no branch or tag 'mian'; did you mean main"):
        read(remote_of(server), "mian")


def test_source_says_that_there_is_no_such_repository(server):
    with pytest.raises(Refused, match="there is no repository"):
        read(remote_of(server), "main")


def test_source_says_that_a_commit_is_unknown(server, work):
    server.push(work)
    with pytest.raises(Refused, match="has no commit 1111"):
        read(remote_of(server), "1" * 40, "buildspec.yml")


def test_source_reads_old_and_new_commits_from_a_server_with_the_old_protocol(server, work):
    server.old = True
    first = server.push(work)
    (work / "buildspec.yml").write_text("version: 0.3\n")
    server.push(work)
    assert read(remote_of(server), "main", "buildspec.yml") == {"buildspec.yml": "version: 0.3\n"}
    assert read(remote_of(server), first, "buildspec.yml") == {"buildspec.yml": "version: 0.2\n"}
    with pytest.raises(Refused, match="has no commit 1111"):
        read(remote_of(server), "1" * 40, "buildspec.yml")


def test_source_calls_a_server_that_does_not_listen_a_fault(tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(Fault, match="ls-remote"):
            read(Remote(f"http://127.0.0.1:{port}/app.git"), "main")


def test_source_calls_a_server_that_never_answers_a_fault_and_leaves_no_process():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        remote = Remote(f"http://127.0.0.1:{silent.getsockname()[1]}/app.git")
        with opened(remote) as repository:
            with pytest.raises(Fault, match="had not ended after"):
                repository.run("ls-remote", "--end-of-options", remote.url, timeout_seconds=0.5)
            left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        assert remote.url not in left


def test_source_shows_no_secret_in_the_list_of_processes_nor_in_gits_configuration():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        remote = Remote(f"http://127.0.0.1:{silent.getsockname()[1]}/app.git", Login("ada", "hunter2", "KEY"))
        with opened(remote) as repository, ThreadPoolExecutor() as pool:
            listing = pool.submit(repository.run, "ls-remote", "--end-of-options", remote.url, timeout_seconds=20)
            asked, _ = silent.accept()
            shown = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
            asked.close()
            with pytest.raises(Fault):
                listing.result()
            configured = (repository.bare / "config").read_text()
    assert remote.url in shown
    assert "hunter2" not in shown + configured


def test_source_logs_in_with_the_password_of_the_connection(server, work):
    server.push(work)
    server.password = "right"
    assert read(Remote(server.url(), Login("ada", "right")), "main", "buildspec.yml")
    with pytest.raises(Refused, match="refused the login") as refusal:
        read(Remote(server.url(), Login("ada", "wrong-secret")), "main")
    assert "wrong-secret" not in refusal.value.sentence
    with pytest.raises(Refused, match="refused the login"):
        read(remote_of(server), "main")


def test_source_never_follows_a_redirect_with_the_credentials(server, work, tmp_path):
    server.push(work)
    with serving(tmp_path) as thief:
        server.redirect_to = f"http://127.0.0.1:{thief.port}"
        with pytest.raises(Refused, match="has moved"):
            read(Remote(server.url(), Login("ada", "hunter2")), "main")
        assert thief.requests == []


@pytest.mark.parametrize(
    ("name", "make", "kind"),
    [
        ("link", lambda path: path.symlink_to("/etc/passwd"), "a symbolic link"),
        ("loop", lambda path: path.symlink_to("loop"), "a symbolic link"),
        ("up", lambda path: path.symlink_to("../../../etc/passwd"), "a symbolic link"),
        ("inside", lambda path: path.symlink_to("buildspec.yml"), "a symbolic link"),
        ("folder", lambda path: (path.mkdir(), (path / "x").write_text("x")), "a directory"),
        ("absent", lambda path: None, "no file"),
        ("large", lambda path: path.write_bytes(b"x" * (tree.LARGEST_TEXT_BYTES + 1)), "larger than"),
        ("binary", lambda path: path.write_bytes(b"\xff\xfe"), "not UTF-8"),
    ],
)
def test_source_refuses_to_read_what_is_no_small_text_file(server, work, name, make, kind):
    make(work / name)
    server.push(work)
    with pytest.raises(Refused, match=kind):
        read(remote_of(server), "main", name)


def test_source_hands_on_nothing_of_what_a_link_leads_to(server, work, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("what the worker alone may read")
    (work / "absolute").symlink_to(secret)
    (work / "relative").symlink_to("../secret")
    (work / "chain").symlink_to("relative")
    assert {(work / name).read_text() for name in ("absolute", "relative", "chain")} == {secret.read_text()}
    commit = server.push(work)
    with opened(remote_of(server)) as repository:
        tree.fetch(repository, commit, with_files=True)
        for name in ("absolute", "relative", "chain"):
            with pytest.raises(Refused) as refusal:
                tree.read(repository, commit, [name])
            assert secret.read_text() not in refusal.value.sentence
        with zipfile.ZipFile(archive.write(repository, commit)) as packed:
            packed_bytes = b"".join(map(packed.read, packed.namelist()))
    assert str(secret).encode() in packed_bytes
    assert secret.read_bytes() not in packed_bytes


def test_source_does_not_walk_through_a_linked_folder(server, work):
    (work / "elsewhere").symlink_to("/etc")
    server.push(work)
    with pytest.raises(Refused, match="no file 'elsewhere/passwd'"):
        read(remote_of(server), "main", "elsewhere/passwd")


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "deploy/../../x", "", ".", "a//b", "a\x00b", "deploy/"])
def test_source_refuses_a_path_that_leaves_the_repository(server, work, path):
    server.push(work)
    with pytest.raises(Refused, match="no plain path"):
        read(remote_of(server), "main", path)


def test_source_refuses_a_submodule_and_never_visits_it(server, work, tmp_path):
    with serving(tmp_path) as elsewhere:
        (work / ".gitmodules").write_text(f'[submodule "m"]\n\tpath = m\n\turl = {elsewhere.url()}\n')
        server.push(work)
        git(work, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},m")
        git(work, "commit", "-q", "-m", "a submodule")
        git(work, "push", "-q", str(server.root / "app.git"), "HEAD:main")
        with pytest.raises(Refused, match="a submodule"):
            read(remote_of(server), "main", "m")
        assert elsewhere.requests == []


def test_source_refuses_a_repository_whose_objects_are_malformed(server, work):
    server.push(work)
    bare = server.root / "app.git"
    blob = git(bare, "rev-parse", "main:buildspec.yml").strip()
    evil = subprocess.run(
        ["git", "mktree", "--missing"], cwd=bare, input=f"100644 blob {blob}\t.git\n", capture_output=True, text=True
    ).stdout.strip()
    git(bare, "update-ref", "refs/heads/main", git(bare, "commit-tree", "-m", "x", evil).strip())
    with pytest.raises(Refused, match="malformed"):
        read(remote_of(server), "main", "buildspec.yml")


@pytest.mark.parametrize(
    "ref",
    [
        "--upload-pack=touch CANARY",
        "--upload-pack=touch${IFS}CANARY",
        "-u./evil",
        "--output=CANARY",
        "main;touch CANARY",
        "main\ntouch CANARY",
        "$(touch CANARY)",
        "`touch CANARY`",
    ],
)
def test_source_runs_nothing_that_a_name_asks_for(server, work, tmp_path, monkeypatch, ref):
    monkeypatch.chdir(tmp_path)
    server.push(work)
    with pytest.raises(Refused):
        read(remote_of(server), ref, "buildspec.yml")
    assert not list(tmp_path.rglob("CANARY"))


def test_source_runs_nothing_even_if_an_option_reaches_git(server, work, tmp_path):
    server.push(work)
    canary, bare = tmp_path / "canary", server.root / "app.git"
    addresses = [f"ext::touch {canary}", f"file://{bare}", str(bare), f"ssh://-oProxyCommand=touch%20{canary}/app"]
    with opened(remote_of(server)) as repository:
        for hostile in (f"--upload-pack=touch {canary}", *addresses):
            with pytest.raises((Refused, Fault)):
                repository.run("fetch", "--end-of-options", "origin", hostile)
            with pytest.raises((Refused, Fault)):
                repository.run("ls-remote", "--end-of-options", hostile)
    assert not canary.exists()


@pytest.mark.parametrize("arguments", [["--upload-pack=touch CANARY;", "app.git"], ["ext::touch CANARY"]], ids=str)
def test_source_is_guarded_against_what_git_by_itself_would_run(server, work, arguments):
    """Else the tests above would see nothing because there is nothing to see."""
    server.push(work)
    with pytest.raises(subprocess.CalledProcessError):
        git(server.root, "-c", "protocol.ext.allow=always", "ls-remote", *arguments)
    assert (server.root / "CANARY").exists()


def test_source_runs_nothing_that_the_repository_or_the_machine_configures(server, work, tmp_path, monkeypatch):
    canary = tmp_path / "canary"
    hook = f"#!/bin/sh\ntouch {canary}\n"
    home = tmp_path / "home"
    (home / "hooks").mkdir(parents=True)
    for name in ("post-checkout", "reference-transaction", "post-merge"):
        (home / "hooks" / name).write_text(hook)
        (home / "hooks" / name).chmod(0o755)
    (home / ".gitconfig").write_text(
        f"[core]\n\thooksPath = {home}/hooks\n\tfsmonitor = touch {canary}\n"
        f'[filter "evil"]\n\tsmudge = touch {canary}\n'
        f"[credential]\n\thelper = !touch {canary}\n"
    )
    monkeypatch.setenv("HOME", str(home))
    (work / ".gitattributes").write_text("* filter=evil diff=evil\n")
    (work / ".lfsconfig").write_text("[lfs]\n\turl = http://127.0.0.1:1/\n")
    commit = server.push(work)
    with opened(remote_of(server)) as repository:
        tree.fetch(repository, commit, with_files=True)
        tree.read(repository, commit, ["buildspec.yml"])
        archive.write(repository, commit)
    assert not canary.exists()


def test_archive_holds_every_file_as_it_was_committed(server, work):
    (work / ".gitattributes").write_text("unread.bin export-ignore\n*.txt text eol=crlf\nid.txt ident export-subst\n")
    (work / "id.txt").write_bytes(b"$Id$ $Format:%H$\nline\n")
    (work / "link").symlink_to("buildspec.yml")
    commit = server.push(work)
    with opened(remote_of(server)) as repository:
        tree.fetch(repository, commit, with_files=True)
        with zipfile.ZipFile(archive.write(repository, commit)) as packed:
            names = set(packed.namelist())
            assert packed.read("id.txt") == b"$Id$ $Format:%H$\nline\n"
            assert packed.getinfo("link").external_attr >> 28 == 0o12
            assert packed.read("link") == b"buildspec.yml"
    assert {"buildspec.yml", "deploy/taskdef.json", "unread.bin", "link"} <= names


def test_archive_that_grows_too_large_is_refused(server, work, monkeypatch):
    monkeypatch.setattr(archive, "LARGEST_ARCHIVE_BYTES", 2048)
    commit = server.push(work)
    with opened(remote_of(server)) as repository:
        tree.fetch(repository, commit, with_files=True)
        with pytest.raises(Refused, match="more than Airdock takes"):
            archive.write(repository, commit)


def test_tree_id_is_the_same_for_the_same_files_in_another_commit(server, work):
    first = server.push(work)
    second = server.push(work)
    with opened(remote_of(server)) as repository:
        tree.fetch(repository, first)
        tree.fetch(repository, second)
        assert first != second
        assert tree.tree_id(repository, first) == tree.tree_id(repository, second)


def test_source_leaves_nothing_behind(server, work, tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    server.push(work)
    read(remote_of(server), "main", "buildspec.yml")
    assert list(scratch.iterdir()) == []
