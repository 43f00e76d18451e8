"""What starts a delivery: pushes to which branches and tags, of which files, from whose repository."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from airdock.spec.words import Form, Part

RefPattern = Annotated[
    str,
    Form(
        r"(?!-)(?!.*\*\*\*)[^\x00-\x20\x7f~^:\[\\]+",
        "the name of a branch or tag without refs/heads/ or refs/tags/; * stands for a part of it, ** for more parts",
        250,
    ),
]
PathPattern = Annotated[
    str,
    Form(
        r"!?(?![!/])(?!(.*/)?\.\.?(/|$))(?!.*//)(?!.*\*\*\*)[^\x00-\x1f\x7f\\]+",
        "a path inside the repository, such as services/greeter or docs/**/*.md; with ! before it, it is taken out",
        250,
    ),
]
RepositoryId = Annotated[str, Form(r"[A-Za-z0-9{}:_-]+", "the id that the provider gives its repository", 100)]


class Triggers(Part):
    """What starts a delivery besides the clock and a person: webhooks and events of the repository."""

    branches: list[RefPattern] | None = Field(
        default=None,
        max_length=50,
        description="Branches whose pushes start a delivery; the source's branch if left out, none for an empty list.",
    )
    tags: list[RefPattern] = Field(
        default=[], max_length=50, description="Tags that start a delivery when they are pushed, such as v*."
    )
    paths: list[PathPattern] = Field(
        default=[],
        max_length=200,
        description="Files and folders whose change starts a delivery; any change if left out. The last pattern that "
        "fits a file decides. For repositories with several applications. A new tag is delivered whatever it changes.",
    )
    shared: list[PathPattern] = Field(
        default=[],
        max_length=200,
        description="Files and folders beside `paths` whose change starts a delivery too, such as common libraries.",
    )
    repository_id: RepositoryId | None = Field(
        default=None,
        description="The repository's id at its provider. A name can be given to another repository, an id never is.",
    )
    forks: Literal["never", "accept"] = Field(
        default="never", description="Whether a push counts that comes from a repository which is a fork of another."
    )
    pull_requests: Literal["never", "own"] = Field(
        default="never",
        description="Whether pull requests into the branches start a delivery of their newest commit: never, or own, "
        "which are those from a branch of the repository itself. Those from forks start none, ever.",
    )
    images: Literal["never", "tagged_by_commit"] = Field(
        default="never",
        description="Whether an image starts a delivery that somebody else's build pushes into the ECR repository "
        "under a tag which is a full commit id: never, or tagged_by_commit. The commit is then delivered.",
    )
