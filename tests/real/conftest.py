"""The real servers as fixtures: one of each for the whole run, shared by the tests, ended by their process ids."""

from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest

from tests.real.servers.dockerd import SUITES, Engine
from tests.real.servers.elasticsearch import Elasticsearch
from tests.real.servers.process import Unavailable

ServerType = TypeVar("ServerType", Engine, Elasticsearch)


@pytest.fixture(scope="session", params=list(SUITES))
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A private Docker Engine, once of each version. Tests name their containers and remove them."""
    server = started(lambda: Engine(request.param))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def elasticsearch() -> Iterator[Elasticsearch]:
    """A private Elasticsearch. Tests delete their indices and data streams; one that stops it starts it again."""
    server = started(Elasticsearch)
    yield server
    server.remove()


def started(start: Callable[[], ServerType]) -> ServerType:
    """The server, or a skipped test with the reason why it cannot be had here."""
    try:
        return start()
    except Unavailable as reason:
        pytest.skip(str(reason))
