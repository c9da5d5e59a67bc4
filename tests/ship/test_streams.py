"""From containers with labels to the data streams that their documents land in, by a real collector, store and shipper."""

import sqlite3

import orjson
import pytest

from logagent.parse.document import Choice
from logagent.ship.elastic import Elastic
from logagent.ship.shipper import Shipper
from logagent.ship.target import named
from logagent.store.query import Filter, Query
from logagent.store.rebuild import rebuild
from logagent.store.verify import verify
from tests.collect.rig import Rig, numbered, say
from tests.ship.server import refuse

DEFAULT = "logs-docker.container_logs-default"
HOSTILE = '"}}\n{"index":{"_index":"other","_id":"1"}}\n{"x":"' + "é" * 5000
LABELS = {
    "plain": {},
    "pay": {"logagent.dataset": "Payments", "logagent.namespace": "prod-eu"},
    "evil": {"logagent.dataset": HOSTILE},
}
STREAMS = {"plain": DEFAULT, "pay": "logs-payments-prod_eu", "evil": "logs-index_index_other_id_1_x-default"}


def told(rig, **choice):
    """A rig with three lines of each container in its store."""
    writers = {name: rig.container(name, labels=labels) for name, labels in LABELS.items()}
    rig.start(choice=Choice(**choice))
    for name, writer in writers.items():
        say(rig, writer, [f"{name} {n}" for n in range(3)])
    return rig.read()


def ship(rig, url, **more):
    """Send all that is stored."""
    rig.store.catalog.use_outputs(["es"])
    client = Elastic(url, DEFAULT, timeout=5.0, **more)
    shipper = Shipper(rig.store, "es", client, clock=lambda: rig.now)
    for _ in range(20):
        if shipper.step(rig.now) is None:
            break
    client.close()
    assert shipper.idle()


def landed(server):
    """By data stream or index, the messages of what was taken, as Elasticsearch would have put them."""
    found: dict[str, list[str]] = {}
    for request in server.requests:
        for action, document in request.pairs:
            where = named(action) or request.path.split("/")[1]
            found.setdefault(where, []).append(orjson.loads(document)["message"])
    return found


@pytest.fixture
def rig(tmp_path):
    """Give a host without containers."""
    made = Rig(tmp_path)
    yield made
    made.crash()


def test_each_container_lands_in_its_stream(rig, server):
    """Documents go where their container's labels say, and say so themselves; no label makes an action, or another index."""
    told(rig)
    ship(rig, server.url)
    assert {STREAMS[name]: [f"{name} {n}" for n in range(3)] for name in LABELS} == landed(server)
    for name, stream in STREAMS.items():
        for document in rig.documents(name):
            parts = document["data_stream"]
            assert stream == f"{parts['type']}-{parts['dataset']}-{parts['namespace']}"
            assert parts["dataset"] == document["event"]["dataset"]


def test_a_plain_index_gets_all(rig, server):
    """An output with a plain index gets the documents of all containers there, from the same store."""
    told(rig)
    ship(rig, server.url, plain_index=True)
    (found,) = landed(server).items()
    assert (DEFAULT, sorted(f"{name} {n}" for name in LABELS for n in range(3))) == (found[0], sorted(found[1]))


def test_streams_beyond_the_bound_are_told(rig, server, caplog):
    """The container beyond the bound shares the default stream, and the agent's log says which, without the label's text."""
    told(rig, max_streams=1)
    ship(rig, server.url)
    found = landed(server)
    assert 2 == len(found)
    assert 6 == len(found[DEFAULT])
    (record,) = [r for r in caplog.records if "max_streams" in r.message]
    assert "\n" not in record.message
    assert f"is sent to {DEFAULT} instead of logs-" in record.message


def test_a_template_by_name(rig, server):
    """With a template and labels switched off each container has the stream of its name."""
    told(rig, dataset="docker.{container}", stream_labels=False)
    ship(rig, server.url)
    assert {f"logs-docker.{name}-default" for name in LABELS} == landed(server).keys()


def test_a_container_that_gets_other_labels(rig, server):
    """A change of the description changes the stream of what is read from then on."""
    writer = rig.container("web", labels={"logagent.dataset": "a"})
    rig.start()
    say(rig, writer, ["old"])
    rig.read()
    rig.remove("web")
    rig.read()
    writer = rig.container("web", labels={"logagent.dataset": "b"})
    say(rig, writer, ["new"])
    rig.read()
    ship(rig, server.url)
    assert {"logs-a-default": ["old"], "logs-b-default": ["new"]} == landed(server)


def test_dead_letters_keep_their_stream(rig, server):
    """A refused document is kept with its action, and so with its stream and id."""
    told(rig)
    server.script.append(refuse(*[(400, "mapper_parsing_exception")] * 9))
    ship(rig, server.url)
    letters = sqlite3.connect(rig.store.catalog.path).execute("SELECT id, document FROM dead_letter").fetchall()
    assert {d["_id"] for d in rig.documents()} == {i for i, _ in letters}
    found = {orjson.loads(document.split(b"\n")[1])["container"]["name"]: named(document) for _, document in letters}
    assert {name: None if stream == DEFAULT else stream for name, stream in STREAMS.items()} == found


def test_the_store_reads_both_kinds_of_actions(rig):
    """A check finds nothing wrong; questions to the store give all lines of each container."""
    told(rig)
    rig.stop()
    assert [] == list(verify(rig.folder, running=False).found)
    for name in LABELS:
        query = Query(rig.folder, [name], Filter())
        assert [f"{name} {n}" for n in range(3)] == [line.text for _, lines in query.history() for line in lines]
        query.close()


def test_a_rebuilt_catalog_goes_on_where_it_was(rig, server):
    """After a rebuild no line is stored twice and none is lost, in whatever stream; each goes out to the stream it was in."""
    writers = {name: rig.container(name, labels=labels) for name, labels in LABELS.items()}
    rig.start()
    for writer in writers.values():
        say(rig, writer, numbered(0, 5))
        say(rig, writer, ["e 0"], "stderr")
    rig.read().stop()
    for file in rig.folder.glob("catalog.db*"):
        file.unlink()
    built = rebuild(rig.folder)
    assert (18, 3, ()) == (built.events, built.containers, built.found)
    for writer in writers.values():
        say(rig, writer, numbered(5, 5))
    rig.start().read()
    rig.check()
    for name in LABELS:
        assert numbered(0, 10) == rig.messages(name, "stdout")
        assert ["e 0"] == rig.messages(name, "stderr")
    ship(rig, server.url)
    assert dict.fromkeys(STREAMS.values(), 11) == {s: len(messages) for s, messages in landed(server).items()}
