"""Which commit of a branch a delivery has last begun with, in SSM's Parameter Store: what was pushed and never begun
can be told from it, whatever became of the message that should have started it.

`/airdock/<application>/heads/<hash of the branch>`; docs/release-record.md.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256

from airdock.aws.faults import error_code, spoken
from airdock.aws.hooks import Account
from airdock.release import Record


@dataclass(frozen=True, slots=True)
class Head(Record):
    """A commit of a branch (`refs/heads/...`), and the run that has begun with it; "" when it concerned nothing."""

    ref: str
    commit: str
    run_id: str = ""


@dataclass(frozen=True, slots=True)
class Heads:
    """The heads of one application's branches, in the account of its source."""

    account: Account
    application: str

    def begun(self, ref: str) -> Head | None:
        """What was last begun with, None when nothing ever was. Raises Refused or Fault."""
        from botocore.exceptions import ClientError

        with spoken(f"asking which commit of {ref} was delivered last"):
            try:
                told = self.account.client("ssm").get_parameter(Name=self._name(ref))["Parameter"]["Value"]
            except ClientError as error:
                if error_code(error) != "ParameterNotFound":
                    raise
                return None
        return Head.from_json(json.loads(told))

    def begin(self, head: Head) -> None:
        """Note what a delivery begins with. Raises Refused or Fault."""
        text = json.dumps(head.to_json())
        with spoken(f"noting that a delivery of {head.ref} begins"):
            ssm = self.account.client("ssm")
            ssm.put_parameter(Name=self._name(head.ref), Value=text, Type="String", Overwrite=True)

    def _name(self, ref: str) -> str:
        # A branch's name may have characters that a parameter's may not.
        return f"/airdock/{self.application}/heads/{sha256(ref.encode()).hexdigest()[:16]}"
