"""Crashes, full disks and limits: what was stored stays, what was not is read again, and the accounting agrees."""

import errno
import os

import pytest

from logagent.collect.tail import Tail
from logagent.demo.container import container_id
from logagent.demo.record import PIECE
from logagent.model import Batch
from tests.collect.rig import BUDGET, PACE, Rig, numbered, say


def broken(*_args, **_more):
    """Fail as a full disk does."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_uncommitted_lines_are_read_again(rig):
    """What was read but not committed before a crash is stored by the next life, what was committed is not stored twice."""
    writer = rig.container("web")
    said = say(rig, writer, numbered(0, 5))
    rig.read()
    said += say(rig, writer, numbered(5, 5))
    rig.step()
    rig.restart()
    assert said[:5] == rig.messages()
    rig.read()
    assert said == rig.messages()
    rig.check()


def test_segment_written_but_not_recorded(rig, monkeypatch):
    """A crash between append and record: the surplus is cut off, and the same lines come again with the same ids."""
    writer = rig.container("web")
    say(rig, writer, numbered(0, 5))
    rig.read()
    length = rig.store.segments.length(1)
    say(rig, writer, numbered(5, 5))
    rig.step()
    with monkeypatch.context() as patch:
        patch.setattr(rig.store.catalog, "record", broken)
        assert not rig.store.commit(rig.now)
    longer = rig.store.segments.path(1).read_bytes()
    assert len(longer) > length
    rig.restart()
    assert length == rig.store.segments.length(1)
    rig.read()
    assert numbered(0, 10) == rig.messages()
    rig.check()


def test_many_kills(rig):
    """Killed and started again after each few lines, with and without a commit, the agent stores each line once."""
    writer = rig.container("web", max_file=5, max_size=5000)
    said = []
    for n in range(0, 400, 20):
        said += say(rig, writer, numbered(n, 20))
        rig.step()
        rig.step()
        if n % 3:
            assert rig.store.commit(rig.now)
        rig.restart()
    rig.read()
    assert (said, 0) == (rig.messages(), rig.gaps())
    rig.check()


@pytest.mark.parametrize("what", ["pwrite", "fdatasync"])
def test_disk_full_while_writing(rig, monkeypatch, what):
    """When the segment cannot be written nothing is remembered; the same frame goes through when there is room again."""
    writer = rig.container("web")
    say(rig, writer, numbered(0, 5))
    rig.step()
    with monkeypatch.context() as patch:
        patch.setattr(os, what, broken)
        assert not rig.store.commit(rig.now)
        assert "No space left on device" in rig.store.full
        assert 0 == rig.store.catalog.last_frame()
    assert rig.store.commit(rig.now)
    assert ("", numbered(0, 5)) == (rig.store.full, rig.messages())
    rig.check()


def test_short_writes(rig, monkeypatch):
    """A write that takes only a part is gone on with."""
    writer = rig.container("web")
    say(rig, writer, numbered(0, 50))
    rig.step()
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: real(fd, data[:7], at))
    rig.read()
    assert numbered(0, 50) == rig.messages()


def test_catalog_cannot_be_written(rig):
    """When SQLite has no room the frame is not remembered, and is when it has."""
    writer = rig.container("web")
    say(rig, writer, numbered(0, 5))
    rig.step()
    many = {f"{n} {'x' * 200}": 1 for n in range(500)}
    rig.store.add(Batch(container_id("web"), b"", 0, 0, 0, None, problems=many), rig.now)
    database = rig.store.catalog._db
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    database.execute(f"PRAGMA max_page_count={pages}")
    assert not rig.store.commit(rig.now)
    assert 0 == rig.store.catalog.last_frame()
    assert "database or disk is full" in rig.store.full
    database.execute("PRAGMA max_page_count=1000000")
    rig.read()
    assert numbered(0, 5) == rig.messages()
    rig.check()


def test_reading_goes_on_where_it_stopped(rig):
    """After a stop in order nothing is read twice, and what came meanwhile is read."""
    writer = rig.container("web")
    said = say(rig, writer, ["zeroth", "first"])
    rig.read().stop()
    said += say(rig, writer, ["second"])
    rig.start().read()
    assert said == rig.messages()
    assert 2 == rig.store.catalog.last_frame()
    rig.check()


def test_unfinished_lines_on_both_streams(rig):
    """Killed while long lines of both streams are unfinished, with others between them, the agent stores each line once."""
    writer = rig.container("web")
    out, err = rig.clock(), rig.clock()
    writer.write_record(b"o" * PIECE, "stdout", out)
    writer.write_record(b"e" * PIECE, "stderr", err)
    writer.write_record(b"O" * PIECE, "stdout", out)
    os.write(writer._fd, b"garbage\n")
    rig.read().restart().read().restart()
    writer.write_record(b"1\n", "stdout", out)
    say(rig, writer, ["out"])
    rig.read().restart().read()
    writer.write_record(b"2\n", "stderr", err)
    rig.read()
    assert ["garbage", "o" * PIECE + "O" * PIECE + "1", "out"] == rig.messages(stream="stdout")
    assert ["e" * PIECE + "2"] == rig.messages(stream="stderr")
    rig.check()


def test_clock_set_back(rig):
    """When the clock is set back by an hour, lines are read and committed as soon as before."""
    writer = rig.container("web")
    rig.read()
    say(rig, writer, ["one"])
    rig.step()
    rig.now -= 3600
    assert rig.store.due(rig.now)
    assert 0.0 == rig.store.remaining(rig.now)
    say(rig, writer, ["two"])
    rig.step(0.1)
    assert rig.store.commit(rig.now)
    assert ["one", "two"] == rig.messages()


def test_file_that_cannot_be_read(rig, monkeypatch, caplog):
    """A rotated file that cannot be read to its end is left with a gap when there is a newer one, said once; the live one is tried again."""
    writer = rig.container("web", max_file=3)
    say(rig, writer, numbered(0, 5))
    rig.read()
    real = Tail.read

    def damaged(tail, offset, size):
        if offset:
            raise OSError(errno.EIO, "Input/output error")
        return real(tail, offset, size)

    say(rig, writer, numbered(5, 5))
    with monkeypatch.context() as patch:
        patch.setattr(Tail, "read", damaged)
        for _ in range(4):
            rig.step(2)
        assert 1 == caplog.text.count("Input/output error")
    rig.read()
    assert (numbered(0, 10), 0) == (rig.messages(), rig.gaps())
    say(rig, writer, ["lost"])
    writer.rotate()
    say(rig, writer, ["new"])
    with monkeypatch.context() as patch:
        patch.setattr(Tail, "read", damaged)
        rig.collector.refresh()
        rig.step(2)
        rig.step(2)
    rig.read()
    assert ([*numbered(0, 10), "new"], 1) == (rig.messages(), rig.gaps())
    assert 1 == rig.store.catalog.totals()["problems", "unreadable"]


def test_no_descriptors_left(rig, monkeypatch):
    """When a newer file cannot be opened for the moment, the one being read is kept, and nothing is lost."""
    writer = rig.container("web", max_file=3)
    said = say(rig, writer, [f"{n} {'z' * 90}" for n in range(300)])
    rig.step()
    for name in ("new", "newer"):
        writer.rotate()
        said += say(rig, writer, [name])
        rig.step()
        with monkeypatch.context() as patch:
            patch.setattr(os, "open", broken)
            rig.step(2)
            rig.step(2)
    rig.read()
    assert (said, 0) == (rig.messages(), rig.gaps())


def test_strange_things_under_the_names_of_log_files(rig):
    """A directory, a pipe or a symlink that stands where a rotated file would is not opened, and costs nothing."""
    writer = rig.container("web", max_file=5)
    os.mkdir(f"{writer.path}.2")
    os.mkfifo(f"{writer.path}.3")
    os.symlink("/etc/hostname", f"{writer.path}.4")
    said = say(rig, writer, numbered(0, 5))
    rig.read()
    assert (said, 0) == (rig.messages(), rig.gaps())


def test_cut_gz(rig):
    """Of a compressed file that was cut off, what can be unpacked is stored; the rest is a gap, and what is newer is read."""
    writer = rig.container("web", max_file=4, compress=True)
    say(rig, writer, ["first"])
    rig.read().stop()
    said = ["first", *say(rig, writer, [os.urandom(200).hex() for _ in range(50)])]
    writer.rotate()
    say(rig, writer, ["new"])
    path = f"{writer.path}.1.gz"
    os.truncate(path, os.path.getsize(path) // 2)
    rig.start().read()
    *stored, torn, new = rig.messages()
    assert said[: len(stored)] == stored
    assert (True, "new", 1) == (15 < len(stored) < 30, new, rig.gaps())
    assert torn.startswith('{"log":"')
    rig.check()


def test_removed_with_lines_unread(rig):
    """A removed container is read to its end from the open files, and remembered as removed only with its last lines."""
    writer = rig.container("web", max_file=3)
    said = say(rig, writer, [f"{n} {'z' * 90}" for n in range(400)])
    rig.step()
    writer.rotate()
    said += say(rig, writer, ["new"])
    rig.step()
    writer.close()
    rig.remove("web")
    for _ in range(200):
        rig.step(0.06)
    assert [] == list(rig.collector._sources)
    assert 0 == rig.collector.open_files
    assert [None] == [k.removed for k in rig.store.catalog.containers()]
    assert rig.store.commit(rig.now)
    assert said == rig.messages()
    assert [rig.now] == [k.removed for k in rig.store.catalog.containers()]
    rig.check()


def test_removed_with_unfinished_lines(rig):
    """The last words of a removed container, without a newline or half written, are stored."""
    writer = rig.container("web")
    say(rig, writer, ["one"])
    writer.write_record(b"prompt> ", "stdout", rig.clock())
    os.write(writer._fd, b'{"log":"torn')
    rig.read()
    rig.remove("web")
    rig.read()
    assert ["one", '{"log":"torn', "prompt> "] == rig.messages()
    rig.check()


def test_removed_while_the_store_lets_everything_go(tmp_path):
    """Retention that forgets a removed container while its last lines wait for room does not break the commit."""
    rig = Rig(tmp_path).start()
    writer = rig.container("web")
    say(rig, writer, ["one"])
    rig.read()
    say(rig, writer, ["two"])
    rig.step()
    rig.remove("web")
    for _ in range(5):
        rig.step()
    rig.store.catalog.remove_segment(1)
    assert rig.store.commit(rig.now)
    assert ["two"] == rig.messages()
    rig.crash()


def test_removed_while_no_agent_ran(rig):
    """Containers that went while the agent was down are remembered as removed, once any container can be seen."""
    for name in ("web", "db"):
        say(rig, rig.container(name), ["one"])
    rig.read().stop()
    rig.remove("web")
    os.rename(f"{rig.root}/containers", f"{rig.root}/away")
    rig.start().step()
    assert [None, None] == [k.removed for k in rig.store.catalog.containers()]
    os.rename(f"{rig.root}/away", f"{rig.root}/containers")
    rig.read()
    gone = {k.container.name: k.removed is not None for k in rig.store.catalog.containers()}
    assert {"web": True, "db": False} == gone


def test_store_full_and_room_again(tmp_path):
    """With `block` a full store takes nothing more and forgets nothing; what came meanwhile is stored when there is room."""
    rig = Rig(tmp_path).start()
    rig.store.catalog.use_outputs(["es"])
    writer = rig.container("web")
    said = say(rig, writer, numbered(0, 50))
    rig.read()
    rig.store.budget = type(BUDGET)(1)
    said += say(rig, writer, numbered(50, 50))
    rig.step()
    assert not rig.store.commit(rig.now)
    assert "full of undelivered frames" in rig.store.full
    rig.restart()
    rig.read()
    assert said == rig.messages()
    rig.check()
    rig.crash()


def test_pieces_given_up(tmp_path):
    """An unfinished line is stored as it is after its time, and what comes later is a line of its own, also after a crash."""
    rig = Rig(tmp_path, pace=type(PACE)(block_size=4096, partial_timeout=5.0)).start()
    writer = rig.container("web")
    time = rig.clock()
    writer.write_record(b"a" * PIECE, "stdout", time)
    rig.read()
    assert [] == rig.messages()
    for _ in range(8):
        rig.step()
    assert rig.store.commit(rig.now)
    rig.restart().read()
    writer.write_record(b"b\n", "stdout", time)
    rig.read()
    assert ["a" * PIECE, "b"] == rig.messages()
    assert ["partial"] == rig.documents()[0]["log"]["flags"]
    rig.check()
    rig.crash()


def test_one_sick_source_does_not_stop_the_others(rig, monkeypatch, caplog):
    """A failure inside of one source is logged and tried again; the other containers are read meanwhile."""
    said = {name: say(rig, rig.container(name), [f"{name} 1"]) for name in ("a", "b")}
    rig.read()
    sick = rig.collector._sources[container_id("a")]
    with monkeypatch.context() as patch:
        patch.setattr(sick._parser, "parse", lambda *_: 1 / 0)
        for name in said:
            with open(f"{rig.root}/containers/{container_id(name)}/{container_id(name)}-json.log", "ab") as file:
                file.write(b'{"log":"%b 2\\n","stream":"stdout","time":"2030-01-01T00:00:00Z"}\n' % name.encode())
        rig.read()
    assert "reading the log of container a failed" in caplog.text
    assert (["a 1"], ["b 1", "b 2"]) == (rig.messages("a"), rig.messages("b"))
    rig.step(20)
    rig.read()
    assert ["a 1", "a 2"] == rig.messages("a")
