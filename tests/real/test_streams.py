"""Containers with streams of their own, shipped to a real Elasticsearch: each document lands where its container says."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from logagent.ship.elastic import Elastic
from logagent.ship.setup import prepare
from logagent.ship.shipper import Shipper
from tests.collect.rig import Rig, numbered, say
from tests.real.servers.elasticsearch import Elasticsearch

pytestmark = pytest.mark.real_elasticsearch

DEFAULT = "logs-docker.container_logs-streams"
LABELS = {
    "plain": {"logagent.namespace": "streams"},
    "docker": {"logagent.dataset": "docker.pay", "logagent.namespace": "streams"},
    "other": {"logagent.dataset": "Pay-Ments", "logagent.namespace": "streams"},
    "evil": {"logagent.dataset": '"}}\n{"delete":{"_index":"*"}}\n', "logagent.namespace": "streams"},
}
STREAMS = {
    "plain": DEFAULT,
    "docker": "logs-docker.pay-streams",
    "other": "logs-pay_ments-streams",
    "evil": "logs-delete_index-streams",
}


@pytest.fixture
def rig(tmp_path: Path, elasticsearch: Elasticsearch) -> Iterator[Rig]:
    """A host whose containers have 20 lines each in the store."""
    made = Rig(tmp_path)
    writers = [made.container(name, labels=labels) for name, labels in LABELS.items()]
    made.start()
    for writer in writers:
        say(made, writer, numbered(0, 20))
    yield made.read()
    made.crash()
    for stream in (*STREAMS.values(), "plain-lines"):
        elasticsearch.delete(stream)


def ship(rig: Rig, name: str, client: Elastic, *, template: bool) -> tuple[int, int, int]:
    """Send all that is stored; returns how many were delivered, were there already, and are dead."""
    rig.store.catalog.use_outputs([name])
    shipper = Shipper(rig.store, name, client, prepare=prepare if template else None)
    shipper.start()
    try:
        assert shipper.wait_drained(rig.store.catalog.last_frame(), 60)
    finally:
        shipper.stop(10)
        client.close()
    (output,) = [o for o in rig.store.catalog.outputs() if o.name == name]
    return output.delivered, output.duplicates, output.dead


def test_each_container_has_its_data_stream(rig: Rig, elasticsearch: Elasticsearch) -> None:
    """Documents land where their actions say, and say so themselves.

    This distribution has no template of its own for `logs-*-*`: what ours does not match lands in an index of that name.
    """
    client = Elastic(elasticsearch.url, DEFAULT, timeout=30)
    assert (80, 0, 0) == ship(rig, "es", client, template=True)
    for name, stream in STREAMS.items():
        found = list(elasticsearch.documents(stream, ["container.name", "data_stream"]))
        assert [name] * 20 == [hit["_source"]["container"]["name"] for hit in found]
        assert {stream} == {"-".join(hit["_source"]["data_stream"].values()) for hit in found}
        assert all(stream in hit["_index"] for hit in found)


def test_a_plain_index_takes_what_streams_would_get(rig: Rig, elasticsearch: Elasticsearch) -> None:
    """The same store goes whole into a plain index, and the streams that its frames name get nothing."""
    client = Elastic(elasticsearch.url, "plain-lines", timeout=30, plain_index=True)
    assert (80, 0, 0) == ship(rig, "plain", client, template=False)
    assert 80 == elasticsearch.count("plain-lines")
    assert 0 == sum(elasticsearch.count(stream) for stream in STREAMS.values())
