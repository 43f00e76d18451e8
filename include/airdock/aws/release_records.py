"""The records of releases in SSM's Parameter Store: what runs where, and what ran there before, by AWS alone.

`/airdock/<application>/<environment>/releases/<key>` holds each delivery's record, `.../live` that of the newest one
that went live. See docs/release-record.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from airdock.aws.faults import error_code, spoken
from airdock.aws.hooks import Account
from airdock.plan.release_record import ReleaseRecord, fitting, from_text, superfluous

MOST_READ = 200
DELETED_AT_ONCE = 10


@dataclass(frozen=True, slots=True)
class Records:
    """The records of one application in one environment."""

    account: Account
    application: str
    environment: str

    @property
    def path(self) -> str:
        return f"/airdock/{self.application}/{self.environment}"

    def keep(self, record: ReleaseRecord) -> None:
        """Write a record; the same one again changes nothing. Raises Refused or Fault."""
        text = fitting(record)
        with spoken(f"keeping the release record {record.key}"):
            ssm = self.account.client("ssm")
            ssm.put_parameter(Name=f"{self.path}/releases/{record.key}", Value=text, Type="String", Overwrite=True)
            if record.live:
                ssm.put_parameter(Name=f"{self.path}/live", Value=text, Type="String", Overwrite=True)

    def live(self) -> ReleaseRecord | None:
        """What went live last, None when nothing is recorded. Raises Refused or Fault."""
        from botocore.exceptions import ClientError

        with spoken(f"reading what is live in {self.environment}"):
            try:
                told = self.account.client("ssm").get_parameter(Name=f"{self.path}/live")["Parameter"]["Value"]
            except ClientError as error:
                if error_code(error) != "ParameterNotFound":
                    raise
                return None
        return from_text(told)

    def newest(self) -> list[ReleaseRecord]:
        """All that are kept, newest first. Raises Refused or Fault."""
        found = (from_text(text) for _, text in self._parameters())
        return sorted((record for record in found if record), key=lambda record: record.key, reverse=True)

    def tidy(self) -> None:
        """Remove what need not be kept. Raises Refused or Fault."""
        names = superfluous({name: from_text(text) for name, text in self._parameters()})
        with spoken("removing old release records"):
            for start in range(0, len(names), DELETED_AT_ONCE):
                self.account.client("ssm").delete_parameters(Names=names[start : start + DELETED_AT_ONCE])

    def _parameters(self) -> list[tuple[str, str]]:
        with spoken(f"reading the release records of {self.environment}"):
            pages = self.account.client("ssm").get_paginator("get_parameters_by_path")
            told = pages.paginate(Path=f"{self.path}/releases", PaginationConfig={"MaxItems": MOST_READ})
            return [(each["Name"], each["Value"]) for page in told for each in page["Parameters"]]


def everywhere(account: Account, application: str) -> list[ReleaseRecord]:
    """All that are kept of an application in an account and region, in no order, whichever Airflow has delivered it.

    Raises:
        Refused: SSM does not allow it.
        Fault: throttled or out of reach.
    """
    with spoken(f"reading the release records of {application}"):
        pages = account.client("ssm").get_paginator("get_parameters_by_path")
        told = [
            each
            for page in pages.paginate(Path=f"/airdock/{application}", Recursive=True)
            for each in page["Parameters"]
        ]
    return [record for each in told if (record := from_text(each["Value"]))]
