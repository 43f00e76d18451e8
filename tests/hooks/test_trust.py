"""Whose secret counts for whose repository."""

from __future__ import annotations

import json
from typing import Any

import pytest
from httpx import Response

from tests.hooks.conftest import Door, a_connection
from tests.hooks.sender import SECRET, payload, signed

OWN, OLD = "a-secret-of-the-greeter-alone", "the-secret-that-it-had-before"
NAMES = {
    "github_push": "acme/greeter",
    "gitlab_push": "acme/greeter",
    "bitbucket_push": "acme/greeter",
    "bitbucket-data-center_push": "AC/greeter",
    "codecommit_push": "greeter",
    "ecr_push": "greeter",
    "generic_push": "git.example.com/acme/greeter",
    "generic_request": "greeter",
}


def send(door: Door, name: str, secret: str, repository: str = "", told: Any = None) -> Response:
    """A message to the address of its provider, or of a repository there, signed with a secret."""
    body = json.dumps(payload(name) if told is None else told).encode()
    provider, _, headers = signed(name, body, "d1", secret)
    path = f"/{provider}/{repository}" if repository else f"/{provider}"
    return door.client.post(path, content=body, headers=headers)


def listed(door: Door, provider: str, **repositories: Any) -> None:
    door.connections[f"airdock_hook_{provider.replace('-', '_')}"] = a_connection(SECRET, repositories=repositories)


@pytest.mark.parametrize(("name", "repository"), NAMES.items())
def test_repository_with_a_secret_of_its_own_is_believed_with_no_other(door: Door, name: str, repository: str) -> None:
    listed(door, name.partition("_")[0], **{repository: [OWN, OLD], "acme/other": "a-secret-of-the-other"})
    assert send(door, name, SECRET).status_code == 401
    assert send(door, name, OWN).status_code == 401
    for secret in (SECRET, "a-secret-of-the-other"):
        assert send(door, name, secret, repository).status_code == 401
    assert send(door, name, "a-secret-of-the-other", "acme/other").status_code == 401
    assert door.stored() == []
    assert send(door, name, OWN, repository).status_code == 202
    assert send(door, name, OLD, repository.upper()).status_code == 200


@pytest.mark.parametrize("change", [{"full_name": "acme/bank"}, {"clone_url": "https://github.com/acme/bank.git"}])
def test_secret_of_one_repository_signs_nothing_for_another(door: Door, change: dict[str, str]) -> None:
    listed(door, "github", **{"acme/greeter": OWN, "acme/listed": OLD})
    told = payload("github_push")
    forged = {**told, "repository": {**told["repository"], **change}}
    assert send(door, "github_push", OWN, "acme/greeter", forged).status_code == 401
    assert door.stored() == []


@pytest.mark.parametrize("change", [{"full_name": "acme/greeter"}, {"clone_url": "https://github.com/Acme/Greeter"}])
def test_secret_of_all_signs_nothing_for_a_repository_with_its_own(door: Door, change: dict[str, str]) -> None:
    listed(door, "github", **{"acme/greeter": OWN})
    told = payload("github_push")
    urls = dict.fromkeys(("html_url", "clone_url", "ssh_url"), "https://github.com/acme/bank")
    bank = {**told, "repository": {**told["repository"], "full_name": "acme/bank", **urls}}
    assert send(door, "github_push", SECRET, told=bank).status_code == 202
    forged = {**bank, "repository": {**bank["repository"], **change}}
    answer = send(door, "github_push", SECRET, told=forged)
    assert (answer.status_code, "acme/greeter has a secret of its own" in answer.json()["message"]) == (401, True)
    assert len(door.stored()) == 1


@pytest.mark.parametrize("secret", ["", "short", None, 7, [], ["short"]])
def test_repository_whose_secret_could_be_guessed_is_closed(door: Door, secret: Any) -> None:
    listed(door, "github", **{"acme/greeter": secret})
    assert send(door, "github_push", str(secret or ""), "acme/greeter").status_code == 401
    assert send(door, "github_push", SECRET, "acme/greeter").status_code == 401
    assert send(door, "github_push", SECRET).status_code == 401
    assert door.stored() == []


def test_address_of_a_repository_without_a_secret_is_closed(door: Door) -> None:
    for repository in ("acme/greeter", "x", "acme/greeter/"):
        assert send(door, "github_push", SECRET, repository).status_code == 401
        assert send(door, "github_push", "", repository).status_code == 401
    assert door.stored() == []


def test_repositories_need_no_secret_of_all_beside_theirs(door: Door) -> None:
    door.connections["airdock_hook_github"] = a_connection("", repositories={"acme/greeter": OWN})
    assert send(door, "github_push", "").status_code == 401
    assert send(door, "github_push", OWN, "acme/greeter").status_code == 202
