"""What the servers that we ship to really answer, row by row of the contract, and what becomes of each event then.

The same tests run on Elasticsearch 7.17 (into plain indices: its distribution has no data streams), 8.15, 9.2 (by TLS) and
OpenSearch. The nodes have low limits, and users and roles where there is security.
"""

import hashlib
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest

from logagent.model import Batch
from logagent.ship.access import Access
from logagent.ship.bulk import Items, judge
from logagent.ship.elastic import Elastic
from logagent.ship.setup import prepare
from logagent.ship.shipper import Shipper
from logagent.ship.tls import Tls
from tests.real.servers.access import ADMIN
from tests.real.servers.elasticsearch import Elasticsearch
from tests.real.servers.node import Node
from tests.real.servers.process import await_that
from tests.ship.conftest import ID, Filled, pair

pytestmark = pytest.mark.real_elasticsearch

SECURE = ["7.17", "8.15", "9.2"]
STREAMS = ["8.15", "9.2", "opensearch"]
EVERY = ["7.17", "8.15", "9.2", "opensearch"]
WITHIN = 5
TIME = "2026-11-24T01:48:18Z"

Ship = Callable[..., Shipper]


def on(names: list[str]) -> pytest.MarkDecorator:
    """Run the test on these nodes."""
    return pytest.mark.parametrize("node", names, indirect=True)


@pytest.fixture
def target(request: pytest.FixtureRequest) -> str:
    """A name of the test's own for a data stream or an index."""
    words = "".join(c if c.isalnum() else "_" for c in request.node.name.lower())
    return f"logs-{words}-default"


@pytest.fixture
def ship(filled: Filled, node: Node, target: str) -> Iterator[Ship]:
    """Makes started shippers to the node, as its administrator or as `user`, and stops them."""
    made: list[Shipper] = []

    def make(user: str | None = None, *, to: str = target, by: dict[str, Any] | None = None, **more: Any) -> Shipper:
        options = {"timeout": 30, "plain_index": not node.streams or to != target, **access(node, user), **(by or {})}
        client = Elastic(node.url, to, **options)
        made.append(Shipper(filled.store, "es", client, backoff_min=0.05, backoff_max=0.5, **more))
        made[-1].start()
        return made[-1]

    yield make
    for shipper in made:
        shipper.stop(10)
        shipper.client.close()


def access(node: Node, user: str | None) -> dict[str, Any]:
    """How a client gets in."""
    if not isinstance(node, Elasticsearch):
        return {}
    name, password = ("admin", ADMIN.password) if user is None else (user, user)
    files = node.certificates
    tls = Tls(files["ca_file"], None, files["cert_file"], files["key_file"]) if node.context else None
    return {"access": Access({"username": name, "password": password}), "tls": tls}


def await_(what: Callable[[], object]) -> None:
    """Wait until it is so."""
    await_that(lambda: bool(what()), WITHIN, lambda: "it never came to that")


def tells(shipper: Shipper, said: str) -> bool:
    """Whether its trouble is this now."""
    return said in shipper.last_error


def frame(filled: Filled, *documents: dict[str, Any] | bytes) -> int:
    """Commit a frame of these documents, with their place as their id; bytes are both lines as they are."""
    lines = b"".join(
        d if isinstance(d, bytes) else b'{"create":{"_id":"%d"}}\n%s\n' % (n, orjson.dumps({"@timestamp": TIME} | d))
        for n, d in enumerate(documents)
    )
    filled.store.add(Batch(ID, lines, len(documents), 1, 2, None), 0.0)
    assert filled.store.commit(0.0)
    return filled.store.catalog.last_frame()


def ids(node: Node, target: str) -> list[str]:
    """The ids of all documents there, each as often as it is there."""
    return sorted(hit["_id"] for hit in node.documents(target, ["_"]))


def expected_ids(filled: Filled) -> list[str]:
    """The ids of what `Filled` made."""
    return sorted(f"abababababab-0-{n:x}" for n in range(filled.total))


# Delivered


