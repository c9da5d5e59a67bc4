"""Shipping to a real Elasticsearch, beside the contract (test_contract.py): many labels, damage, and an outage."""

import threading
import time
from collections.abc import Callable, Iterator

import orjson
import pytest

from logagent.model import Batch
from logagent.ship.elastic import Elastic
from logagent.ship.setup import prepare
from logagent.ship.shipper import Shipper
from tests.real.servers.elasticsearch import Elasticsearch
from tests.ship.conftest import ID, Filled

pytestmark = pytest.mark.real_elasticsearch

Ship = Callable[[], Shipper]


@pytest.fixture
def stream(request: pytest.FixtureRequest, elasticsearch: Elasticsearch) -> Iterator[str]:
    """A data stream of the test's own."""
    name = f"logs-{request.node.name.split('[')[0]}-default"
    yield name
    elasticsearch.delete(name)


@pytest.fixture
def ship(filled: Filled, elasticsearch: Elasticsearch, stream: str) -> Iterator[Ship]:
    """Makes started shippers of the store as it is open then, and stops them."""
    made: list[Shipper] = []

    def make() -> Shipper:
        client = Elastic(elasticsearch.url, stream, timeout=30)
        shipper = Shipper(filled.store, "es", client, backoff_min=0.05, backoff_max=0.5, prepare=prepare)
        shipper.start()
        made.append(shipper)
        return shipper

    yield make
    for shipper in made:
        shipper.stop(10)
        shipper.client.close()


def await_(what: Callable[[], object], within: float = 30) -> None:
    """Wait until it is so."""
    end = time.monotonic() + within
    while not what():
        assert time.monotonic() < end, "it never came to that"
        threading.Event().wait(0.02)


def test_many_labels_are_no_refusal(filled: Filled, elasticsearch: Elasticsearch, stream: str, ship: Ship) -> None:
    """More different labels than an index may have fields are passed over by the index, and the lines are delivered."""
    documents = b""
    for n in range(40):
        labels = {f"label_{n}_{m}": "v" * 2000 for m in range(50)}
        document = {"@timestamp": "2026-11-24T01:48:18Z", "message": "x", "container": {"labels": labels}}
        documents += b'{"create":{"_id":"%d"}}\n%s\n' % (n, orjson.dumps(document))
    filled.store.add(Batch(ID, documents, 40, 1, 2, None), 0.0)
    assert filled.store.commit(0.0)
    assert ship().wait_drained(1, 60)
    assert (1, 40, 0, 0, 0) == filled.output


def test_damaged_on_disk(filled: Filled, elasticsearch: Elasticsearch, stream: str, ship: Ship) -> None:
    """Of a frame damaged on disk a real server gets what can be read, and the frames behind it come through."""
    filled.add(*[f"{n * 7919}" * 30 for n in range(400)])
    last = filled.fill(2)
    path = filled.store.segments.path(1)
    (frame, *_) = filled.store.catalog.frames_after(0, 1)
    with path.open("r+b") as file:
        file.seek(frame.length // 2)
        file.write(bytes(200))
    assert ship().wait_drained(last, 60)
    cursor, delivered, duplicates, dead, waiting = filled.output
    assert (3, 406, 0) == (cursor, delivered + dead, waiting)
    # What damage makes of an id may be another document's.
    assert delivered - duplicates == elasticsearch.count(stream) > 6


def test_outage(filled: Filled, elasticsearch: Elasticsearch, stream: str, ship: Ship) -> None:
    """A server that goes away and comes back gets everything once, without being asked to."""
    shipper = ship()
    filled.fill(3, events=200)
    elasticsearch.stop()
    try:
        last = filled.fill(3, events=200)
        await_(lambda: "connection refused" in shipper.last_error)
    finally:
        elasticsearch.start()
    assert shipper.wait_drained(last, 60)
    cursor, delivered, _, dead, waiting = filled.output
    assert (6, 1200, 0, 0) == (cursor, delivered, dead, waiting)
    assert 1200 == elasticsearch.count(stream)
