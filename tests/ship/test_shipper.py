"""The shipper with a real store, and a server on a real socket that answers by a script."""

import logging
import random
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from logagent.ship.elastic import Elastic
from logagent.ship.shipper import Shipper
from tests.ship.conftest import Filled
from tests.ship.server import BulkServer, Request, cut, index, refuse, reset_after, reset_before, slow, status

Connect = Callable[..., Elastic]
BUSY = (429, "es_rejected_execution_exception")
MAPPING = (400, "document_parsing_exception")


def ship(filled: Filled, client: Elastic, **more: Any) -> Shipper:
    """A shipper without threads and without waits."""
    return Shipper(filled.store, "es", client, **({"workers": 1, "backoff_min": 0.0, "backoff_max": 0.0} | more))


def drain(shipper: Shipper, limit: int = 200) -> None:
    """Step until there is nothing to send."""
    for _ in range(limit):
        if shipper.step(1.0) is None:
            return
    raise AssertionError(f"still not drained: {shipper.last_error}")


def await_(what: Callable[[], object], within: float = 10) -> None:
    """Wait until it is so."""
    end = time.monotonic() + within
    while not what():
        assert time.monotonic() < end, "it never came to that"
        threading.Event().wait(0.005)


def test_bytes_of_the_disk(filled: Filled, server: BulkServer, connect: Connect) -> None:
    """A frame goes out as the bytes that lie on disk, as gzip, to the data stream's _bulk."""
    filled.add("one", "two")
    drain(ship(filled, connect(server.url)))
    (request,) = server.requests
    (frame,) = filled.store.catalog.frames_after(0, 10)
    assert filled.store.read(frame) == request.raw
    assert "/logs-docker.container_logs-default/_bulk?" in request.path
    assert ("application/x-ndjson", "gzip") == (request.headers["content-type"], request.headers["content-encoding"])
    assert (1, 2, 0, 0, 0) == filled.output


@pytest.mark.parametrize(
    ("answer", "duplicates"),
    [
        (status(429), 0),
        (status(503), 0),
        (status(502, b"<html>bad gateway</html>", content_type="text/html"), 0),
        (status(500, b"", content_type="application/octet-stream"), 0),
        (status(200, b'{"errors":false,"items":['), 0),
        (status(200, b"welcome"), 0),
        (status(200, b'{"errors":true,"items":[{"create":{"status":201}}]}'), 0),
        (status(401), 0),
        (status(403), 0),
        (status(404), 0),
        (status(405), 0),
        (status(406), 0),
        (status(301, b"", location="http://elsewhere/"), 0),
        (reset_before, 0),
        (reset_after, 3),
        (cut, 3),
        (refuse(BUSY, BUSY, BUSY), 0),
        (refuse((503, "unavailable_shards_exception")), 0),
        (refuse((403, "cluster_block_exception")), 0),
        (refuse((403, "security_exception")), 0),
        (refuse((404, "index_not_found_exception")), 0),
    ],
)
def test_any_failure_and_then_ok(
    filled: Filled, server: BulkServer, connect: Connect, answer: Any, duplicates: int
) -> None:
    """After any answer that settles nothing the frame is sent again: nothing is lost, twice or dead, and the cursor waits."""
    filled.add("one", "two", "three")
    server.script.append(answer)
    shipper = ship(filled, connect(server.url))
    shipper.step(1.0)
    assert 0 == filled.output[0]
    assert shipper.last_error
    drain(shipper)
    assert (1, 3, duplicates, 0, 0) == filled.output
    assert 3 == len(server.documents)
    assert not shipper.last_error


def test_mixed_results(filled: Filled, server: BulkServer, connect: Connect) -> None:
    """Of a mixed reply only the items that were turned away for now go again; refused ones are dead letters with their reason."""
    filled.add("a", "b", "c", "d", "e")
    server.script += [refuse(None, MAPPING, BUSY, None, BUSY), refuse(BUSY), index]
    drain(ship(filled, connect(server.url)))
    assert [5, 2, 1] == [len(request.pairs) for request in server.requests]
    assert server.requests[0].pairs[2] == server.requests[2].pairs[0]
    assert (1, 4, 0, 1, 0) == filled.output
    (letter,) = filled.store.catalog.dead_letters(10)
    assert ("abababababab-0-1", 400, 1) == (letter.id, letter.status, letter.item)
    assert "document_parsing_exception: a reason for 400" == letter.reason
    assert b"".join(line + b"\n" for line in server.requests[0].pairs[1]) == letter.document


