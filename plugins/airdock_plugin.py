"""The one plugin file: what Airflow must know of Airdock in every component.

Airflow imports every .py below this folder under its bare name; the library itself lives in include/.
"""

from airflow.plugins_manager import AirflowPlugin

from airdock.aws.links import ConsoleLink


class AirdockPlugin(AirflowPlugin):
    """Registers the links that Airdock's tasks carry, so that the api-server can show them."""

    name = "airdock"
    operator_extra_links = [ConsoleLink()]
