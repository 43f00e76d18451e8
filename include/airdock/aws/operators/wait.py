"""Waiting for what goes on without Airdock: a scan, another delivery, a service that begins to answer."""

from __future__ import annotations

from airflow.sdk import Context

from airdock.aws.operators.job import JobOperator


class WaitOperator(JobOperator):
    """Starts nothing, so there is no job to remember and none to link to; `adopt_or_start` names what is waited for."""

    operator_extra_links = ()

    def _job_id(self, context: Context) -> str:
        return self.adopt_or_start(context)
