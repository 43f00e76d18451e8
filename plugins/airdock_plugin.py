"""The one plugin file: what Airflow must know of Airdock in every component.

Airflow imports every .py below this folder under its bare name; the library itself lives in include/.
"""

from collections.abc import Sequence

from airflow.plugins_manager import AirflowPlugin

from airdock.aws.links import ConsoleLink
from airdock.spec import Pipeline
from airdock.web.hooks.app import hooks


def changed_files(pipeline: Pipeline, before: str, after: str) -> Sequence[str]:
    """What git says; only the api-server ever asks, so only there the AWS SDK is imported."""
    from airdock.aws.changed_files import changed_files

    return changed_files(pipeline, before, after)


class AirdockPlugin(AirflowPlugin):
    """Registers the links that Airdock's tasks carry, and mounts in the api-server what providers send pushes to."""

    name = "airdock"
    operator_extra_links = [ConsoleLink()]
    fastapi_apps = [{"name": "airdock hooks", "url_prefix": "/airdock/hooks", "app": hooks(changed_files)}]