def test_item_faults_pause(filled: Filled, server: BulkServer, connect: Connect) -> None:
    """An item refused for want of a right is kept, and shipping says that it is paused until it goes through."""
    filled.add("a", "b")
    server.script.append(refuse(None, (403, "security_exception")))
    shipper = ship(filled, connect(server.url))
    shipper.step(1.0)
    assert "403 security_exception" in shipper.paused
    drain(shipper)
    assert "" == shipper.paused
    assert (1, 2, 0, 0, 0) == filled.output


def test_bisects_to_the_poisonous_document(filled: Filled, server: BulkServer, connect: Connect) -> None:
    """A request refused as a whole with 400 is halved until the one document that is meant stands alone, and only that is dead."""
    filled.add(*"abcdefgh")
    server.otherwise = lambda r: r.reply(400, b"{}") if "abababababab-0-5" in r.ids else index(r)
    drain(ship(filled, connect(server.url)))
    assert (1, 7, 0, 1, 0) == filled.output
    assert ["abababababab-0-5"] == [letter.id for letter in filled.store.catalog.dead_letters(10)]


def test_too_large(filled: Filled, server: BulkServer, connect: Connect) -> None:
    """A request too large for the server is halved until it fits; a document that is too large alone is a dead letter."""
    filled.add("a", "b", "c" * 5000, "d", "e", "f")
    server.otherwise = lambda r: r.reply(413, b"") if len(r.plain) > 300 else index(r)
    drain(ship(filled, connect(server.url)))
    assert (1, 5, 0, 1, 0) == filled.output
    assert [(413, 2)] == [(letter.status, letter.item) for letter in filled.store.catalog.dead_letters(10)]


def test_all_refused_alike_is_no_documents_fault(filled: Filled, server: BulkServer, connect: Connect) -> None:
    """Where a server refuses everything as malformed, shipping pauses: nothing becomes a dead letter, and it heals by itself."""
    filled.fill(2, events=40)
    server.otherwise = status(400)
    shipper = ship(filled, connect(server.url))
    for _ in range(100):
        shipper.step(1.0)
    assert (0, 0, 0, 0, 80) == filled.output
    assert shipper.paused
    server.otherwise = index
    drain(shipper)
    assert (2, 80, 0, 0, 0) == filled.output


def test_others_success_proves_the_server(filled: Filled, server: BulkServer, connect: Connect) -> None:
    """A document that no request may have is first held against the server, and is dead once another worker's request was taken."""
    filled.add("poison")
    filled.add("fine")
    server.otherwise = lambda r: r.reply(400, b"{}") if "abababababab-0-0" in r.ids else index(r)
    shipper = ship(filled, connect(server.url), workers=2)
    first, second = shipper.workers
    for _ in range(3):
        first.step(1.0)
    assert (shipper.paused, 0) == (f"{server.url} answered 400", filled.output[3])
    second.step(1.0)
    first.step(1.0)
    assert (2, 1, 0, 1, 0) == filled.output


def test_earlier_success_proves_nothing(filled: Filled, server: BulkServer, connect: Connect) -> None:
    """When a server begins to refuse everything, what it took before does not make documents dead one after the other."""
    filled.fill(1)
    filled.fill(1, events=40)
    server.script.append(index)
    server.otherwise = status(400)
    shipper = ship(filled, connect(server.url))
    for _ in range(200):
        shipper.step(1.0)
    assert (1, 3, 0, 0, 40) == filled.output
    assert shipper.paused


def test_nothing_forges_an_action(filled: Filled, server: BulkServer, connect: Connect) -> None:
    """A message that looks like an action stays inside its document, also when only that document is sent again."""
    forged = r"x\"}}\n{\"delete\":{\"_id\":\"critical-audit-record-12345\"}}\n"
    filled.add("before", forged, "after")
    server.script.append(refuse(None, BUSY))
    drain(ship(filled, connect(server.url)))
    for request in server.requests:
        assert all(action.startswith(b'{"create":{"_id":"abababababab-') for action, _ in request.pairs)
    assert 1 == len(server.requests[1].pairs)
    assert server.requests[0].pairs[1] == server.requests[1].pairs[0]


def test_crash_between_sending_and_remembering(filled: Filled, server: BulkServer, connect: Connect) -> None:
    """A frame that was sent but not remembered goes again after a restart, and its duplicates count as delivered."""
    filled.fill(2)
    for frame in filled.store.catalog.frames_after(0, 1):
        connect(server.url).bulk(filled.store.read(frame))
    filled.reopen()
    drain(ship(filled, connect(server.url)))
    assert (2, 6, 3, 0, 0) == filled.output
    assert 6 == len(server.documents)


