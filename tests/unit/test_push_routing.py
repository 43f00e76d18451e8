"""Which pipelines a push starts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airdock.plan.push import HEADS, TAGS, Kind, Push, Repository, address_of
from airdock.plan.push_decision import AskedOnce, decided
from airdock.plan.push_routing import Answer, route, route_files
from airdock.plan.push_run import conf_of
from airdock.spec import Pipeline, parse
from tests.builders import a_pipeline_text

HERE, BEFORE = "a" * 40, "b" * 40
GITHUB = "source: {provider: github, repository: acme/Greeter}"
OWN = Repository("42", "acme/greeter", ("github.com/acme/greeter",))


def a_pipeline(triggers: str = "", source: str = GITHUB) -> Pipeline:
    text = a_pipeline_text("source: {provider: codecommit, repository: greeter}", source)
    return parse(text + (f"triggers: {triggers}\n" if triggers else ""))


def a_push(ref: str = "refs/heads/main", **told: Any) -> Push:
    kind = Kind.TAG if ref.startswith(TAGS) else Kind.BRANCH
    return replace(Push("github", "1", OWN, kind, ref, BEFORE, HERE), **told)


def test_push_to_the_sources_branch_starts_a_delivery_by_default() -> None:
    found = route(a_push(), a_pipeline())
    assert found.answer is Answer.START
    assert found.sentence == "the push to main starts a delivery of greeter"


@pytest.mark.parametrize(
    ("push", "triggers", "reason"),
    [
        (a_push("refs/heads/feature"), "", "'feature' is not among the branches of greeter: main"),
        (a_push("refs/tags/v1"), "", "'v1' is not among the tags of greeter: none"),
        (a_push("refs/heads/v1"), "{tags: [v*]}", "'v1' is not among the branches"),
        (a_push("refs/tags/main"), "", "'main' is not among the tags"),
        (a_push(), "{branches: []}", "'main' is not among the branches of greeter: none"),
        (a_push(after=""), "", "main was deleted"),
        (a_push(repository=replace(OWN, fork=True)), "", "is a fork of another repository"),
        (a_push(repository=replace(OWN, id="43")), "{repository_id: '42'}", "is not the repository of greeter"),
        (a_push(kind=Kind.PULL_REQUEST), "", "pull requests start no delivery of greeter"),
        (
            a_push(kind=Kind.PULL_REQUEST, repository=replace(OWN, fork=True)),
            "{pull_requests: own, forks: accept}",
            "pull requests from forks start no delivery",
        ),
        (
            a_push(repository=Repository("42", "acme/greeter", ("github.example.com/acme/greeter",))),
            "",
            "is not the repository of greeter",
        ),
    ],
)
def test_push_that_starts_nothing_says_why(push: Push, triggers: str, reason: str) -> None:
    found = route(push, a_pipeline(triggers))
    assert found.answer is Answer.PASS
    assert reason in found.sentence


@pytest.mark.parametrize(
    ("push", "triggers"),
    [
        (a_push("refs/heads/release/1"), "{branches: ['release/*']}"),
        (a_push("refs/tags/v1"), "{tags: [v*]}"),
        (a_push(repository=replace(OWN, fork=True)), "{forks: accept}"),
        (a_push(), "{repository_id: '42'}"),
        (a_push(kind=Kind.PULL_REQUEST), "{pull_requests: own}"),
        (a_push("refs/tags/v1"), "{tags: [v*], paths: [services/greeter]}"),
    ],
)
def test_push_that_the_pipeline_asks_for_starts_it(push: Push, triggers: str) -> None:
    assert route(push, a_pipeline(triggers)).answer is Answer.START


def test_push_of_unknown_files_is_a_question_to_git() -> None:
    pipeline = a_pipeline("{paths: [services/greeter]}")
    assert route(a_push(), pipeline).answer is Answer.ASK_GIT
    assert route(a_push(before=""), pipeline).answer is Answer.START
    assert route(a_push("refs/heads/new", before=""), pipeline).answer is Answer.PASS
    assert route(a_push(files=("other/x",)), pipeline).answer is Answer.PASS
    assert route(a_push(files=("other/x", "services/greeter/x")), pipeline).answer is Answer.START


@pytest.mark.parametrize(
    ("push", "compared"),
    [
        (a_push("refs/heads/release/1"), BEFORE),
        (a_push("refs/heads/release/1", before=""), "refs/heads/main"),
        (a_push(kind=Kind.PULL_REQUEST), BEFORE),
        (a_push(kind=Kind.PULL_REQUEST, before=""), "refs/heads/main"),
        (a_push("refs/heads/x", kind=Kind.PULL_REQUEST, before="", after="refs/heads/loud"), "refs/heads/x"),
    ],
)
def test_new_branch_and_pull_request_start_what_git_says_that_they_change(push: Push, compared: str) -> None:
    asked: list[tuple[str, str]] = []

    def git(_: Pipeline, before: str, after: str) -> list[str]:
        asked.append((before, after))
        return ["services/greeter/x"]

    once = AskedOnce(git)
    for path, answer in (("services/greeter", Answer.START), ("services/other", Answer.PASS)):
        pipeline = a_pipeline(f"{{paths: [{path}], branches: ['**'], pull_requests: own}}")
        assert decided(push, pipeline, once, patient=False).answer is answer
    assert asked == [(compared, push.after)]


def test_new_branch_that_changes_nothing_starts_and_a_pull_request_does_not() -> None:
    once, new = AskedOnce(lambda *_: []), a_push("refs/heads/release/1", before="")
    pipeline = a_pipeline("{paths: [services/greeter], branches: ['**'], pull_requests: own}")
    found = decided(new, pipeline, once, patient=False)
    assert (found.answer, found.sentence) == (Answer.START, "release/1 is new, and differs in no file from main")
    empty = replace(new, kind=Kind.PULL_REQUEST)
    assert decided(empty, pipeline, once, patient=False).answer is Answer.PASS


def test_push_of_400_files_starts_exactly_the_pipelines_whose_paths_changed() -> None:
    pipelines = {name: a_pipeline(f"{{paths: [services/{name}], shared: [libs/{name}-*]}}") for name in "abcdef"}
    changed = [f"services/{name}/{number}" for name in "ac" for number in range(199)]
    files = (*changed, "libs/e-core/x", "README")
    assert len(files) == 400
    started = [name for name, each in pipelines.items() if route(a_push(files=files), each).answer is Answer.START]
    assert started == ["a", "c", "e"]


def test_route_by_files_names_the_file_that_decided() -> None:
    pipeline = a_pipeline("{paths: [services/greeter], shared: [libs]}")
    assert route_files(a_push(), pipeline, ["x", "libs/y"]).sentence == "the push to main changes the shared libs/y"
    assert "changes 1 files, none of which" in route_files(a_push(), pipeline, ["x"]).sentence


def test_request_starts_the_application_that_it_names_and_no_other() -> None:
    request = Push("generic", "1", Repository("", "greeter"), Kind.REQUEST, "", environment="production")
    assert route(request, a_pipeline()).answer is Answer.START
    assert "no environment 'moon'" in route(replace(request, environment="moon"), a_pipeline()).sentence
    other = replace(request, repository=Repository("", "other"))
    assert route(other, a_pipeline()).answer is Answer.PASS


def test_image_starts_a_delivery_only_where_it_is_wanted() -> None:
    where = Repository("123456789012/greeter", "greeter", ("123456789012.dkr.ecr.eu-west-1.amazonaws.com/greeter",))
    image = Push("ecr", "1", where, Kind.IMAGE, HERE, "", HERE)
    assert route(image, a_pipeline()).answer is Answer.PASS
    assert route(image, a_pipeline("{images: tagged_by_commit}")).answer is Answer.START
    assert conf_of(image) == {"revision": HERE, "ref": "images"}


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/Acme/Greeter.git",
        "https://github.com/acme/greeter",
        "git@github.com:acme/greeter.git",
        "ssh://git@github.com:22/acme/greeter.git",
        "https://token@github.com/acme/greeter/",
    ],
)
def test_address_is_the_same_by_whatever_protocol(url: str) -> None:
    assert address_of(url) == "github.com/acme/greeter"


@pytest.mark.parametrize("url", ["", "acme/greeter", "file:///etc/passwd", "ext::sh -c x", HEADS])
def test_address_of_what_is_none_is_empty(url: str) -> None:
    assert address_of(url) == ""


def test_source_of_every_kind_knows_its_own_pushes() -> None:
    git = a_pipeline(source="source: {provider: git, repository: 'https://git.example.com/scm/ac/greeter.git'}")
    codecommit = a_pipeline(source="source: {provider: codecommit, repository: greeter}")
    own = Repository("1", "AC/greeter", ("git.example.com/ac/greeter",))
    aws = Repository("1", "greeter", ("git-codecommit.eu-west-1.amazonaws.com/v1/repos/greeter",))
    assert route(a_push(repository=own, provider="bitbucket-data-center"), git).answer is Answer.START
    assert route(a_push(repository=aws, provider="codecommit"), codecommit).answer is Answer.START
    assert route(a_push(repository=own), codecommit).answer is Answer.PASS
    assert route(a_push(repository=aws, provider="generic"), codecommit).answer is Answer.PASS
    assert route(a_push(provider="generic"), a_pipeline()).answer is Answer.PASS
    assert route(a_push(repository=replace(aws, addresses=())), codecommit).answer is Answer.PASS
