"""One running line for all the tests of a session: it takes half a minute to start."""

from collections.abc import Iterator
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from demo.stack import Stack
from tests.e2e.fleet import make_fleet
from tests.e2e.line import Line, place_for_tests, started
from tests.e2e.native import make_service

WITHOUT_THE_LINE = {"test_board_page.py", "test_lost_push.py", "test_webhooks.py"}
"""Start what they need themselves."""


@pytest.fixture(scope="session")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    place = place_for_tests(tmp_path_factory.mktemp("line"))
    make_fleet(place.dags)
    with Stack(place) as stack:
        yield started(stack)


@pytest.fixture(scope="session")
def second_service(line: Line) -> str:
    """The address of the service whose deployments are ECS's own."""
    return make_service(line)


class Together(LoadScopeScheduling):
    """Keeps the tests of the line in one process, and those of each other file."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0].rpartition("/")[2]
        return file if file in WITHOUT_THE_LINE else "line"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    """A line of their own for each of several processes would take more than it saves."""
    return Together(config, log)
