"""The real servers as fixtures: one of each for the whole run, shared by the tests, ended by their process ids."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from tests.real.servers.dockerd import SUITES, Engine
from tests.real.servers.elasticsearch import Elasticsearch
from tests.real.servers.node import Node
from tests.real.servers.opensearch import OpenSearch
from tests.real.servers.process import Unavailable
from tests.ship.conftest import Filled

ServerType = TypeVar("ServerType", Engine, Elasticsearch, Node)

LIMITS = {
    "http.max_content_length": "2mb",
    "indexing_pressure.memory.limit": "2mb",
    "thread_pool.write.size": 1,
    "thread_pool.write.queue_size": 5,
}
"""So little that a test can reach it, and so much that nothing else does."""
ROLES = {
    "writer": {"indices": [{"names": ["logs-*"], "privileges": ["create_doc", "auto_configure"]}]},
    "elsewhere": {"indices": [{"names": ["other-*"], "privileges": ["create_doc", "auto_configure"]}]},
    "reader": {"indices": [{"names": ["logs-*"], "privileges": ["read"]}]},
}
"""`writer` is the least that shipping needs."""
NODES: dict[str, Callable[[], Node]] = {
    "7.17": lambda: Elasticsearch("7.17.9", LIMITS, roles=ROLES),
    "8.15": lambda: Elasticsearch("8.15.0", LIMITS, roles=ROLES),
    "9.2": lambda: Elasticsearch("9.2.0", LIMITS, roles=ROLES, tls=True),
    "opensearch": lambda: OpenSearch(LIMITS),
}
"""Each kind of server that we ship to, with low limits, and with users and roles where it has them."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of one node together, so that each is started once."""
    places = ["", *NODES]
    items.sort(key=lambda item: places.index(name_of_node(item)))


def name_of_node(item: pytest.Item) -> str:
    """The name of the node that a test asks for, else empty."""
    return (
        str(item.callspec.params.get("node", ""))
        if isinstance(item, pytest.Function) and hasattr(item, "callspec")
        else ""
    )


class OneNode:
    """The node that is up now: each needs memory, and one at a time is enough."""

    def __init__(self) -> None:
        self._name = ""
        self._node: Node | None = None

    def up(self, name: str) -> Node:
        """The node of this name; another one is ended."""
        if self._node is None or self._name != name:
            self.down()
            self._node, self._name = started(NODES[name]), name
        return self._node

    def down(self) -> None:
        """End the node that is up."""
        if self._node is not None:
            self._node.remove()
        self._node = None


@pytest.fixture(scope="session")
def nodes() -> Iterator[OneNode]:
    """Starts the nodes of `NODES`, one at a time."""
    made = OneNode()
    yield made
    made.down()


@pytest.fixture
def node(request: pytest.FixtureRequest, nodes: OneNode) -> Node:
    """The node of `NODES` that a test names by its parameter. Tests use names of their own in it, and leave them."""
    return nodes.up(request.param)


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


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Filled]:
    """A store with container `web` and output `es`."""
    made = Filled(tmp_path / "store")
    yield made
    made.store.close()
