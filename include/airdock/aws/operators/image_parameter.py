"""Infrastructure code learns which image is live."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Context

from airdock.aws.hooks import Account
from airdock.aws.image_parameters import export
from airdock.aws.operators.job import DeliveryOperator
from airdock.release import TaskDefinition


class SsmExportImageOperator(DeliveryOperator):
    """Writes the full address of a live image, with its digest, into an SSM parameter.

    Args:
        account: where the parameter is.
        parameter: its full name.
        task_definition: the record of the revision that is live.

    Record: the image.
    """

    template_fields = ("task_definition",)

    def __init__(self, *, account: Account, parameter: str, task_definition: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.account = account
        self.parameter = parameter
        self.task_definition = task_definition

    def deliver(self, context: Context) -> str:  # noqa: ARG002 - the record is all that it needs
        image = TaskDefinition.from_json(self.task_definition).image
        news = export(self.account, self.parameter, image)
        self.log.info("%s tells %s%s", self.parameter, image, " now" if news else " already")
        return image
