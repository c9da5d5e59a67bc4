"""A store to ship from, filled as the agent fills it, and the scripted server to ship to."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from logagent.model import Batch, Container, Image
from logagent.ship.elastic import Elastic
from logagent.store.retention import Budget
from logagent.store.store import Store
from tests.ship.server import BulkServer

settings.register_profile("shared machine", deadline=None)  # what an example takes depends on who else runs
settings.load_profile("shared machine")

ID = "ab" * 32
STREAM = "logs-docker.container_logs-default"


def pair(number: int, message: str = "a line") -> bytes:
    """The two lines of document `number`."""
    action = f'{{"create":{{"_id":"abababababab-0-{number:x}"}}}}\n'
    return f'{action}{{"message":"{message}","@timestamp":"2026-11-24T01:48:18.{number:09d}Z"}}\n'.encode()


class Filled:
    """A store in `folder` whose frames are made by `add`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.total = 0
        self.open()

    def open(self, budget: int = 64 << 20) -> None:
        self.store = Store(self.folder, Budget(budget), segment_size=8 << 20, frame_size=4 << 20, frame_time=1.0)
        self.store.catalog.remember([Container(ID, "web", Image("nginx"))])
        self.store.catalog.use_outputs(["es"])

    def add(self, *messages: str) -> int:
        """Commit a frame of these messages; returns its number."""
        documents = b"".join(pair(self.total + n, message) for n, message in enumerate(messages))
        self.total += len(messages)
        self.store.add(Batch(ID, documents, len(messages), 1, 2, None), 0.0)
        assert self.store.commit(0.0), self.store.full
        return self.store.catalog.last_frame()

    def fill(self, frames: int, events: int = 3) -> int:
        """Commit so many frames of so many events; returns the last one's number."""
        for _ in range(frames):
            self.add(*["a line"] * events)
        return self.store.catalog.last_frame()

    def reopen(self) -> None:
        """Close and open it, as a restart of the agent does."""
        self.store.close()
        self.open()

    @property
    def output(self) -> tuple[int, int, int, int, int]:
        """Of the output: cursor, delivered, duplicates, dead, waiting."""
        (o,) = self.store.catalog.outputs()
        return o.cursor, o.delivered, o.duplicates, o.dead, o.waiting


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Filled]:
    """A store with container `web` and output `es`."""
    made = Filled(tmp_path / "store")
    yield made
    made.store.close()


@pytest.fixture
def server() -> Iterator[BulkServer]:
    """The scripted server; `server.url` is its address."""
    made = BulkServer()
    with made.run() as url:
        made.url = url
        yield made


@pytest.fixture
def connect() -> Iterator[Callable[..., Elastic]]:
    """Makes clients of an address, and closes them."""
    made: list[Elastic] = []

    def make(url: str, **more: object) -> Elastic:
        made.append(Elastic(url, STREAM, timeout=5.0, **more))  # type: ignore[arg-type]  # what a test gives
        return made[-1]

    yield make
    for client in made:
        client.close()
