"""Who owns an environment's task definition: the repository, whatever runs now, or infrastructure code."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from airdock.spec.words import FilePath, Form, Part

ParameterName = Annotated[
    str, Form(r"(/[A-Za-z0-9_.-]+)+", "the full name of an SSM parameter, such as /greeter/image", 1011)
]
FieldName = Annotated[
    str, Form(r"[A-Za-z]+(\.[A-Za-z]+)*", "a field's name, such as containerDefinitions.restartPolicy")
]
ImageReference = Annotated[
    str,
    Form(
        r"[A-Za-z0-9][A-Za-z0-9._:/-]*(@sha256:[0-9a-f]{64})?",
        "`built`, or an image with its registry and its tag or digest",
        1000,
    ),
]
BUILT = "built"
"""Stands in a map of images for the image that the pipeline has built."""


class RepositoryTaskDefinition(Part):
    """The task definition is a file in the repository, with placeholders where the images belong."""

    type: Literal["repository"] = Field(alias="from", description="The repository's own file.")
    path: FilePath = Field(
        default="taskdef.json",
        description="Its path in the repository; <IMAGE1_NAME> stands for the image that was built, <IMAGE2_NAME> to "
        "<IMAGE4_NAME> for the fixed ones among the environment's images, in their order.",
    )
    variables: Literal["replace", "merge"] = Field(
        default="replace",
        description="What becomes of the live environment variables and secrets that the file does not name: replace "
        "drops them, merge keeps them.",
    )


class LiveTaskDefinition(Part):
    """The task definition that runs now; only the images change."""

    type: Literal["live"] = Field(alias="from", description="What the service runs now.")
    may_lose: list[FieldName] = Field(
        default=[],
        description="Fields that the installed botocore does not know and that may be lost; any other stops the "
        "delivery before anything is registered.",
    )


class InfrastructureTaskDefinition(Part):
    """Infrastructure code registers the task definition; a release is its newest revision with other images."""

    type: Literal["infrastructure"] = Field(
        alias="from", description="The newest revision of the service's family that Airdock has not registered itself."
    )
    parameter: ParameterName = Field(
        description="The SSM parameter that tells infrastructure code the live image, with its digest; written once a "
        "release is live."
    )
    may_lose: list[FieldName] = Field(
        default=[], description="Fields that the installed botocore does not know and that may be lost."
    )


TaskDefinition = Annotated[
    RepositoryTaskDefinition | LiveTaskDefinition | InfrastructureTaskDefinition, Field(discriminator="type")
]
