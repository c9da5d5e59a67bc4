"""The loop of outputs that take lines: in order, each frame once, paused with what to do while it cannot be written."""

import errno
import os
import sqlite3
from pathlib import Path

import pytest

from logagent.ship.appender import Appender
from logagent.ship.ndjson import File
from tests.ship.conftest import Filled

NOW = 1000.0


class Sink:
    """Keeps what is written; fails as often as `errors` says."""

    url = "file:///out"

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.errors: list[OSError] = []

    def write(self, data: bytes) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.written.append(data)

    def close(self) -> None:
        """Do nothing."""


@pytest.fixture
def sink() -> Sink:
    """Where lines go."""
    return Sink()


@pytest.fixture
def appender(filled: Filled, sink: Sink) -> Appender:
    """Output `es` of the store, into `sink`."""
    return Appender(filled.store, "es", sink, random=lambda: 0.5)


def failure(number: int) -> OSError:
    """The operating system's error of this number."""
    return OSError(number, os.strerror(number))


def messages(sink: Sink) -> str:
    """The messages that were written, in order."""
    return "".join(part.split(b'"')[3].decode() for data in sink.written for part in data.splitlines())


def drain(appender: Appender) -> None:
    """Step until there is nothing to be taken."""
    while appender.step(NOW) is not None:
        pass


def test_order(filled: Filled, appender: Appender, sink: Sink) -> None:
    """Frames come in their order, each document on a line; all count as delivered."""
    for text in ("ab", "c", "def"):
        filled.add(*text)
    drain(appender)
    assert "abcdef" == messages(sink)
    assert (3, 6, 0, 0, 0) == filled.output
    assert 6 == appender.tally.items["delivered"]


def test_goes_on_at_its_cursor(filled: Filled, appender: Appender, sink: Sink) -> None:
    """After a restart only what came since is written."""
    filled.add("a")
    drain(appender)
    filled.reopen()
    filled.add("b")
    drain(Appender(filled.store, "es", sink))
    assert "ab" == messages(sink)


@pytest.mark.parametrize(
    "case",
    [
        (errno.ENOSPC, "Make room on its file system"),
        (errno.ENOENT, "Make the folder that it lies in"),
        (errno.EACCES, "Check the path, and that this user may write there"),
        (errno.EPIPE, "Whoever read it has gone"),
    ],
)
def test_pause(filled: Filled, appender: Appender, sink: Sink, caplog, case: tuple[int, str]) -> None:
    """While it cannot be written it is paused with the reason and what to do; the frame is kept, and goes out once it can."""
    number, advice = case
    filled.add("a")
    sink.errors = [failure(number), failure(number)]
    assert [0.25, 0.5] == [appender.step(NOW), appender.step(NOW)]
    assert f"file:///out cannot be written ({os.strerror(number)})" == appender.paused == appender.last_error
    assert advice in caplog.messages[0]
    assert (0, 0, 0, 0, 1) == filled.output
    drain(appender)
    assert ("a", "", (1, 1, 0, 0, 0)) == (messages(sink), appender.paused, filled.output)
    filled.add("b")
    sink.errors = [failure(number)]
    assert 0.25 == appender.step(NOW)  # the waits begin anew


def test_catalog_that_fails(filled: Filled, appender: Appender, sink: Sink, monkeypatch) -> None:
    """When the cursor cannot be moved the frame is not written again: only the cursor is tried again."""
    filled.add("a")
    advance = filled.store.catalog.advance

    def broken(*_: object, **__: object) -> None:
        monkeypatch.setattr(filled.store.catalog, "advance", advance)
        raise sqlite3.OperationalError("disk full")

    monkeypatch.setattr(filled.store.catalog, "advance", broken)
    assert 0.25 == appender.step(NOW)
    assert "the catalog cannot be written (disk full)" == appender.last_error
    drain(appender)
    assert ("a", (1, 1, 0, 0, 0)) == (messages(sink), filled.output)


def test_frame_that_the_store_let_go(filled: Filled, appender: Appender, sink: Sink) -> None:
    """A frame that was dropped between taking and reading is passed over; the store has counted it."""
    filled.add("a")
    sink.errors = [failure(errno.ENOSPC)]
    appender.step(NOW)
    filled.store.catalog.remove_segment(1)
    filled.store.segments.remove(1)
    drain(appender)
    assert ("", 1) == (messages(sink), filled.store.catalog.outputs()[0].dropped)


def test_frame_that_cannot_be_read(filled: Filled, appender: Appender, sink: Sink) -> None:
    """A frame that is not there but should be holds the output up, and says where to look."""
    filled.add("a")
    (filled.folder / "segments/00000001.ndjson.gz").unlink()
    assert 0.25 == appender.step(NOW)
    assert "frame 1 cannot be read from the store (No such file or directory)" == appender.last_error


def test_damaged_frame(filled: Filled, appender: Appender, sink: Sink) -> None:
    """Of a damaged frame what can be read is written; the rest are dead letters with the reason, and all are accounted for."""
    filled.add(*(os.urandom(600).hex() for _ in range(9)))
    path = filled.folder / "segments/00000001.ndjson.gz"
    data = bytearray(path.read_bytes())
    data[len(data) // 2 :] = b"\xff" * (len(data) - len(data) // 2)
    path.write_bytes(data)
    drain(appender)
    cursor, delivered, _, dead, waiting = filled.output
    assert (1, 9, 0) == (cursor, delivered + dead, waiting)
    assert delivered == sum(part.count(b"\n") for part in sink.written) > 0
    assert {"unreadable: the frame is damaged on disk"} == {d.reason for d in filled.store.catalog.dead_letters(9)}


def test_thread(filled: Filled, tmp_path: Path) -> None:
    """Running, it takes what is there and what comes, and ends when asked."""
    file = File(tmp_path / "out")
    running = Appender(filled.store, "es", file)
    filled.add("a", "b")
    running.start()
    assert running.wait_drained(1, 10.0)
    assert running.wait_drained(filled.add("c"), 4.0)  # sooner than an idle thread looks by itself
    assert running.stop(10.0)
    file.close()
    assert 3 == (tmp_path / "out").read_bytes().count(b"\n")
    assert (2, 3, 0, 0, 0) == filled.output


def test_stop_before_start(appender: Appender) -> None:
    """One that was never started ends at once."""
    assert appender.stop(1.0)