@on(EVERY)
def test_everything_is_there_once(filled: Filled, node: Node, target: str, ship: Ship) -> None:
    """What is sent is there, and what is sent again (409) counts as delivered and is not there twice."""
    node.define(target)
    last = filled.fill(3, events=100)
    first = ship()
    assert first.wait_drained(last, WITHIN)
    assert (3, 300, 0, 0, 0) == filled.output
    assert first.stop(10)
    filled.store.catalog.use_outputs([])
    with filled.store.catalog._transaction() as db:
        db.execute("DELETE FROM output")
    filled.store.catalog.use_outputs(["es"])
    assert ship().wait_drained(last, WITHIN)
    assert (3, 300, 300, 0, 0) == filled.output
    assert expected_ids(filled) == ids(node, target)


@on(STREAMS)
def test_our_template(filled: Filled, node: Node, target: str, ship: Ship) -> None:
    """Our template is taken by each server with what it has, and times one nanosecond apart keep their order."""
    filled.fill(2, events=500)
    last = filled.add("the last one")
    assert ship(prepare=prepare).wait_drained(last, WITHIN)
    hits = list(node.documents(target, ["@timestamp"], ["@timestamp"]))
    assert [f"abababababab-0-{n:x}" for n in range(1001)] == [hit["_id"] for hit in hits]
    assert "2026-11-24T01:48:18.000001000Z" == hits[-1]["_source"]["@timestamp"]
    mapping = next(iter(node.get(f"/{target}/_mapping").values()))["mappings"]["properties"]
    assert "date_nanos" == mapping["@timestamp"]["type"]
    assert mapping["message"]["type"] in ("text", "match_only_text")
    assert hits[0]["_index"].startswith(f".ds-{target}-")


@on(["7.17"])
def test_no_data_streams(filled: Filled, node: Node, target: str, ship: Ship) -> None:
    """A server without data streams is told so before the first frame, and nothing is sent into an index by that name."""
    last = filled.fill(1)
    shipper = ship(by={"plain_index": False}, prepare=prepare)
    await_(lambda: "no data streams" in shipper.paused)
    assert (0, 0, 0, 0, 3) == filled.output
    assert 0 == node.count(target)
    assert shipper.stop(10)
    assert ship().wait_drained(last, WITHIN)
    assert expected_ids(filled) == ids(node, target)


@on(STREAMS)
def test_rollover_in_between(filled: Filled, node: Node, target: str, ship: Ship) -> None:
    """A data stream that is rolled over while frames are under way has every event once."""
    node.define(target)
    shipper = ship()
    assert shipper.wait_drained(filled.fill(2, events=50), WITHIN)
    for _ in range(2):
        filled.fill(4, events=50)
        node.request("POST", f"/{target}/_rollover")
    assert shipper.wait_drained(filled.fill(2, events=50), WITHIN)
    assert (12, 600, 0, 0, 0) == filled.output
    assert expected_ids(filled) == ids(node, target)
    assert 3 == len(node.get(f"/_resolve/index/{target}")["data_streams"][0]["backing_indices"])


@on(EVERY)
def test_documents_with_a_place_of_their_own(filled: Filled, node: Node, target: str, ship: Ship) -> None:
    """A document that names a data stream goes there; where all goes into a plain index, it goes there too."""
    own = target.replace("default", "own")
    named = b'{"create":{"_id":"named","_index":"%s"}}\n{"@timestamp":"%s"}\n' % (own.encode(), TIME.encode())
    for name in (target, own):
        node.define(name)
    assert ship().wait_drained(frame(filled, {"message": "unnamed"}, named), WITHIN)
    assert (1, 2, 0, 0, 0) == filled.output
    expected = {target: ["0"], own: ["named"]} if node.streams else {target: ["0", "named"]}
    assert expected == {name: ids(node, name) for name in expected}


# Refused for good

STRICT = {
    "dynamic": "strict",
    "properties": {
        "@timestamp": {"type": "date"},
        "message": {"type": "text"},
        "number": {"type": "long"},
        "word": {"type": "keyword"},
        "free": {"type": "object", "dynamic": True},
    },
}
BROKEN = b'{"create":{"_id":"4"}}\n{"@timestamp":\n'
REFUSED: dict[str, dict[str, Any] | bytes] = {
    "failed to parse field [number] of type [long]": {"number": "far"},
    "dynamic introduction of [unforeseen]": {"unforeseen": 1},
    "": {"word": "x" * 40_000},
    "failed to parse": BROKEN,
}
"""What the mapping refuses, by a part of the reason."""


