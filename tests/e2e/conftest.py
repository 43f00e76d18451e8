"""One running line for all the tests of a session: it takes half a minute to start."""

from collections.abc import Iterator

import pytest

from demo.stack import Stack
from tests.e2e.fleet import make_fleet
from tests.e2e.line import Line, place_for_tests, started
from tests.e2e.native import make_service


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
