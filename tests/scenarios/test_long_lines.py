"""Lines longer than a record, cut into pieces over files, blocks and lives, are one event."""

import os

import pytest

from logagent.demo.record import PIECE
from tests.collect.rig import PACE, Rig, say


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
