"""`logagent replay`: stored frames sent again, whole or in part, beside a store that an agent holds open."""

import gzip
from functools import partial

import pytest

from logagent.cli.replay import replay
from logagent.model import Batch, Container, Image
from logagent.store.lines import stamp
from tests.ship.conftest import Filled
from tests.ship.server import BulkServer, refuse, status

WEB, DB = "a" * 64, "b" * 64
DAY = 1_790_000_000
SECOND = 10**9


def pair(container, second, number):
    """A document's lines: printed `second` seconds into the day."""
    time = stamp((DAY + second) * SECOND).decode()
    action = f'{{"create":{{"_id":"{container[:12]}-0-{second:x}-{number}"}}}}\n'
    return f'{action}{{"message":"line","stream":"stdout","@timestamp":"{time}"}}\n'.encode()


@pytest.fixture
def store(tmp_path):
    """Three frames: web at 0 to 9 s with db at 5 s; web at 100 s; db at 200 s. All are delivered to `es`."""
    made = Filled(tmp_path / "store")
    made.store.catalog.remember([Container(WEB, "web", Image("nginx")), Container(DB, "db", Image("pg"))])
    for frame in ([(WEB, range(10)), (DB, [5])], [(WEB, [100])], [(DB, [200])]):
        for container, seconds in frame:
            documents = b"".join(pair(container, s, n) for n, s in enumerate(seconds))
            first, last = (DAY + seconds[0]) * SECOND, (DAY + seconds[-1]) * SECOND
            made.store.add(Batch(container, documents, len(seconds), first, last, None), 0.0)
        assert made.store.commit(0.0)
    for seq, events in ((1, 11), (2, 1), (3, 1)):
        made.store.catalog.advance("es", seq, delivered=events, duplicates=0, dead=[])
    yield made
    made.store.close()


@pytest.fixture
def run(invoke):
    """Run `logagent replay`."""
    return partial(invoke, replay)


def seconds(server):
    """Where in the day the documents are from that the server has, by container."""
    found: dict[str, list[int]] = {}
    for identity in sorted(server.documents):
        found.setdefault(identity[0], []).append(int(identity.split("-")[2], 16))
    return {key: sorted(value) for key, value in found.items()}


def test_everything(run, store, server):
    """Without a choice all frames go out as they lie on disk; nothing in the store changes."""
    before = store.store.catalog.accounting()
    result = run()
    assert 0 == result.exit_code, result.output
    assert "es: 13 events sent again: 13 new, 0 there already, 0 refused.\n" == result.stdout
    members = [store.store.read(frame) for frame in store.store.catalog.frames_after(0, 9)]
    assert sorted(members) == sorted(request.raw for request in server.requests)
    assert before == store.store.catalog.accounting()


def test_again(run, server):
    """Sent twice, the index has each event once, and the second time says that they were there."""
    run()
    result = run()
    assert (0, 13) == (result.exit_code, len(server.documents))
    assert "es: 13 events sent again: 0 new, 13 there already, 0 refused.\n" == result.stdout


def test_times(run, server):
    """Only events between the two times go, both included, though their frames hold others."""
    assert 0 == run("--since", DAY + 3, "--until", DAY + 5).exit_code
    assert {"a": [3, 4, 5], "b": [5]} == seconds(server)


def test_since(run, server):
    """From a time on."""
    run("--since", DAY + 9)
    assert {"a": [9, 100], "b": [200]} == seconds(server)


def test_containers(run, server):
    """Only events of the containers that are named, by name, id or glob; the frames that hold nothing else go whole."""
    assert 0 == run("--container", "d*").exit_code
    assert {"b": [5, 200]} == seconds(server)
    run("--container", "db", "--container", WEB[:5], "--until", DAY + 99)
    assert {"a": list(range(10)), "b": [5, 200]} == seconds(server)


def test_no_such_container(run):
    """A name that the store does not know: status 1, and the nearest."""
    result = run("--container", "wbe")
    assert 1 == result.exception.status
    assert "did you mean web?" in str(result.exception)


