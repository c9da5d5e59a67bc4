"""Lines longer than a record, cut into pieces over files, blocks and lives, are one event."""

import os
from dataclasses import replace

import pytest

from logagent.demo.record import PIECE
from tests.collect.rig import PACE, Rig, numbered, say
from tests.scenarios.writing import again, come_to_rest


def test_long_line_over_several_files(rig):
    """Pieces of one long line that each begin a file of their own, equal in time and text, are one line, also after restarts."""
    writer = rig.container("web", max_file=20, max_size=10_000)
    long = "x" * (3 * PIECE + 5)
    said = [*say(rig, writer, ["first"]), *say(rig, writer, [long, "between", long, "last"])]
    rig.read()
    assert said == rig.messages()
    rig.restart().read()
    assert (said, 0) == (rig.messages(), rig.gaps())
    rig.check()


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_long_line_over_several_files_piece_by_piece(rig, steps):
    """The same when the collector reads, and is killed, between any two pieces."""
    writer = rig.container("web", max_file=6, max_size=10_000)
    long = b"x" * (3 * PIECE) + b"\n"
    say(rig, writer, ["first"])
    time = rig.clock()
    for n, start in enumerate(range(0, len(long), PIECE), 1):
        writer.write_record(long[start : start + PIECE], "stdout", time)
        writer.write_record(b"err %d\n" % n, "stderr", rig.clock())
        if n % steps == 0:
            rig.read().restart()
    rig.read()
    assert ["first", long.decode()[:-1]] == rig.messages(stream="stdout")
    assert [f"err {n}" for n in range(1, 5)] == rig.messages(stream="stderr")
    assert rig.gaps() == 0
    rig.check()


def test_damaged_head_and_an_unfinished_line(tmp_path):
    """A file whose first line is no record has no time; an unfinished line from the file before it is still found again."""
    rig = Rig(tmp_path, pace=PACE).start()
    writer = rig.container("web", max_file=4)
    say(rig, writer, ["one"])
    time = rig.clock()
    writer.write_record(b"a" * PIECE, "stdout", time)
    writer.rotate()
    os.write(writer._fd, b"garbage\n")
    say(rig, writer, ["err 1", "err 2"], "stderr")
    rig.read().restart().read().restart().read()
    writer.write_record(b"b\n", "stdout", time)
    rig.read()
    assert ["one", "garbage", "a" * PIECE + "b"] == rig.messages(stream="stdout")
    assert ["err 1", "err 2"] == rig.messages(stream="stderr")
    rig.check()
    rig.crash()


def test_newer_file_begins_with_the_older_line(rig):
    """After a held file was rotated out, the next one is read though its first record, a piece of a long line, is older."""
    writer = rig.container("web", max_size=20_000, max_file=2)
    said = say(rig, writer, ["first"])
    rig.read()
    begun = {"stdout": rig.clock(), "stderr": rig.clock()}
    pieces = [b"x" * PIECE, b"x" * PIECE, b"x" * PIECE, b"end\n"]
    for stream, piece in (("stdout", 0), ("stderr", 0), ("stderr", 1)):
        writer.write_record(pieces[piece], stream, begun[stream])
    rig.step(2.0)
    for stream, piece in (("stdout", 1), ("stdout", 2), ("stdout", 3), ("stderr", 2), ("stderr", 3)):
        writer.write_record(pieces[piece], stream, begun[stream])
    rig.read()
    long = b"".join(pieces).decode()[:-1]
    assert ([*said, long], [long]) == (rig.messages(stream="stdout"), rig.messages(stream="stderr"))


def test_lines_around_the_limit(tmp_path):
    """A short line, one that just fits, one a byte too long, one of 1.7 MB and a short one: what is too long is cut, marked and counted, its neighbours are whole."""
    rig = Rig(tmp_path, pace=replace(PACE, max_event_size=1024)).start()
    writer = rig.container("web")
    sizes = [5, 1024, 1025, 1_700_000]
    say(rig, writer, ["short", *("x" * size for size in sizes), "last"])
    found, gaps = come_to_rest(rig)
    assert (["short", "x" * 5, *["x" * 1024] * 3, "last"], 0) == (found, gaps)
    assert [[], [], [], ["truncated"], ["truncated"], []] == [d["log"].get("flags", []) for d in rig.documents()]
    assert 2 == rig.store.catalog.totals()["problems", "truncated"]
    rig.crash()


def test_a_line_without_end(tmp_path):
    """Garbage without any newline, longer than any record, costs no more memory than a line may, and the records behind it come out."""
    rig = Rig(tmp_path, pace=replace(PACE, max_event_size=1024)).start()
    writer = rig.container("web")
    said = say(rig, writer, ["first"])
    os.write(writer._fd, b"x" * 3_000_000 + b"\n")
    said += say(rig, writer, numbered(0, 5))
    found, gaps = come_to_rest(rig)
    assert (said, 0) == ([m for m in found if not m.startswith("xxx")], gaps)
    assert all(len(m) <= 1024 for m in found)
    rig.restart()
    assert (found, 0) == come_to_rest(rig)
    rig.crash()


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"], ids=["newline", "carriage return and newline"])
def test_records_across_the_borders_of_blocks(rig, newline):
    """Records of every length around a block's size, and delimiters of which only the first byte is in a block: each once, whole."""
    writer = rig.container("web")
    said = []
    for size in (4096, 8192):
        for length in range(size - 72, size + 4):
            said.append("y" * (length - 70))
            record = b'{"log":"%b\\n","stream":"stdout","time":"2030-01-01T00:00:00Z"}' % said[-1].encode()
            os.write(writer._fd, record + newline)
    assert (said, 0) == come_to_rest(rig)


@pytest.mark.parametrize("streams", [["stdout"], ["stdout", "stderr"]], ids=["one stream", "both streams"])
def test_a_long_line_over_a_restart_of_the_container(rig, streams):
    """A container killed in the middle of a long line, and its next start's first line: two events for each stream, not one."""
    writer = rig.container("web")
    for stream in streams:
        writer.write_record(b"x" * PIECE, stream, rig.clock())
    rig.read()
    writer = again(writer)
    for stream in streams:
        say(rig, writer, ["hello again"], stream)
    rig.read()
    for stream in streams:
        assert ["x" * PIECE, "hello again"] == rig.messages(stream=stream)
    rig.check()
