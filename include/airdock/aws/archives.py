"""Source archives in S3, each under the id of its content: the same content is stored once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from airdock.aws.faults import error_code, spoken
from airdock.aws.hooks import Account


@dataclass(frozen=True, slots=True)
class Bucket:
    """A place for archives; the worker needs s3:PutObject and s3:GetObject below `prefix`."""

    name: str
    account: Account
    prefix: str = "airdock/source/"

    def holds(self, key: str) -> bool:
        """Whether the object is there; S3 answers 403 for a missing one where s3:ListBucket is not granted."""
        from botocore.exceptions import ClientError

        with spoken(f"looking for s3://{self.name}/{key}"):
            try:
                self.account.client("s3").head_object(Bucket=self.name, Key=key)
            except ClientError as error:
                if error_code(error) not in {"404", "403", "NoSuchKey", "NotFound"}:
                    raise
                return False
        return True

    def put(self, key: str, file: Path) -> None:
        """Store the file. Raises Refused or Fault."""
        with spoken(f"storing s3://{self.name}/{key}"), file.open("rb") as body:
            self.account.client("s3").put_object(Bucket=self.name, Key=key, Body=body)
