"""How an application becomes an image, and what the image's scan may find."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from airdock.spec.words import AccountId, AwsName, EcrRepository, FilePath, Part, VariableName

MostFindings = Annotated[int, Field(ge=0)]


class Build(Part):
    """The CodeBuild project that tests the code and pushes the image."""

    project: AwsName = Field(description="The CodeBuild project; its source is the application's repository.")
    timeout_minutes: int = Field(
        default=30, ge=5, le=2160, description="How long a build may take; CodeBuild itself stops it then."
    )
    buildspec: FilePath = Field(
        default="buildspec.yml",
        description="The buildspec's path in the repository, as the project is set up: read to tell early that it "
        "is missing, never sent to CodeBuild.",
    )
    digest_variable: VariableName = Field(
        default="IMAGE_DIGEST",
        description="The variable among the buildspec's exported-variables that holds the image's digest "
        "(sha256:...) or its full name with digest. Without it the artifact imageDetail.json is read.",
    )


class Image(Part):
    """Where the image is pushed to and pulled from."""

    repository: EcrRepository = Field(description="The ECR repository's name.")
    registry: AccountId | None = Field(
        default=None,
        description="The AWS account that the ECR repository is in; the connection's own if left out.",
    )
    platform: Literal["linux/amd64", "linux/arm64"] = Field(
        default="linux/amd64", description="Which image of a multi-platform index runs, and so is scanned."
    )


class Findings(Part):
    """How many findings of each severity may pass; null lets any number pass. An unknown severity never passes."""

    critical: MostFindings | None = Field(default=0, description="Most critical findings that may pass.")
    high: MostFindings | None = Field(default=0, description="Most high findings that may pass.")
    medium: MostFindings | None = Field(default=None, description="Most medium findings that may pass.")
    low: MostFindings | None = Field(default=None, description="Most low findings that may pass.")
    informational: MostFindings | None = Field(default=None, description="Most informational findings that may pass.")


class Scan(Part):
    """The gate between an image and every environment."""

    required: bool = Field(
        default=True,
        description="Whether an image needs a finished scan; false lets it pass without.",
    )
    timeout_minutes: int = Field(default=15, ge=1, le=720, description="How long to wait for ECR's scan.")
    allow: Findings = Field(default=Findings(), description="How many findings of each severity may pass.")
