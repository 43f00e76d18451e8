"""Names and marks: what is taken, what is not, and what comes back from AWS as it went there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airdock.errors import Refused
from airdock.names import (
    APPLICATION,
    COMMIT,
    DIGEST,
    GIT_REF,
    Marker,
    build_marker,
    idempotency_token,
    marker,
    parse_marker,
)

RUN = ("deliver_greeter", "manual__1")
APPLICATIONS = st.text("abz019", max_size=30).map(lambda text: f"a{text}")


@given(APPLICATIONS, st.text(max_size=300), st.integers(0, 999_999_999))
def test_marker_comes_back_from_a_description(application: str, run_id: str, attempt: int) -> None:
    mark = marker(application, "production", ("deliver_greeter", run_id), attempt)
    assert parse_marker(str(mark)) == mark
    assert parse_marker(str(mark.rollback())) == mark.rollback() != mark
    assert len(str(mark.rollback())) <= 512


@given(st.text(max_size=80))
def test_marker_is_not_read_into_other_texts(text: str) -> None:
    found = parse_marker(text)
    assert found is None or str(found) == text


@pytest.mark.parametrize("tail", ["\n", " ", "0", "\x00", " and more"])
def test_marker_with_a_tail_is_another_text(tail: str) -> None:
    mark = marker("greeter", "production", RUN, 10)
    assert parse_marker(str(mark) + tail) != mark


def test_marker_differs_by_dag_run_environment_and_application() -> None:
    marks = {
        marker("greeter", "production", ("deliver_greeter", "run 1"), 0),
        marker("greeter", "production", ("deliver_greeter", "run 2"), 0),
        marker("greeter", "production", ("deploy_greeter", "run 1"), 0),
        marker("greeter", "production", ("deliver", "_greeter run 1"), 0),
        marker("greeter", "staging", ("deliver_greeter", "run 1"), 0),
        marker("checkout", "production", ("deliver_greeter", "run 1"), 0),
    }
    assert len({mark.base for mark in marks}) == 6


def test_marker_refuses_a_name_that_would_read_as_another_mark() -> None:
    with pytest.raises(Refused, match="is not an application name"):
        marker("greeter/production", "production", RUN, 0)


def test_build_marker_has_one_base_for_a_commit_and_an_attempt_for_each_clear() -> None:
    commit = "ab" * 20
    first, again, cleared = (build_marker("greeter", commit, run, n) for run, n in [("1", 0), ("1", 0), ("1", 1)])
    assert first == again
    assert first.base == cleared.base
    assert first.attempt != cleared.attempt


def test_idempotency_token_fits_and_differs_by_attempt_and_by_what_faults_broke_off() -> None:
    tokens = {idempotency_token(Marker("a/b/0", 0)), idempotency_token(Marker("a/b/0", 1))}
    tokens.add(idempotency_token(Marker("a/b/0", 0), again=1))
    assert len(tokens) == 3
    assert all(len(token) <= 64 for token in tokens)


@pytest.mark.parametrize(
    "text", ["", "Greeter", "1st", "a--b", "-a", "a-", "a_b", "greeter\n", "a" * 41, "gr\u00fc\u00dfe"]
)
def test_application_name_is_refused(text: str) -> None:
    assert not APPLICATION.accepts(text)


@pytest.mark.parametrize("text", ["main", "feature/x", "v1.0", "refs/heads/main", "a-b_c", "\u00fcber"])
def test_git_ref_is_taken(text: str) -> None:
    assert GIT_REF.accepts(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "-x",
            "--upload-pack=touch /tmp/x",
            "a..b",
            "a.lock",
            "a.lock/b",
            "a/",
            "/a",
            ".a",
            "a/.b",
            "a//b",
            "@",
        ),
        *("a@{1}", "a b", "a\tb", "main\n", "a~1", "a^", "a:b", "a?", "a*", "a[b", "a\\b", "a.", "x" * 251),
    ],
)
def test_git_ref_is_refused(text: str) -> None:
    assert not GIT_REF.accepts(text)


def test_commit_and_digest_are_whole_and_lower_case() -> None:
    assert COMMIT.accepts("a" * 40)
    assert not any(COMMIT.accepts(text) for text in ["a" * 39, "A" * 40, "a" * 40 + "\n", "g" * 40])
    assert DIGEST.accepts("sha256:" + "0" * 64)
    assert not any(DIGEST.accepts(text) for text in ["0" * 64, "sha256:" + "0" * 63, "sha256:" + "0" * 64 + "\n"])