def test_cursor_waits_for_the_oldest_frame(filled: Filled, server: BulkServer, connect: Connect) -> None:
    """A later frame that is finished first does not move the cursor; the earlier one moves it past both."""
    filled.fill(3)
    server.script += [status(503), index, index]
    shipper = ship(filled, connect(server.url), workers=2)
    first, second = shipper.workers
    first.step(1.0)
    second.step(1.0)
    second.step(1.0)
    assert (0, 0, 0, 0, 9) == filled.output
    first.step(1.0)
    assert (3, 9, 0, 0, 0) == filled.output


def test_window_stops_far_ahead(filled: Filled, server: BulkServer, connect: Connect) -> None:
    """While one frame cannot be delivered, others go ahead of it only so far."""
    filled.fill(60, events=1)
    server.otherwise = lambda r: r.reply(503, b"") if "abababababab-0-0" in r.ids else index(r)
    shipper = ship(filled, connect(server.url), workers=2)
    first, second = shipper.workers
    first.step(1.0)
    steps = 0
    while second.step(1.0) is not None:
        steps += 1
    assert 31 == steps
    assert 0 == filled.output[0]


def test_frames_that_the_store_let_go(filled: Filled, server: BulkServer, connect: Connect) -> None:
    """A frame that the store dropped while it waited is passed over; it stays counted as dropped, once."""
    filled.fill(2)
    shipper = ship(filled, connect(server.url))
    server.script.append(status(503))
    shipper.step(1.0)
    taken = shipper.workers[0]
    taken._member = b""  # as if it had been taken and not yet read
    filled.store._remove(1, "the store is full of undelivered frames")
    filled.store._current = 0
    filled.add("new")
    drain(shipper)
    (output,) = filled.store.catalog.outputs()
    assert (3, 1, 6) == (output.cursor, output.delivered, output.dropped)


def test_unreadable_frame_is_kept(filled: Filled, server: BulkServer, connect: Connect) -> None:
    """A frame that cannot be read for another reason is not passed over: it is tried again."""
    filled.fill(1)
    path = filled.store.segments.path(1)
    path.rename(f"{path}.away")
    shipper = ship(filled, connect(server.url))
    shipper.step(1.0)
    assert "frame 1 cannot be read from the store" in shipper.last_error
    path.with_name(f"{path.name}.away").rename(path)
    drain(shipper)
    assert (1, 3, 0, 0, 0) == filled.output