@on(EVERY)
def test_refused_by_the_mapping(filled: Filled, node: Node, target: str, ship: Ship) -> None:
    """Each document that the mapping refuses is a dead letter with the server's reason; its neighbours are delivered."""
    node.define(target, STRICT)
    last = frame(filled, {"number": 0}, *REFUSED.values(), {"message": "good"})
    assert ship().wait_drained(last, WITHIN)
    assert (1, 2, 0, 4, 0) == filled.output
    letters = sorted(filled.store.catalog.dead_letters(10), key=lambda letter: letter.id)
    assert [(str(n), 400) for n in range(1, 5)] == [(letter.id, letter.status) for letter in letters]
    assert [] == [
        (part, letter.reason) for part, letter in zip(REFUSED, letters, strict=True) if part not in letter.reason
    ]
    assert ["0", "5"] == ids(node, target)


TELLING: dict[str, dict[str, Any]] = {
    "immense term in field": {"word": "x" * 40_000},
    "Limit of total fields": {"free": {f"field_{n}": n for n in range(30)}},
}


@pytest.mark.parametrize(
    ("reason", "node"),
    [(reason, name) for reason in TELLING for name in EVERY],
    indirect=["node"],
)
def test_reason(filled: Filled, node: Node, target: str, ship: Ship, reason: str) -> None:
    """The dead letter of a document that an index cannot hold says what it was about it."""
    node.define(target, STRICT, {"index.mapping.total_fields.limit": 20})
    assert ship().wait_drained(frame(filled, TELLING[reason]), WITHIN)
    (letter,) = filled.store.catalog.dead_letters(10)
    assert reason in letter.reason


@on(EVERY)
def test_refused_by_a_pipeline(filled: Filled, node: Node, target: str, ship: Ship) -> None:
    """A document that an ingest pipeline cannot work with is a dead letter; its neighbours are delivered."""
    convert = {"convert": {"field": "number", "type": "integer", "ignore_missing": True}}
    # The one processor of the test distribution: it fails where a text would have to hold a field.
    user = {"set_security_user": {"field": "number.user"}}
    processor = user if isinstance(node, Elasticsearch) else convert
    node.request("PUT", f"/_ingest/pipeline/{target}", {"processors": [processor]})
    node.define(target, settings={"index.default_pipeline": target})
    last = frame(filled, {"message": "good"}, {"number": "no number"}, {"message": "good"})
    assert ship().wait_drained(last, WITHIN)
    assert (1, 2, 0, 1, 0) == filled.output
    (letter,) = filled.store.catalog.dead_letters(10)
    assert ("1", 400) == (letter.id, letter.status)
    assert "illegal_argument_exception" in letter.reason
    assert ["0", "2"] == ids(node, target)


@on(["opensearch"])
def test_failed_by_a_pipeline(filled: Filled, node: Node, target: str, ship: Ship) -> None:
    """A document that a pipeline fails on purpose (500) is a dead letter, and holds nothing up."""
    fail = {"fail": {"message": "not wanted", "if": "ctx.number == 1"}}
    node.request("PUT", f"/_ingest/pipeline/{target}", {"processors": [fail]})
    node.define(target, settings={"index.default_pipeline": target})
    last = frame(filled, {"number": 0}, {"number": 1}, {"number": 2})
    assert ship().wait_drained(last, 3)
    (letter,) = filled.store.catalog.dead_letters(10)
    assert ("1", 500) == (letter.id, letter.status)
    assert "not wanted" in letter.reason


@on(EVERY)
def test_malformed_request(filled: Filled, node: Node, target: str, ship: Ship) -> None:
    """Of a request that is refused as a whole (400) for one line, that line's document is the only dead letter."""
    node.define(target)
    poison = b'{"create":{"_id":"poison","no_such_parameter":1}}\n{"@timestamp":"2026-11-24T01:48:18Z"}\n'
    last = frame(filled, *[{"message": "good"}] * 5, poison, *[{"message": "good"}] * 3)
    assert ship().wait_drained(last, WITHIN)
    assert (1, 8, 0, 1, 0) == filled.output
    (letter,) = filled.store.catalog.dead_letters(10)
    assert ("poison", 400, poison) == (letter.id, letter.status, letter.document)
    assert list("01234678") == ids(node, target)


