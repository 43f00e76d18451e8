"""What git is called with, and what its complaints mean."""

from pathlib import Path

import pytest

from airdock.errors import Fault, Refused
from airdock.source.complaint import verdict_on
from airdock.source.git import command, environment, limited
from airdock.source.reference import is_commit, parse, unknown, wanted
from airdock.source.remote import Login, Remote
from airdock.source.tree import entry

A = "a" * 40
B = "b" * 40
REMOTE = Remote("https://git.example.com/acme/greeter.git", Login("ada", "hunter2", "PRIVATE", "example.com ssh-rsa x"))


def test_command_closes_every_door_that_a_configuration_could_open():
    argv = command(Path("/x/bare"), "fetch", "--end-of-options", "origin", A)
    for bolt in ("core.hooksPath=/dev/null", "transfer.fsckObjects=true", "http.followRedirects=false"):
        assert bolt in argv
    assert "protocol.allow=never" in argv
    assert argv[-4:] == ["fetch", "--end-of-options", "origin", A]


def test_environment_holds_the_login_and_nothing_of_the_workers_own():
    told = environment(REMOTE, Path("/x"), {"PATH": "/bin", "AWS_SECRET_ACCESS_KEY": "aws", "GIT_DIR": "/etc"})
    assert told["AIRDOCK_GIT_PASSWORD"] == "hunter2"
    assert told["PATH"] == "/bin"
    assert "AWS_SECRET_ACCESS_KEY" not in told
    assert "GIT_DIR" not in told
    assert (told["HOME"], told["GIT_CONFIG_NOSYSTEM"], told["GIT_CONFIG_GLOBAL"]) == ("/x", "1", "/dev/null")
    assert (told["GIT_TERMINAL_PROMPT"], told["GIT_LFS_SKIP_SMUDGE"]) == ("0", "1")


def test_environment_allows_http_only_for_a_remote_that_may_use_it():
    assert environment(REMOTE, Path("/x"), {})["GIT_ALLOW_PROTOCOL"] == "https:ssh"
    local = Remote("http://127.0.0.1:4566/git/x")
    assert environment(local, Path("/x"), {})["GIT_ALLOW_PROTOCOL"] == "https:ssh:http"


def test_environment_lets_ssh_trust_known_hosts_alone():
    ssh = environment(REMOTE, Path("/x"), {})["GIT_SSH_COMMAND"]
    for option in ("BatchMode=yes", "StrictHostKeyChecking=yes", "UserKnownHostsFile=/x/known_hosts", "/x/key"):
        assert option in ssh
    assert "PRIVATE" not in ssh


def test_limited_puts_a_shell_with_limits_before_the_command():
    argv = limited(["git", "version"], largest_file_bytes=1024)
    assert argv[0] == "/bin/sh"
    assert argv[4] == "2"
    assert argv[-2:] == ["git", "version"]


@pytest.mark.parametrize(
    "said",
    [
        "fatal: Authentication failed for 'https://git.example.com/'",
        "fatal: could not read Username for 'https://git.example.com': terminal prompts disabled",
        "fatal: unable to access 'https://x/': The requested URL returned error: 403",
        "git@example.com: Permission denied (publickey).",
        "remote: Repository not found.\nfatal: repository 'https://x/' not found",
        "fatal: remote error: upload-pack: not our ref 000",
        "fatal: unable to update url base from redirection:\n  asked for: https://x",
        "error: object 1234: badTimezone\nfatal: fsck error in packed object",
        "No ED25519 host key is known for x.\nHost key verification failed.",
    ],
)
def test_complaint_that_stays_is_refused(said):
    assert isinstance(verdict_on(REMOTE, "fetch", 128, said.encode(), ""), Refused)


@pytest.mark.parametrize(
    "said",
    [
        "fatal: unable to access 'https://x/': Could not resolve host: git.example.com",
        "fatal: unable to access 'https://x/': Failed to connect to x port 443: Connection refused",
        "fatal: unable to access 'https://x/': The requested URL returned error: 503",
        "error: RPC failed; curl 56 Recv failure: Connection reset by peer\nfatal: early EOF",
        "",
    ],
)
def test_complaint_that_may_pass_is_a_fault(said):
    assert isinstance(verdict_on(REMOTE, "fetch", 128, said.encode(), ""), Fault)


def test_complaint_repeats_no_secret_and_no_control_characters():
    said = b"remote: token hunter2 \x1b[31mis bad\x1b[0m\nfatal: Authentication failed"
    sentence = verdict_on(REMOTE, "fetch", 128, said, "hunter2").sentence
    assert "hunter2" not in sentence
    assert "\x1b" not in sentence
    assert "refused the login" in sentence


def test_complaint_of_a_worker_without_git_says_so():
    assert "not installed" in verdict_on(REMOTE, "init", 127, b"sh: 1: exec: git: not found", "").sentence


@pytest.mark.parametrize(
    "ref",
    [
        *("", "-x", "--upload-pack=touch canary", "a b", "a..b", "a~1", "a^{}", "a:b", "refs/heads/*", "a?", "[a]"),
        *("/a", "a/", "a//b", ".a", "a/.b", "a.lock", "a.lock/b", "a.", "@", "a@{1}", "a\nb", "a\n", "a\x7f"),
        *("a\\b", "x" * 300),
    ],
)
def test_reference_refuses_what_git_would_not_accept_as_a_name(ref):
    with pytest.raises(Refused, match="is not the name of a branch or tag"):
        wanted(ref)


@pytest.mark.parametrize("ref", ["main", "feature/x-1", "v1.2.3", "ünïcode", "a@b", "x.lockx"])
def test_reference_takes_a_branch_before_a_tag_and_a_tags_commit_before_the_tag(ref):
    assert wanted(ref) == [f"refs/heads/{ref}", f"refs/tags/{ref}^{{}}", f"refs/tags/{ref}"]


def test_reference_keeps_a_full_name():
    assert wanted("refs/tags/v1") == ["refs/tags/v1^{}", "refs/tags/v1"]
    assert wanted("refs/heads/main") == ["refs/heads/main"]


def test_reference_knows_a_commit_by_its_forty_digits():
    assert is_commit(A)
    assert not any(map(is_commit, ["a" * 39, "A" * 40, "a" * 41, f"{A}\n", "main"]))


def test_reference_listing_is_read_and_odd_lines_are_left_out():
    assert parse(f"{A}\trefs/heads/main\nnonsense\nxyz\trefs/heads/bad\n") == {"refs/heads/main": A}


def test_reference_that_is_unknown_is_answered_with_the_nearest_names():
    assert unknown("mian", "https://x/y", ["main", "release"]).endswith("; did you mean main?")
    assert "no branches at all" in unknown("main", "https://x/y", [])


def test_tree_entry_is_found_by_its_exact_path():
    listing = f"100644 blob {A}\tdeploy/x.json\x00120000 blob {B}\tlink\x00".encode()
    assert entry(listing, "deploy/x.json") == ("100644", A)
    assert entry(listing, "link") == ("120000", B)
    assert entry(listing, "deploy") is None
