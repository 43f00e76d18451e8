"""What all parts of a pipeline file share: how strictly it is read, and the kinds of text that occur in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from airdock import names


class Part(BaseModel):
    """A part of a pipeline file: frozen, nothing extra, no silent conversions."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


@dataclass(frozen=True, slots=True)
class Form:
    """A text that must match as a whole; `form` says to a person what is wanted."""

    pattern: str
    form: str
    longest: int = 255

    @classmethod
    def of(cls, rule: names.Rule) -> Form:
        return cls(rule.pattern, f"{rule.noun}: {rule.form}", rule.longest)

    def check(self, text: str) -> str:
        if len(text) > self.longest:
            raise ValueError(f"must be at most {self.longest} characters long")
        if not re.fullmatch(self.pattern, text):
            raise ValueError(f"must be {self.form}")
        return text

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "pattern": f"^({self.pattern})$", "maxLength": self.longest}


ApplicationName = Annotated[str, Form.of(names.APPLICATION)]
EnvironmentName = Annotated[str, Form.of(names.ENVIRONMENT)]
Branch = Annotated[str, Form.of(names.GIT_REF)]
ConnectionId = Annotated[str, Form(r"[A-Za-z0-9_#:.()/-]+", "the id of an Airflow connection", 200)]
Region = Annotated[str, Form(r"[a-z]{2}(-[a-z]+)+-[0-9]", "an AWS region such as eu-west-1")]
AwsName = Annotated[str, Form(r"[A-Za-z0-9][A-Za-z0-9_-]*", "letters, digits, - and _")]
CodeDeployName = Annotated[
    str,
    Form(r"[A-Za-z0-9+=,.@_-]+", "what CodeDeploy allows in names: letters, digits and + = , . @ - _", 100),
]
ContainerName = Annotated[str, Form(r"[A-Za-z0-9_-]+", "letters, digits, - and _")]
EcrRepository = Annotated[
    str,
    Form(
        r"[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*",
        "the name of an ECR repository, without registry and tag: lower-case letters, digits and / . _ -",
        256,
    ),
]
AccountId = Annotated[str, Form(r"[0-9]{12}", "an AWS account id: 12 digits in quotes")]
CodeCommitRepository = Annotated[str, Form(r"[A-Za-z0-9._-]+", "the name of a CodeCommit repository", 100)]
ForgeRepository = Annotated[
    str, Form(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+", "a repository of the form owner/name, without address")
]
GitAddress = Annotated[
    str,
    Form(
        r"(https|ssh|http)://([A-Za-z0-9_][A-Za-z0-9_.-]*@)?[A-Za-z0-9\[][^\s@?#\\\x00-\x1f\x7f]*/[^\s@?#\\\x00-\x1f\x7f]+",
        "an address of the form https://host/path or ssh://git@host/path, without a password in it",
        1000,
    ),
]
Bucket = Annotated[str, Form(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of an S3 bucket")]
FilePath = Annotated[
    str,
    Form(
        r"(?!/)(?!(.*/)?\.\.?(/|$))(?!.*//)[^\x00-\x1f\x7f\\]*[^\x00-\x1f\x7f\\/]",
        "the path of a file inside the repository, such as deploy/taskdef.json",
    ),
]
VariableName = Annotated[
    str,
    Form(r"(?!CODEBUILD_)[A-Za-z_][A-Za-z0-9_]*", "the name of an environment variable; CODEBUILD_ is reserved"),
]
WebAddress = Annotated[
    str,
    Form(
        r"https?://[A-Za-z0-9\[][!-?A-\[\]-~]*",
        "an http(s) address without credentials, such as https://host/health, with percent codes for what is not ASCII",
        2000,
    ),
]
AlarmName = Annotated[str, Form(r"[^\x00-\x1f\x7f]+", "the name of a CloudWatch alarm", 255)]
Cron = Annotated[
    str,
    Form(
        r"@(hourly|daily|weekly|monthly|yearly)|[0-9*/,-]+( [0-9A-Za-z*/,#?-]+){4}",
        "a cron expression of five fields, such as 0 2 * * *, or @daily",
    ),
]