@on(EVERY)
def test_too_large(filled: Filled, node: Node, target: str, ship: Ship) -> None:
    """What is refused as too large (413) is sent in parts; one document that is too large by itself is a dead letter."""
    node.define(target, {"properties": {"many": {"type": "object", "enabled": False}}})
    giant = {"many": list(range(10**6, 10**6 + 300_000))}  # no text that could be cut
    last = frame(filled, *[{"message": "x" * 30_000}] * 100, giant, {"message": "good"})
    shipper = ship()
    assert shipper.wait_drained(last, WITHIN)
    assert (1, 101, 0, 1, 0) == filled.output
    (letter,) = filled.store.catalog.dead_letters(10)
    assert ("100", 413) == (letter.id, letter.status)
    assert 101 == len(set(ids(node, target))) == node.count(target)
    assert shipper.tally.requests["413"] >= 2


@on(EVERY)
def test_too_large_text(filled: Filled, node: Node, target: str, ship: Ship) -> None:
    """A document whose text makes it too large by itself (413) is delivered with that text cut, and says so."""
    node.define(target)
    last = frame(filled, {"message": "x" * 3_000_000, "log": {"offset": 7}}, {"message": "good"})
    assert ship().wait_drained(last, WITHIN)
    assert (1, 2, 0, 0, 0) == filled.output
    (cut, good) = sorted(node.documents(target), key=lambda hit: hit["_id"])
    assert "good" == good["_source"]["message"]
    assert cut["_source"]["message"].startswith("x" * 10_000)
    assert len(cut["_source"]["message"]) < 100_000
    assert 7 == cut["_source"]["log"]["offset"]
    assert ["truncated"] == cut["_source"]["log"]["flags"]


# Not now


@on(EVERY)
def test_single_documents_pushed_back(filled: Filled, node: Node, target: str, ship: Ship) -> None:
    """Of a reply that mixes 201 and 429 only the refused documents go out again, and all are there once."""
    node.define(target, settings={"index.number_of_shards": 12})
    shipper = ship()
    assert shipper.wait_drained(filled.add("makes the index"), WITHIN)
    assert shipper.wait_drained(filled.fill(1, events=400), WITHIN)
    assert (2, 401, 0, 0, 0) == filled.output
    assert expected_ids(filled) == ids(node, target)
    assert shipper.tally.items["retried"] > 0


@on(EVERY)
def test_requests_pushed_back(filled: Filled, node: Node, target: str, ship: Ship) -> None:
    """A node whose memory for indexing is taken by others answers 429, and gets everything once it is free again."""
    busy = f"{target}-busy"
    with held(node, busy, size=1_900_000):
        last = filled.fill(2, events=2000)
        shipper = ship()
        await_(lambda: "429" in shipper.last_error)
        assert "rejected_execution_exception" in shipper.last_error
        assert (0, 0, 0, 0, 4000) == filled.output
    assert shipper.wait_drained(last, WITHIN)
    assert (2, 4000, 0, 0, 0) == filled.output
    assert expected_ids(filled) == ids(node, target)


class held:  # noqa: N801 - it reads as a phrase
    """A bulk request of `size` bytes that the node keeps in memory: it waits for a replica until that is called off."""

    def __init__(self, node: Node, index: str, *, size: int) -> None:
        self._node, self._index = node, index
        self._body = b'{"create":{}}\n{"message":"%s"}\n' % (b"x" * size)

    def __enter__(self) -> None:
        node, index = self._node, self._index
        settings = {"index.number_of_replicas": 1, "index.write.wait_for_active_shards": "all"}
        node.request("PUT", f"/{index}?wait_for_active_shards=1", {"settings": settings})
        self._thread = threading.Thread(target=node.request, args=("POST", f"/{index}/_bulk", self._body))
        self._thread.start()
        await_(self._is_there)

    def _is_there(self) -> bool:
        stats = self._node.get("/_nodes/stats/indexing_pressure")["nodes"]
        (current,) = [node["indexing_pressure"]["memory"]["current"] for node in stats.values()]
        return bool(current["coordinating_in_bytes"] > len(self._body) / 2)

    def __exit__(self, *_: object) -> None:
        self._node.change(self._index, {"index.number_of_replicas": 0})
        self._thread.join()


