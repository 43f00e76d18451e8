"""What each provider sends, as it is understood."""

from __future__ import annotations

import pytest

from airdock.plan.push import Kind
from tests.hooks.conftest import Door
from tests.hooks.sender import BEFORE, COMMIT, names, sent

PUSHES = [
    ("github_push", Kind.BRANCH, "refs/heads/main", BEFORE, COMMIT),
    ("github_forced_push", Kind.BRANCH, "refs/heads/main", BEFORE, COMMIT),
    ("github_new_branch", Kind.BRANCH, "refs/heads/feature/x", "", COMMIT),
    ("github_tag", Kind.TAG, "refs/tags/v1.2.0", "", COMMIT),
    ("github_fork", Kind.BRANCH, "refs/heads/main", BEFORE, COMMIT),
    ("github_pull_request", Kind.PULL_REQUEST, "refs/heads/main", BEFORE, COMMIT),
    ("github_pull_request_of_a_fork", Kind.PULL_REQUEST, "refs/heads/main", BEFORE, COMMIT),
    ("gitlab_push", Kind.BRANCH, "refs/heads/main", BEFORE, COMMIT),
    ("gitlab_tag", Kind.TAG, "refs/tags/v1.2.0", "", COMMIT),
    ("gitlab_merge_request", Kind.PULL_REQUEST, "refs/heads/main", "", COMMIT),
    ("bitbucket_push", Kind.BRANCH, "refs/heads/main", BEFORE, COMMIT),
    ("bitbucket_pull_request", Kind.PULL_REQUEST, "refs/heads/main", "", "refs/heads/loud"),
    ("bitbucket-data-center_push", Kind.BRANCH, "refs/heads/main", BEFORE, COMMIT),
    ("bitbucket-data-center_tag", Kind.TAG, "refs/tags/v1.2.0", "", "refs/tags/v1.2.0"),
    ("bitbucket-data-center_pull_request", Kind.PULL_REQUEST, "refs/heads/main", BEFORE, COMMIT),
    ("codecommit_push", Kind.BRANCH, "refs/heads/main", BEFORE, COMMIT),
    ("codecommit_created", Kind.BRANCH, "refs/heads/main", "", COMMIT),
    ("ecr_push", Kind.IMAGE, COMMIT, "", COMMIT),
    ("generic_push", Kind.BRANCH, "refs/heads/main", BEFORE, COMMIT),
    ("generic_request", Kind.REQUEST, "v1.2.0", "", "v1.2.0"),
]
NOTHING = [
    "github_deleted",
    "gitlab_deleted",
    "bitbucket_deleted",
    "bitbucket-data-center_deleted",
    "codecommit_deleted",
    "codecommit_pull_request",
    "ecr_latest",
    "ecr_deleted",
]
GREETINGS = ["github_ping", "bitbucket-data-center_ping"]
SEVERAL = ["bitbucket_several"]


def test_every_recorded_shape_is_in_one_of_the_tests() -> None:
    assert sorted([name for name, *_ in PUSHES] + NOTHING + GREETINGS + SEVERAL) == names()


@pytest.mark.parametrize(("name", "kind", "ref", "before", "after"), PUSHES)
def test_push_is_accepted_as_what_it_is(door: Door, name: str, kind: Kind, ref: str, before: str, after: str) -> None:
    answer = door.send(sent(name))
    assert answer.status_code == 202, answer.text
    [push] = door.stored()
    assert (push.kind, push.ref, push.before, push.after) == (kind, ref, before, after)
    assert answer.json() == {"message": "accepted", "runs": [push.run_id]}
    assert door.woken == [True]


@pytest.mark.parametrize("name", NOTHING)
def test_event_that_starts_nothing_is_204_and_not_stored(door: Door, name: str) -> None:
    answer = door.send(sent(name))
    assert (answer.status_code, answer.content) == (204, b"")
    assert door.stored() == []


@pytest.mark.parametrize("name", GREETINGS)
def test_ping_is_200(door: Door, name: str) -> None:
    assert door.send(sent(name)).status_code == 200


def test_event_of_another_kind_is_204(door: Door) -> None:
    provider, body, headers = sent("github_push")
    assert door.send((provider, body, {**headers, "X-GitHub-Event": "star"})).status_code == 204


def test_github_lists_files_only_when_it_lists_all(door: Door) -> None:
    for name in ("github_push", "github_forced_push", "github_new_branch"):
        door.send(sent(name))
    push, forced, new = door.stored()
    assert push.files == ("README.md", "old.txt", "services/greeter/main.py", "services/greeter/new.py")
    assert (forced.files, new.files) == (None, None)
    assert (push.pusher, push.subject) == ("ada", "Greet in Ukrainian: Привіт")
    assert push.repository.id == "35129377"
    assert push.repository.addresses == ("github.com/acme/greeter",)


def test_github_list_of_as_many_commits_as_it_ever_tells_is_no_list(door: Door) -> None:
    commit = {"added": ["a"], "modified": [], "removed": []}
    door.send(sent("github_push", commits=[commit] * 2048))
    door.send(sent("github_push", commits=[{"id": COMMIT}]))
    assert [push.files for push in door.stored()] == [None, None]


@pytest.mark.parametrize(("added", "removed", "complete"), [(2998, 1, True), (2999, 1, False), (0, 3000, False)])
def test_github_list_of_as_many_files_as_it_ever_tells_of_a_commit_is_no_list(
    door: Door, added: int, removed: int, complete: bool
) -> None:
    told = {"added": [f"a/{n}" for n in range(added)], "modified": [], "removed": [f"r/{n}" for n in range(removed)]}
    one = {"added": ["services/x"], "modified": [], "removed": []}
    door.send(sent("github_push", commits=[one, {"id": COMMIT, **told}]))
    [push] = door.stored()
    assert (push.files is not None) is complete


def test_fork_is_known_as_one(door: Door) -> None:
    own = ("github_push", "github_pull_request", "bitbucket_push", "bitbucket_pull_request")
    other = ("github_fork", "github_pull_request_of_a_fork", "bitbucket-data-center_pull_request")
    for name in own + other:
        door.send(sent(name))
    assert [push.repository.fork for push in door.stored()] == [False] * len(own) + [True] * len(other)


def test_message_of_several_changes_is_several_pushes_with_ids_of_their_own(door: Door) -> None:
    answer = door.send(sent("bitbucket_several", "f1"))
    assert answer.status_code == 202
    stored = door.stored()
    assert [(push.delivery, push.ref) for push in stored] == [("f1.0", "refs/heads/main"), ("f1.1", "refs/tags/v1.2.0")]
    assert answer.json()["runs"] == ["bitbucket__f1.0", "bitbucket__f1.1"]


def test_redelivery_is_200_with_the_same_run_and_stored_once(door: Door) -> None:
    message = sent("github_push", "d1")
    assert door.send(message).status_code == 202
    [waiting] = door.inbox.take(10)
    door.inbox.done(waiting.number, [{"application": "greeter", "run_id": "github__d1"}])
    again = door.send(message)
    assert again.status_code == 200
    assert again.json() == {
        "message": "accepted before",
        "runs": ["github__d1"],
        "results": [{"application": "greeter", "run_id": "github__d1"}],
    }
    assert door.stored() == []
