"""Stops, strange files and removed containers: what was stored stays, what was not is read again, and the accounting agrees."""

import os

from logagent.demo.container import container_id
from logagent.demo.record import PIECE
from tests.collect.rig import PACE, Rig, numbered, say


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