BLOCKS = {"write": 403, "read_only_allow_delete": 429}


@on(EVERY)
@pytest.mark.parametrize("block", BLOCKS)
def test_write_block(filled: Filled, node: Node, target: str, ship: Ship, block: str) -> None:
    """A block (by an administrator: 403, by the flood stage of the disk: 429) is waited out, and nothing is dead."""
    node.define(target)
    shipper = ship()
    assert shipper.wait_drained(filled.fill(1), WITHIN)
    node.change(target, {f"index.blocks.{block}": True})
    last = filled.fill(3)
    await_(lambda: f"{BLOCKS[block]} cluster_block_exception" in shipper.last_error)
    assert (1, 3, 0, 0, 9) == filled.output
    node.change(target, {f"index.blocks.{block}": None})
    assert shipper.wait_drained(last, WITHIN)
    assert (4, 12, 0, 0, 0) == filled.output
    assert expected_ids(filled) == ids(node, target)


@on(EVERY)
def test_no_shard(node: Node, target: str) -> None:
    """A shard that is not there (503 for a document) is a reason to send that document again."""
    node.request("PUT", f"/{target}-plain", {"settings": {"index.number_of_replicas": 1}})
    query = "timeout=1ms&wait_for_active_shards=2"
    reply = node.request("POST", f"/{target}-plain/_bulk?{query}", pair(1) + pair(2))
    verdict = judge(200, orjson.dumps(reply), 2)
    assert isinstance(verdict, Items)
    assert (0, (0, 1), ()) == (verdict.delivered, verdict.retry, verdict.dead)
    assert "503 unavailable_shards_exception" in verdict.reason


@on(EVERY)
def test_answer_that_comes_too_late(filled: Filled, node: Node, target: str, ship: Ship) -> None:
    """What the node does after we gave up waiting for its answer, and do again, is there once."""
    settings = {"index.number_of_replicas": 1, "index.write.wait_for_active_shards": "all"}
    node.request("PUT", f"/{target}-plain?wait_for_active_shards=1", {"settings": settings})
    last = filled.fill(1, events=100)
    shipper = ship(to=f"{target}-plain", by={"timeout": 0.5})
    await_(lambda: "no answer within 0.5 s" in shipper.last_error)
    node.change(f"{target}-plain", {"index.number_of_replicas": 0})
    assert shipper.wait_drained(last, WITHIN)
    assert (1, 100, 0, 0) == (filled.output[0], filled.output[1], *filled.output[3:])
    assert expected_ids(filled) == ids(node, f"{target}-plain")


# Not before somebody corrects something


def paused_until(cured: Callable[[], object], shipper: Shipper, said: str, filled: Filled) -> None:
    """Frames wait with the reason `said`, and go out by themselves once that is cured."""
    last = filled.fill(2)
    await_(lambda: said in shipper.paused)
    assert (0, 0, 0, 0, 6) == filled.output
    cured()
    assert shipper.wait_drained(last, WITHIN)
    assert (2, 6, 0, 0, 0) == filled.output
    assert ("", "") == (shipper.paused, shipper.last_error)


@on(SECURE)
def test_unknown_user(filled: Filled, node: Elasticsearch, target: str, ship: Ship) -> None:
    """Who is not let in (401) waits, and goes on when let in, with no more rights than documented for shipping."""
    node.define(target)
    paused_until(lambda: node.access.admit(target, "writer"), ship(target), "401 security_exception", filled)
    assert expected_ids(filled) == ids(node, target)