def test_nothing_there(run, server):
    """Times of which nothing is stored: status 1, and no request."""
    result = run("--since", DAY + 9_999)
    assert 1 == result.exception.status
    assert "nothing is stored of these containers and times" in str(result.exception)
    result = run("--since", DAY + 101, "--until", DAY + 102)
    assert "nothing is stored" in str(result.exception)
    assert [] == server.requests


def test_rate(run, server):
    """No request has more events than may go in a second."""
    assert 0 == run("--rate", 6, "--until", DAY + 99).exit_code
    assert [6, 5] == [len(request.pairs) for request in server.requests]
    assert {"a": list(range(10)), "b": [5]} == seconds(server)


def test_to_another_server(run, server, tmp_path):
    """--to sends to another address, whatever the outputs are, with the index template that an output would get."""
    other = BulkServer()
    with other.run() as url:
        other.otherwise = lambda request: request.reply(200, b"{}") if request.method != "POST" else refuse()(request)
        result = run("--to", url)
    assert (0, 13, 0) == (result.exit_code, len(other.documents), len(server.documents)), result.output


def test_refused(run, server, store):
    """Events that are refused are counted with the server's word; status 1; they become no dead letters."""
    server.script.append(refuse((400, "mapper")))
    result = run()
    assert 1 == result.exit_code
    assert "  refused: 1 x 400 mapper" in result.stdout
    assert [] == store.store.catalog.dead_letters(9)


def test_output_that_lets_nobody_in(run, server):
    """It ends with status 5, the reason, and that it may be begun anew."""
    server.otherwise = status(403)
    result = run()
    assert 5 == result.exit_code
    assert "403" in result.stdout
    assert "It may be begun anew at any time." in result.stdout


def test_interrupted(run, server, monkeypatch):
    """Ctrl-C ends it with what was done so far and status 130; nothing goes on behind it."""

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    server.otherwise = status(503)
    monkeypatch.setattr("logagent.cli.resending.drive.__kwdefaults__", {"clock": lambda: 0.0, "sleep": interrupt})
    result = run()
    assert 130 == result.exit_code
    assert "es: not everything was sent (interrupted). It may be begun anew at any time." in result.stdout


def test_damaged_frames(run, store, server):
    """What is damaged on disk is told, and the rest is sent."""
    path = store.folder / "segments/00000001.ndjson.gz"
    data = bytearray(path.read_bytes())
    (first, *_) = store.store.catalog.frames_after(0, 1)
    data[first.offset + 10 : first.offset + first.length] = b"\xff" * (first.length - 10)
    path.write_bytes(data)
    result = run("--until", DAY + 150)
    assert 1 == result.exit_code
    assert "es: 11 events not sent: damaged on disk" in result.stdout
    assert {"a": [100]} == seconds(server)


def test_segments_that_went(run, store, server):
    """Frames whose segment the store let go while they were sent are told."""
    (store.folder / "segments/00000001.ndjson.gz").unlink()
    result = run()
    assert (1, {}) == (result.exit_code, server.documents)
    assert "es: 13 events not sent: the store let them go meanwhile." in result.stdout


def test_which_output(run, tmp_path, store):
    """With several outputs one must be named; --output and --to exclude each other."""
    file = tmp_path / "logagent.yaml"
    file.write_text(f"outputs: [{{url: 'http://a:1'}}, {{url: 'http://b:1'}}]\nstore: {{path: {store.folder}}}\n")
    result = run()
    assert 2 == result.exception.status
    assert "there are 2 outputs in the settings: a-1, b-1: name one with --output" in str(result.exception)
    assert 2 == run("--output", "a-1", "--to", "http://c:1").exit_code
    file.write_text(f"store: {{path: {store.folder}}}\n")
    assert "there are 0 outputs in the settings: name one" in str(run().exception)


def test_bodies_are_what_curl_would_send(run, server):
    """A part of a frame is a gzip member of whole lines, as a frame is."""
    run("--until", DAY + 3)
    (request,) = server.requests
    assert b"".join(pair(WEB, n, n) for n in range(4)) == gzip.decompress(request.raw)
