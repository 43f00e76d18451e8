"""One running line for all the tests of a session: it takes half a minute to start."""

from collections.abc import Iterator, Sequence

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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """The tests of the line stay together in one process, and those of each other file, when there are several."""
    for item in items:
        of_line = "line" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("line" if of_line else item.path.stem))
