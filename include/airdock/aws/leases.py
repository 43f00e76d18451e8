"""Leases on environments in SSM's Parameter Store: a generation is created only if it is absent.

`/airdock/<application>/<environment>/lease/<generation>`. PutParameter without Overwrite is the only operation that
decides anything; the holder alone writes its own generation again, to give it back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from airdock.aws.faults import error_code, spoken
from airdock.aws.hooks import Account
from airdock.plan.lease import Lease

KEPT = 3
"""Generations that stay for a person to look at."""


@dataclass(frozen=True, slots=True)
class Leases:
    """The leases on one environment of one application."""

    account: Account
    application: str
    environment: str

    @property
    def path(self) -> str:
        return f"/airdock/{self.application}/{self.environment}/lease"

    def newest(self) -> Lease | None:
        """The newest generation, None when there was never one. Raises Refused or Fault."""
        with spoken(f"asking who deploys to {self.environment}"):
            return newest_under(self.account.client("ssm"), self.path)

    def take(self, lease: Lease) -> bool:
        """Create a generation; False when another has. Raises Refused or Fault."""
        from botocore.exceptions import ClientError

        with spoken(f"taking the lease on {self.environment}"):
            try:
                self._put(lease, overwrite=False)
            except ClientError as error:
                if error_code(error) != "ParameterAlreadyExists":
                    raise
                return False
        # Who was slow may have created a generation that was tidied away long ago.
        newest = self.newest()
        if newest is None or (newest.generation, newest.holder) != (lease.generation, lease.holder):
            return False
        self._tidy(lease.generation)
        return True

    def give_back(self, holder: tuple[str, str]) -> None:
        """Release the newest generation if it is the holder's; nothing else. Raises Refused or Fault."""
        newest = self.newest()
        if newest is None or newest.holder != holder or newest.released:
            return
        with spoken(f"giving back the lease on {self.environment}"):
            self._put(replace(newest, released=True), overwrite=True)

    def _put(self, lease: Lease, *, overwrite: bool) -> None:
        self.account.client("ssm", once=not overwrite).put_parameter(
            Name=f"{self.path}/{lease.generation:08d}",
            Value=json.dumps(lease.to_json()),
            Type="String",
            Overwrite=overwrite,
        )

    def _tidy(self, generation: int) -> None:
        """Generations that nobody can decide by any more."""
        old = [f"{self.path}/{number:08d}" for number in range(max(1, generation - KEPT - 5), generation - KEPT)]
        if old:
            with spoken("removing old leases"):
                self.account.client("ssm").delete_parameters(Names=old)


def newest_under(ssm: Any, path: str) -> Lease | None:
    """The lease with the highest generation under a path."""
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=path)
    values = {each["Name"]: each["Value"] for page in pages for each in page["Parameters"]}
    return _lease(json.loads(values[max(values)])) if values else None


def _lease(told: Mapping[str, Any]) -> Lease:
    return Lease.from_json(told)
