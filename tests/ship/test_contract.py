"""The contract with the server, row by row: an answer, and what became of the frame, the cursor, the counters and the operator's news.

Each row sends one frame of three documents. The first answer is the row's; what comes after it is a server that is well. All
replies come over a real socket.
"""

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

import orjson
import pytest

from logagent.ship.bulk import Fault
from logagent.ship.elastic import Elastic
from logagent.ship.shipper import Shipper
from tests.ship.conftest import Filled
from tests.ship.server import Answer, BulkServer, cut, index, refuse, reset_after, reset_before, status

Connect = Callable[..., Elastic]

BUSY = (429, "es_rejected_execution_exception")
ERROR = b'{"error":{"type":"some_exception","reason":"content that nobody may see"},"status":0}'
GONE = "connection"


@dataclass(frozen=True)
class Row:
    """`answers` to the first request (and those after); what is so after the first step, and in the end.

    `waits`: the frame is sent again after a wait; `paused`: for a cause that somebody must put right; `renewed`: credentials
    were read again. `resent` is how many documents the second request had. `end` is delivered, duplicates, dead; `items` the
    counters that are not 0 in the end; `dead` statuses and reasons of dead letters. `says` is in the error that is shown.
    """

    name: str
    answers: tuple[Answer, ...]
    waits: bool = False
    paused: bool = False
    renewed: bool = False
    resent: int | None = None
    end: tuple[int, int, int] = (3, 0, 0)
    items: dict[str, int] = field(default_factory=lambda: {"delivered": 3})
    dead: tuple[tuple[int, str], ...] = ()
    says: str = ""


def again(name: str, answer: Answer, says: str, resent: int = 3, **more: Any) -> Row:
    """A row whose documents, or some of them, are sent again after a wait."""
    return Row(name, (answer,), waits=True, resent=resent, says=says, **more)


def some(name: str, *fate: Any, **more: Any) -> Row:
    """A row where the second of three documents has this fate, and goes again alone."""
    items = {"delivered": 3, "retried": 1}
    says = f"answered {fate[0]} {fate[1]} for single documents"
    return again(name, refuse(None, fate), says, resent=1, items=items, **more)


def lost(name: str, *fate: Any, reason: str = "") -> Row:
    """A row where the second of three documents is refused for good."""
    return Row(
        name,
        (refuse(None, fate),),
        end=(2, 0, 1),
        items={"delivered": 2, "dead": 1},
        dead=((fate[0], reason or f"{fate[1]}: a reason for {fate[0]}"),),
    )


ITEMS = [
    Row("201", ()),
    Row(
        "failure store used",
        (refuse(None, (201, "used")),),
        items={"delivered": 2, "failure_store": 1},
    ),
    Row(
        "409",
        (refuse((409, "version_conflict_engine_exception"), None, (409, "version_conflict_engine_exception")),),
        end=(3, 2, 0),
        items={"delivered": 1, "duplicate": 2},
    ),
    some("item 429", *BUSY),
    some("item 429 flood stage", 429, "cluster_block_exception"),
    some("item 403 flood stage of old", 403, "cluster_block_exception", "blocked by: [FORBIDDEN/12/index read-only];"),
    some("item 403 write block", 403, "cluster_block_exception", "index [x] blocked by: [FORBIDDEN/8/index write (api)];"),
    some("item 503 shards", 503, "unavailable_shards_exception"),
    some("item 503 no shard", 503, "no_shard_available_action_exception"),
    some("item 500", 500, "exception"),
    some("item 504", 504, "timeout_exception"),
    lost("item 400 mapper", 400, "mapper_parsing_exception"),
    lost("item 400 document", 400, "document_parsing_exception"),
    lost("item 400 immense term", 400, "illegal_argument_exception", "immense term", reason="illegal_argument_exception: immense term"),
    lost("item 400 field limit", 400, "illegal_argument_exception", "Limit of total fields [1000] has been exceeded",
         reason="illegal_argument_exception: Limit of total fields [1000] has been exceeded"),
    lost("item 400 strict", 400, "strict_dynamic_mapping_exception"),
    lost("item 400 pipeline", 400, "fail_processor_exception"),
    lost("item 400, failure store off", 400, "document_parsing_exception", "bad", "not_enabled",
         reason="document_parsing_exception: bad (failure store: not_enabled)"),
    lost("item 400, failure store failed", 400, "document_parsing_exception", "bad", "failed",
         reason="document_parsing_exception: bad (failure store: failed)"),
    some("item 400 op_type", 400, "illegal_argument_exception",
         "only write ops with an op_type of create are allowed in data streams", paused=True),
    some("item 404", 404, "index_not_found_exception", paused=True),
    some("item 401", 401, "security_exception", paused=True, renewed=True),
    some("item 403 by role", 403, "security_exception", paused=True, renewed=True),
    Row("item 413 once", (refuse(None, (413, "too_large")),), resent=1, items={"delivered": 3, "retried": 0, "truncated": 1}),
    Row(
        "item 413 twice",
        (refuse(None, (413, "too_large")), refuse((413, "too_large"))),
        resent=1,
        end=(2, 0, 1),
        items={"delivered": 2, "dead": 1},
        dead=((413, "too_large: a reason for 413"),),
    ),
]  # fmt: skip
REQUESTS = [
    again("200 cut", cut, GONE, end=(3, 3, 0), items={"duplicate": 3}),
    again("200 and no JSON", status(200, b'{"errors":false,"items":['), "200, but its body is no reply"),
    again("200 of something else", status(200, b"<html>welcome"), "200, but its body is no reply"),
    again("200 with too few", status(200, b'{"errors":false,"items":[{"create":{"status":201}}]}'), "1 results for 3"),
    again("200 with too many", status(200, b'{"items":[' + b",".join([b'{"create":{"status":201}}'] * 4) + b"]}"), "4 results for 3"),
    Row("413", (status(413, ERROR),), resent=1),
    again("429", status(429, ERROR), "answered 429 some_exception"),
    again("500", status(500, b""), "answered 500"),
    again("502", status(502, b"<html>bad gateway</html>", content_type="text/html"), "answered 502"),
    again("503", status(503, ERROR), "answered 503 some_exception"),
    again("504", status(504, ERROR), "answered 504 some_exception"),
    again("reset before", reset_before, GONE),
    again("reset after", reset_after, GONE, end=(3, 3, 0), items={"duplicate": 3}),
    Row("400", (status(400, ERROR),), resent=1),
    again("401", status(401, ERROR), "answered 401 some_exception", paused=True, renewed=True),
    again("403", status(403, ERROR), "answered 403 some_exception", paused=True, renewed=True),
    again("404", status(404, ERROR), "answered 404 some_exception", paused=True),
    again("405", status(405, ERROR), "answered 405 some_exception", paused=True),
    again("406", status(406, ERROR), "answered 406 some_exception", paused=True),
    again("302", status(302, b"", location="http://elsewhere/"), "answered 302", paused=True),
]  # fmt: skip


