"""The one plugin file: what Airflow must know of Airdock in every component.

Airflow imports every .py below this folder under its bare name; the library itself lives in include/.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow.plugins_manager import AirflowPlugin

from airdock.aws.links import ConsoleLink

if TYPE_CHECKING:
    from airdock.plan.brought import Brought
    from airdock.spec import Pipeline


def changed_files(pipeline: Pipeline, before: str, after: str) -> Sequence[str]:
    """What git says; only the api-server ever asks, so only there the AWS SDK is imported."""
    from airdock.aws.changed_files import changed_files

    return changed_files(pipeline, before, after)


def commits_between(pipeline: Pipeline, head: str, live: str) -> Sequence[Brought]:
    """What git says, for who compares two releases."""
    from airdock.aws.commits_between import commits_between

    return commits_between(pipeline, head, live)


def board_address() -> str:
    """The board's page: below the path under which Airflow itself is reached."""
    from airflow.configuration import conf

    return f"{urlsplit(conf.get('api', 'base_url', fallback='')).path.rstrip('/')}/airdock/"


class AirdockPlugin(AirflowPlugin):
    """Registers the links that Airdock's tasks carry, and mounts the hooks and the board in the api-server."""

    name = "airdock"
    operator_extra_links = [ConsoleLink()]
    # No `url_route`: it would show the page in a frame, which opens no links and hides the page's address.
    external_views = [{"name": "Airdock", "href": board_address(), "destination": "nav"}]

    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """Made where they are mounted: each task of this Airflow, ours or not, reads this file before it begins."""
        from airdock.web.board.app import board
        from airdock.web.hooks.app import hooks

        # The first whose prefix fits answers: the hooks come before the board, below which they lie.
        return [
            {"name": "airdock hooks", "url_prefix": "/airdock/hooks", "app": hooks(changed_files)},
            {"name": "airdock board", "url_prefix": "/airdock", "app": board(commits_between)},
        ]