@on(SECURE)
def test_password_changed(filled: Filled, node: Elasticsearch, target: str, ship: Ship, tmp_path: Path) -> None:
    """A password that is refused (401) is read again, and shipping goes on once its file has the right one."""
    node.define(target)
    node.access.admit(target, "writer")
    file = tmp_path / "password"
    file.write_text("the old one")
    given = {"username": target, "password": "the old one"}
    way_in = Access(given, {"password": file}, lambda _, path: path.read_text())
    shipper = ship(by={"access": way_in})
    paused_until(lambda: file.write_text(target), shipper, "401 security_exception", filled)
    assert expected_ids(filled) == ids(node, target)


@on(["9.2"])
def test_certificates(filled: Filled, node: Elasticsearch, target: str, ship: Ship) -> None:
    """The server's certificate is trusted by its file or fingerprint alone, and ours has to be shown; else frames wait."""
    node.define(target)
    files = node.certificates
    ours = Tls(cert_file=files["cert_file"], key_file=files["key_file"])
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(files["ca_file"].read_text())).hexdigest()
    last = filled.fill(2)
    refused = {
        "its certificate is not trusted": ours,
        "has the fingerprint": replace(ours, ca_fingerprint="0" * 64),
        "TLS failed": Tls(ca_file=files["ca_file"]),
    }
    for said, tls in refused.items():
        shipper = ship(by={"tls": tls})
        await_(partial(tells, shipper, said))
        assert shipper.stop(10)
    assert (0, 0, 0, 0, 6) == filled.output
    assert ship(by={"tls": replace(ours, ca_fingerprint=digest)}).wait_drained(last, WITHIN)
    assert expected_ids(filled) == ids(node, target)


@on(SECURE)
@pytest.mark.parametrize("role", ["reader", "elsewhere"])
def test_forbidden_by_role(filled: Filled, node: Elasticsearch, target: str, ship: Ship, role: str) -> None:
    """Who may not write (403 for the request), or not there (403 for each document), waits, and goes on when allowed."""
    node.define(target)
    node.access.admit(target, role)
    paused_until(lambda: node.access.admit(target, "writer"), ship(target), "403 security_exception", filled)
    assert expected_ids(filled) == ids(node, target)


@on(SECURE)
def test_template_forbidden(filled: Filled, node: Elasticsearch, target: str, ship: Ship) -> None:
    """Who may write and not make templates ships with the template that is there."""
    node.define(target)
    node.access.admit(target, "writer")
    assert ship(target, prepare=prepare).wait_drained(filled.fill(2), WITHIN)
    assert expected_ids(filled) == ids(node, target)


@on(EVERY)
def test_no_index(filled: Filled, node: Node, target: str, ship: Ship) -> None:
    """A node that makes no index by itself (404 for each document) is waited for, until there is one."""
    to = f"{target}-plain"
    node.request("PUT", "/_cluster/settings", {"persistent": {"action.auto_create_index": f"-{to},+*"}})
    paused_until(lambda: node.request("PUT", f"/{to}"), ship(to=to), "404 index_not_found_exception", filled)
    assert expected_ids(filled) == ids(node, to)


@on(EVERY)
def test_no_pipeline(filled: Filled, node: Node, target: str, ship: Ship) -> None:
    """An index whose pipeline is lacking is waited for: every document would meet the same."""
    node.define(target, settings={"index.default_pipeline": target})
    make = partial(node.request, "PUT", f"/_ingest/pipeline/{target}", {"processors": []})
    paused_until(make, ship(), "400 illegal_argument_exception", filled)
    assert expected_ids(filled) == ids(node, target)


@on(EVERY)
def test_wrong_path(filled: Filled, node: Node, target: str, ship: Ship) -> None:
    """An address with a path that leads nowhere pauses shipping with the server's answer, and nothing is dead."""
    last = filled.fill(2, events=20)
    client = Elastic(f"{node.url}/leads/nowhere", target, timeout=30, **access(node, None))
    shipper = Shipper(filled.store, "es", client, backoff_min=0.05, backoff_max=0.5)
    shipper.start()
    try:
        await_(lambda: shipper.paused)
    finally:
        shipper.stop(10)
        client.close()
    assert (0, 0, 0, 0, 40) == filled.output
    assert ship().wait_drained(last, WITHIN)
    assert (2, 40, 0, 0, 0) == filled.output