class Watched(Elastic):
    """A client that notes when its credentials are read again."""

    renewed = 0

    def renew(self) -> None:
        self.renewed += 1


@pytest.fixture
def shipper(filled: Filled, server: BulkServer) -> Any:
    """A shipper without threads and without waits, to the scripted server."""
    client = Watched(server.url, "logs-a-b", timeout=5.0)
    yield Shipper(filled.store, "es", client, workers=1, backoff_min=0.0, backoff_max=0.0)
    client.close()


def drain(shipper: Shipper, limit: int = 200) -> None:
    """Step until there is nothing to send."""
    for _ in range(limit):
        if shipper.step(1.0) is None:
            return
    raise AssertionError(f"still not drained: {shipper.last_error}")


@pytest.mark.parametrize("row", ITEMS + REQUESTS, ids=lambda row: row.name)
def test_row(row: Row, filled: Filled, server: BulkServer, shipper: Shipper, caplog: pytest.LogCaptureFixture) -> None:
    """Each answer of the contract has its consequence, for the frame, the cursor, the counters and the operator; then all goes on by itself."""
    filled.add("one", "two", "three")
    server.script += row.answers
    shipper.step(1.0)
    tally, trouble = shipper.tally, shipper.trouble
    assert (row.waits, row.paused, row.renewed) == (
        trouble.since is not None,
        bool(trouble.paused),
        bool(shipper.client.renewed),  # type: ignore[attr-defined]  # a Watched one
    )
    assert row.says in trouble.last_error
    assert int(row.waits) == tally.retries
    assert "content" not in caplog.text + trouble.last_error
    drain(shipper)
    assert row.resent == (len(server.requests[1].pairs) if len(server.requests) > 1 else None)
    delivered, duplicates, dead = row.end
    assert (1, delivered, duplicates, dead, 0) == filled.output
    assert {k: v for k, v in row.items.items() if v} == {k: v for k, v in tally.items.items() if v}
    assert list(row.dead) == [(letter.status, letter.reason) for letter in filled.store.catalog.dead_letters(10)]
    assert 3 == len(server.documents) + len(server.failures) + dead + (row.name == "409") * 2
    assert (None, "", "") == (trouble.since, trouble.last_error, trouble.paused)


def test_asks_for_what_it_reads(filled: Filled, server: BulkServer, shipper: Shipper) -> None:
    """The request asks for nothing but what is judged."""
    filled.add("one")
    drain(shipper)
    assert "filter_path=took,errors,items.*.status,items.*.failure_store,items.*.error.type,items.*.error.reason" in (
        server.requests[0].path
    )


