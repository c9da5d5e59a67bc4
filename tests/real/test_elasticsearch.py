"""Shipping to a real Elasticsearch: the stream and its template, ids, order, refusals, and an outage."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

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
def filled(tmp_path: Path) -> Iterator[Filled]:
    """A store with container `web` and output `es`."""
    made = Filled(tmp_path / "store")
    yield made
    made.store.close()


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


def test_stream_is_made_and_sorts_by_nanoseconds(
    filled: Filled, elasticsearch: Elasticsearch, stream: str, ship: Ship
) -> None:
    """Documents go into a data stream made by our template, which tells times one nanosecond apart."""
    filled.fill(4, events=500)
    last = filled.add("the last one")
    assert ship().wait_drained(last, 60)
    assert 2001 == elasticsearch.count(stream)
    hits = list(elasticsearch.documents(stream, ["@timestamp", "message"], ["@timestamp"]))
    assert [f"abababababab-0-{n:x}" for n in range(2001)] == [hit["_id"] for hit in hits]
    assert "2026-11-24T01:48:18.000002000Z" == hits[-1]["_source"]["@timestamp"]
    mapping = next(iter(elasticsearch.get(f"/{stream}/_mapping").values()))["mappings"]["properties"]
    assert ("date_nanos", "text") == (mapping["@timestamp"]["type"], mapping["message"]["type"])
    assert hits[0]["_index"].startswith(f".ds-{stream}-")


def test_sent_twice_is_there_once(filled: Filled, elasticsearch: Elasticsearch, stream: str, ship: Ship) -> None:
    """What was sent and not remembered goes again after a restart: the server says 409, and it counts as delivered."""
    last = filled.fill(2, events=100)
    assert ship().wait_drained(last, 60)
    filled.store.catalog.use_outputs([])
    with filled.store.catalog._transaction() as db:
        db.execute("DELETE FROM output")
    filled.store.catalog.use_outputs(["es"])
    assert ship().wait_drained(last, 60)
    assert (2, 200, 200, 0, 0) == filled.output
    assert 200 == elasticsearch.count(stream)


def test_refused_documents_are_dead_letters(
    filled: Filled, elasticsearch: Elasticsearch, stream: str, ship: Ship
) -> None:
    """A document that the mapping refuses is a dead letter with the server's reason; its neighbours are delivered."""
    good = b'{"create":{"_id":"good"}}\n{"@timestamp":"2026-11-24T01:48:18Z","message":"x"}\n'
    odd = b'{"create":{"_id":"odd"}}\n{"@timestamp":"2026-11-24T01:48:18Z","log":{"offset":"far"}}\n'
    filled.store.add(Batch(ID, good + odd, 2, 1, 2, None), 0.0)
    assert filled.store.commit(0.0)
    assert ship().wait_drained(1, 60)
    assert (1, 1, 0, 1, 0) == filled.output
    (letter,) = filled.store.catalog.dead_letters(10)
    assert ("odd", 400, odd) == (letter.id, letter.status, letter.document)
    assert "document_parsing_exception" in letter.reason
    assert 1 == elasticsearch.count(stream)


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


def test_write_block_is_waited_out(filled: Filled, elasticsearch: Elasticsearch, stream: str, ship: Ship) -> None:
    """A stream that is blocked for writing (403 for each item) holds shipping up until it is free, and nothing is dead."""
    shipper = ship()
    assert shipper.wait_drained(filled.fill(1), 60)
    (index,) = elasticsearch.get(f"/_resolve/index/{stream}")["data_streams"][0]["backing_indices"]
    elasticsearch.request("PUT", f"/{index}/_settings", {"index.blocks.write": True})
    last = filled.fill(3)
    await_(lambda: "403 cluster_block_exception" in shipper.last_error)
    assert (1, 3, 0, 0, 9) == filled.output
    elasticsearch.request("PUT", f"/{index}/_settings", {"index.blocks.write": None})
    assert shipper.wait_drained(last, 60)
    assert (4, 12, 0, 0, 0) == filled.output
    assert 12 == elasticsearch.count(stream)


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
