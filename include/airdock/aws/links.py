"""Links from a task to its place in the AWS console."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk.types import TaskInstanceKey


class ConsoleLink(BaseOperatorLink):
    """The address that the task left under the XCom key `console_url`; AWS itself gives or documents its form."""

    name = "AWS console"
    key = "console_url"

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002 - Airflow's signature
        from airflow.sdk.execution_time.xcom import XCom  # the XCom backend that is configured

        return XCom.get_value(key=self.key, ti_key=ti_key) or ""