@pytest.mark.parametrize(
    ("damage", "least"),
    [
        (lambda whole: whole[: len(whole) // 2] + bytes(len(whole) - len(whole) // 2), 1),
        (lambda whole: whole[:-8] + bytes(8), 400),
        (lambda whole: bytes(len(whole)), 0),
    ],
    ids=["half", "checksum", "all"],
)
def test_damaged_frame(
    filled: Filled, server: BulkServer, connect: Connect, damage: Callable[[bytes], bytes], least: int
) -> None:
    """Of a frame damaged on disk what can be read is delivered, and the rest is counted as dead."""
    noise = random.Random(1)
    filled.add(*[f"{noise.random()}" * 60 for _ in range(400)])
    path = filled.store.segments.path(1)
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    drain(ship(filled, connect(server.url)))
    cursor, delivered, _, dead, waiting = filled.output
    assert (1, 400, 0) == (cursor, delivered + dead, waiting)
    assert least <= delivered == len(server.documents)
    assert {"unreadable: the frame is damaged on disk"} >= {d.reason for d in filled.store.catalog.dead_letters(10)}


def test_dead_letters_keep_to_their_budget(filled: Filled, server: BulkServer, connect: Connect) -> None:
    """Dead letters stay within their budget: the oldest go, and they stay counted."""
    filled.fill(30, events=1)
    server.otherwise = refuse(MAPPING)
    drain(ship(filled, connect(server.url), dead_budget=1000))
    kept = filled.store.catalog.dead_letters(100)
    assert 30 == filled.output[3]
    assert 30 == kept[0].frame
    assert 0 < sum(len(letter.document) for letter in kept) <= 1100


def test_counters(filled: Filled, server: BulkServer, connect: Connect) -> None:
    """The counters tell requests by answer, items by result, retries, bytes and the time that answers took."""
    filled.add("a", "b", "c")
    server.script += [status(503), reset_after, refuse((409, "x"), MAPPING, BUSY), index]
    shipper = ship(filled, connect(server.url))
    drain(shipper)
    tally = shipper.tally
    assert {"503": 1, "none": 1, "200": 2} == tally.requests
    assert {"delivered": 0, "duplicate": 2, "failure_store": 0, "truncated": 0, "dead": 1, "retried": 1} == tally.items
    assert (3, 0, 3) == (tally.retries, tally.in_flight, sum(tally.latency))
    assert sum(len(request.raw) for request in server.requests) == tally.bytes_sent


def test_waits_grow_and_obey(filled: Filled, server: BulkServer, connect: Connect) -> None:
    """Each failure doubles the wait up to the longest; a server that asks for more time gets it; success starts anew."""
    filled.fill(2)
    server.script += [status(503)] * 4 + [status(429, retry_after="120"), index, status(503)]
    shipper = ship(filled, connect(server.url), backoff_min=1.0, backoff_max=5.0, random=lambda: 0.5)
    assert [0.5, 1.0, 2.0, 2.5, 120.0, 0.0, 0.5] == [shipper.step(1.0) for _ in range(7)]


def test_connection_refused(filled: Filled, connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    """A server that is not there is told once in a minute with what to do, and its coming back once."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    filled.fill(1)
    shipper = ship(filled, connect(url))
    caplog.set_level(logging.INFO)
    for now in (1.0, 2.0, 60.0, 61.5):
        shipper.step(now)
    assert f"cannot reach {url}: connection refused" == shipper.last_error
    assert [logging.WARNING] * 2 == [record.levelno for record in caplog.records]
    assert f"es: cannot reach {url}: connection refused. Nothing is lost" in caplog.text
    assert 1.0 == shipper.trouble.since


def test_timeout(filled: Filled, server: BulkServer) -> None:
    """A server that is too slow counts as not answering; what it took nevertheless is a duplicate later."""
    filled.fill(1)
    server.script.append(slow(0.5))
    client = Elastic(server.url, "logs-a-b", timeout=0.1)
    shipper = ship(filled, client)
    shipper.step(1.0)
    assert f"cannot reach {server.url}: no answer within 0.1 s" == shipper.last_error
    drain(shipper)
    assert (1, 3, 3, 0, 0) == filled.output
    client.close()


def test_threads_ship_while_frames_come(filled: Filled, server: BulkServer, connect: Connect) -> None:
    """Workers take frames as they come, several at a time, and sleep in between."""
    server.otherwise = slow(0.02)
    shipper = ship(filled, connect(server.url, connections=2), workers=2, backoff_min=0.01, backoff_max=0.05)
    shipper.start()
    last = filled.fill(20)
    assert shipper.wait_drained(last, 20)
    assert shipper.idle()
    last = filled.fill(1)
    assert shipper.wait_drained(last, 2)
    assert shipper.stop(5)
    assert (21, 63, 0, 0, 0) == filled.output
    assert 2 == server.most_open


def test_workers_go_on_when_the_head_is_done(filled: Filled, server: BulkServer, connect: Connect) -> None:
    """A worker that slept because one frame held all up is woken when that is done, and does not wait for its time."""
    released = threading.Event()

    def hold_first(request: Request) -> None:
        if "abababababab-0-0" in request.ids and not released.is_set():
            request.reply(503, b"")
        else:
            (slow(0.1) if released.is_set() else index)(request)

    server.otherwise = hold_first
    filled.fill(40, events=1)
    shipper = ship(filled, connect(server.url), workers=2, backoff_min=0.05, backoff_max=0.05)
    shipper.start()
    await_(lambda: len(server.documents) == 31)
    server.most_open = 0
    released.set()
    assert shipper.wait_drained(40, 4)
    assert 2 == server.most_open
    assert shipper.stop(5)


def test_random_failures_with_threads(filled: Filled, server: BulkServer, connect: Connect) -> None:
    """Whatever a server answers by chance, in the end each event is there once or is a dead letter."""
    dice = random.Random(7)
    choices = [
        index,
        index,
        status(429),
        status(503),
        status(401),
        reset_before,
        reset_after,
        cut,
        refuse(None, BUSY),
        refuse(MAPPING),
    ]
    server.otherwise = lambda request: dice.choice(choices)(request)  # noqa: PLW0108 - the dice fall for each request
    shipper = ship(filled, connect(server.url, connections=3), workers=3, backoff_min=0.001, backoff_max=0.01)
    shipper.start()
    last = filled.fill(60)
    assert shipper.wait_drained(last, 60)
    assert shipper.stop(5)
    cursor, delivered, _, dead, waiting = filled.output
    assert (60, 180, 0) == (cursor, delivered + dead, waiting)
    lost = {letter.id for letter in filled.store.catalog.dead_letters(1000)}
    assert {f"abababababab-0-{n:x}" for n in range(180)} == set(server.documents) | lost


def test_stop_ends_waits_at_once(filled: Filled, server: BulkServer, connect: Connect) -> None:
    """Stopping does not wait for a backoff to end."""
    filled.fill(1)
    server.otherwise = status(503)
    shipper = ship(filled, connect(server.url), workers=2, backoff_min=60.0, backoff_max=60.0, random=lambda: 1.0)
    shipper.start()
    await_(lambda: shipper.last_error)
    began = time.monotonic()
    assert shipper.stop(10)
    assert time.monotonic() - began < 2