def test_failure_store_is_told(
    filled: Filled, server: BulkServer, shipper: Shipper, caplog: pytest.LogCaptureFixture
) -> None:
    """Events that went to the failure store are told at once, and then once in a minute with their number."""
    filled.fill(4)
    server.otherwise = refuse((201, "used"), (201, "used"))
    for now in (1.0, 2.0, 3.0, 62.0):
        shipper.step(now)
    assert [logging.WARNING] * 2 == [record.levelno for record in caplog.records]
    assert "es: 2 events went to the server's failure store" in caplog.messages[0]
    assert "es: 6 events went to the server's failure store" in caplog.messages[1]


def test_refused_while_preparing(filled: Filled, server: BulkServer, shipper: Shipper) -> None:
    """Credentials that are refused before the first frame pause too, are read again, and shipping goes on by itself."""
    filled.add("one")
    fault = Fault("401 security_exception", "Correct the key.", access=True)
    answers = [fault, None]
    shipper._prepare = lambda _: answers.pop(0)
    shipper.step(1.0)
    assert (f"{server.url} answered 401 security_exception", 1) == (shipper.paused, shipper.client.renewed)  # type: ignore[attr-defined]  # a Watched one
    drain(shipper)
    assert (1, 1, 0, 0, 0) == filled.output
    assert "" == shipper.paused


def test_documents_too_large_are_cut(
    filled: Filled, server: BulkServer, shipper: Shipper, caplog: pytest.LogCaptureFixture
) -> None:
    """A document that is too large alone is delivered with its long text cut and marked, under the same id; the others are whole."""
    filled.add("a", "b" * 100_000, "c")
    server.otherwise = lambda r: r.reply(413, b"") if len(r.plain) > 20_000 else index(r)
    drain(shipper)
    assert (1, 3, 0, 0, 0) == filled.output
    assert 1 == shipper.tally.items["truncated"]
    assert (
        "es: 1 events were too large for the server (413) and were delivered with their long texts cut" in caplog.text
    )
    short = orjson.loads(server.documents["abababababab-0-1"])
    assert ("b" * 16384, ["truncated"]) == (short["message"], short["log"]["flags"])
    assert ["a", "c"] == [orjson.loads(server.documents[f"abababababab-0-{n}"])["message"] for n in (0, 2)]


def test_size_that_passed_is_remembered(filled: Filled, server: BulkServer, shipper: Shipper) -> None:
    """After a refusal for its size, the next frames go out at once as requests that pass; whole again when the server takes that."""
    filled.fill(10, events=100)
    size = filled.store.catalog.frames_after(0, 1)[0].plain
    server.otherwise = lambda r: r.reply(413, b"") if len(r.plain) > size / 3 else index(r)
    drain(shipper)
    assert (10, 1000, 0, 0, 0) == filled.output
    assert 2 <= shipper.tally.requests["413"] <= 4
    assert 40 <= shipper.tally.requests["200"] <= 50
    server.otherwise = index
    filled.fill(20, events=100)
    drain(shipper)
    assert 100 == len(server.requests[-1].pairs)


def test_damaged_frame_that_is_cut(filled: Filled, server: BulkServer, shipper: Shipper) -> None:
    """A frame damaged on disk is found out also where it is cut into requests at once, and what can be read is delivered."""
    noise = random.Random(1)
    for _ in range(2):
        filled.add(*[f"{noise.random()}" * 60 for _ in range(300)])
    first, second = filled.store.catalog.frames_after(0, 2)
    path = filled.store.segments.path(1)
    whole = path.read_bytes()
    middle = second.offset + second.length // 2
    path.write_bytes(whole[:middle] + bytes(len(whole) - middle))
    server.otherwise = lambda r: r.reply(413, b"") if len(r.plain) > first.plain / 2 else index(r)
    drain(shipper)
    cursor, delivered, _, dead, waiting = filled.output
    assert (2, 600, 0) == (cursor, delivered + dead, waiting)
    assert 300 < delivered == len(server.documents)


def test_server_that_breaks_large_requests(filled: Filled, server: BulkServer, shipper: Shipper) -> None:
    """Some servers break the connection instead of saying that a request is too large: it becomes smaller after some tries."""
    filled.add(*"abcdefgh")
    server.otherwise = lambda r: r.reset() if len(r.pairs) > 2 else index(r)
    drain(shipper)
    assert (1, 8, 0, 0, 0) == filled.output
    assert not shipper.tally.items["truncated"]


@pytest.mark.parametrize("kind", ["seconds", "date", "far"])
def test_retry_after(filled: Filled, server: BulkServer, shipper: Shipper, kind: str) -> None:
    """Retry-After is obeyed as seconds and as a date, and no longer than an hour."""
    now = 1_795_000_000.0
    asked, wait = {
        "seconds": ("120", 120.0),
        "date": (formatdate(now + 90, usegmt=True), 90.0),
        "far": (formatdate(now + 10**7, usegmt=True), 3600.0),
    }[kind]
    filled.add("one")
    server.script.append(status(503, retry_after=asked))
    assert wait == shipper.step(now)
    drain(shipper)
    assert (1, 1, 0, 0, 0) == filled.output
