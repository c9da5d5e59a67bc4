"""Rotation as dockerd does it, seen late, early and in the middle: each line is stored once, in order."""

import os
from itertools import count

import pytest

from logagent.collect import chain
from logagent.demo.record import PIECE
from tests.collect.rig import PACE, Rig, numbered, say

LIMITS = [
    {"max_file": 1},
    {"max_file": 1, "old_engine": True},
    {"max_file": 2},
    {"max_file": 5},
    {"max_file": 2, "compress": True},
    {"max_file": 5, "compress": True},
]


def fill(rig, writer, lines, first=0):
    """Log numbered lines, a rotation after each tenth."""
    said = []
    for n in range(first, first + lines):
        if n and n % 10 == 0:
            writer.rotate()
        said += say(rig, writer, numbered(n, 1))
    return said


@pytest.mark.parametrize("limits", LIMITS, ids=str)
def test_each_rotation_seen(rig, limits):
    """When the collector looks between any two rotations, no line is missing and no gap is counted."""
    writer = rig.container("web", **limits)
    said = []
    for n in range(0, 100, 5):
        said += fill(rig, writer, 5, n)
        rig.read()
    assert (said, 0) == (rig.messages(), rig.gaps())
    rig.check()


@pytest.mark.parametrize("limits", [limits for limits in LIMITS if limits["max_file"] == 5], ids=str)
def test_several_rotations_between_two_looks(rig, limits):
    """Rotations that pass unseen cost nothing as long as the files are there."""
    writer = rig.container("web", **limits)
    said = fill(rig, writer, 5)
    rig.read()
    said += fill(rig, writer, 40, 5)
    rig.read()
    assert (said, 0) == (rig.messages(), rig.gaps())


@pytest.mark.parametrize("limits", [limits for limits in LIMITS if limits["max_file"] == 5], ids=str)
def test_rotations_while_the_agent_is_down(rig, limits):
    """After a restart reading goes on in the file where it stopped, whatever that is called now and packed or not."""
    writer = rig.container("web", **limits)
    said = fill(rig, writer, 5)
    rig.read().stop()
    said += fill(rig, writer, 40, 5)
    rig.start().read()
    assert (said, 0) == (rig.messages(), rig.gaps())


@pytest.mark.parametrize("limits", [{"max_file": 2}, {"max_file": 3, "compress": True}], ids=str)
def test_lines_rotated_away_unread_are_a_gap(rig, limits):
    """When files were deleted unread, the rest is stored and a gap is counted: while running, and while down."""
    writer = rig.container("web", **limits)
    said = fill(rig, writer, 5)
    rig.read()
    fill(rig, writer, 50, 5)
    rig.read()
    assert rig.gaps() == 1
    stored = rig.messages()
    assert said == stored[:5]
    assert numbered(54, 1) == stored[-1:]
    rig.stop()
    fill(rig, writer, 50, 55)
    rig.start().read()
    assert rig.gaps() == 2
    assert numbered(104, 1) == rig.messages()[-1:]
    rig.check()


def spin(rig):
    """Wait until the clock that stamps files has ticked."""
    until = rig.clock() + 15_000_000
    while rig.clock() < until:
        pass


def test_one_file_only_and_a_rotation_missed(rig):
    """With max-file 1 a second rotation between two looks deletes a file unseen: a gap, for its times give it away."""
    writer = rig.container("web", max_file=1)
    said = fill(rig, writer, 5)
    rig.read()
    said += fill(rig, writer, 6, 5)
    rig.read()
    assert (said, 0) == (rig.messages(), rig.gaps())
    spin(rig)
    fill(rig, writer, 10, 11)
    spin(rig)
    fill(rig, writer, 10, 21)
    rig.read()
    assert rig.gaps() == 1
    assert (["line 19", "line 30"], numbered(30, 1)) == ([rig.messages()[-2], "line 30"], rig.messages()[-1:])


def test_held_file_is_read_to_its_end_after_it_was_deleted(rig):
    """Lines written after the last look and before the file was deleted are read from the open file."""
    writer = rig.container("web", max_file=2)
    said = fill(rig, writer, 5)
    rig.read()
    said += say(rig, writer, numbered(5, 5))
    writer.rotate()
    said += say(rig, writer, numbered(10, 1))
    rig.collector.touch(next(iter(rig.collector._sources)))
    rig.step()  # both files are held now, the second one not read
    writer.rotate()
    said += say(rig, writer, numbered(11, 1))
    rig.read()
    assert (said, 0) == (rig.messages(), rig.gaps())


def test_half_written_gz_beside_its_plain_file(rig):
    """While dockerd compresses a file, and when it died over it, the plain file is read and the unfinished copy is not."""
    writer = rig.container("web", max_file=3, compress=True, pace="steps")
    said = say(rig, writer, [f"{n} {os.urandom(40).hex()}" for n in range(2000)])
    writer.rotate()
    said += say(rig, writer, ["new"])
    writer.compress_step()
    assert os.path.getsize(f"{writer.path}.1.gz") < os.path.getsize(f"{writer.path}.1")
    rig.read()
    assert (said, 0) == (rig.messages(), rig.gaps())
    rig.restart().read()
    assert (said, 0) == (rig.messages(), rig.gaps())


def test_gz_is_gone_on_with_at_the_place(rig):
    """A file read by half when the agent stopped and compressed meanwhile is gone on with inside the gz."""
    writer = rig.container("web", max_file=3, compress=True)
    said = say(rig, writer, [f"{n} {'z' * 90}" for n in range(500)])
    for _ in range(4):
        rig.step()
    rig.stop()
    stored = rig.start().messages()
    assert 0 < len(stored) < 500
    writer.rotate()
    said += say(rig, writer, ["new"])
    assert os.path.exists(f"{writer.path}.1.gz")
    rig.read()
    assert (said, 0) == (rig.messages(), rig.gaps())
    rig.check()


def test_compressed_while_it_is_read(rig):
    """An open file whose name becomes a .gz in the middle of being read is read on, and its gz is not read again."""
    writer = rig.container("web", max_file=3, compress=True)
    said = say(rig, writer, [f"{n} {'z' * 90}" for n in range(500)])
    for _ in range(3):
        rig.step()
    writer.rotate()
    said += say(rig, writer, ["new"])
    rig.read()
    assert (said, 0) == (rig.messages(), rig.gaps())


@pytest.mark.parametrize("when", range(3))
def test_names_shift_between_listing_and_opening(rig, monkeypatch, when):
    """A rotation between listing the files and opening them is noticed, and everything looked at again."""
    writer = rig.container("web", max_file=4)
    said = fill(rig, writer, 21)
    real, calls = chain._open_one, count()

    def late(path, file):
        if next(calls) == when:
            writer.rotate()
            said.extend(say(rig, writer, ["late"]))
        return real(path, file)

    monkeypatch.setattr(chain, "_open_one", late)
    rig.read()
    assert (said, 0) == (rig.messages(), rig.gaps())


def test_rotated_faster_than_it_can_be_opened(rig, monkeypatch, caplog):
    """When each look is overtaken by a rotation, that is said, nothing is taken for lost, and a later look reads all."""
    writer = rig.container("web", max_file=2)
    said = fill(rig, writer, 5)
    with monkeypatch.context() as patch:
        patch.setattr(chain, "_open_one", lambda _path, _file: None)
        rig.step()
        rig.step()
    assert "is rotated faster than its files can be opened" in caplog.text
    rig.read()
    assert (said, 0) == (rig.messages(), rig.gaps())


def test_between_rename_and_creation(rig):
    """In the moment without a live file the renamed one is read on; the new one follows when it comes."""
    writer = rig.container("web", max_file=3)
    said = fill(rig, writer, 5)
    rig.read()
    said += say(rig, writer, numbered(5, 2))
    os.rename(writer.path, f"{writer.path}.1")
    rig.read()
    assert (said, 0) == (rig.messages(), rig.gaps())
    rig.restart().read()
    with open(writer.path, "wb") as file:
        file.write(b'{"log":"next\\n","stream":"stdout","time":"2030-01-01T00:00:00Z"}\n')
    rig.read()
    assert ([*said, "next"], 0) == (rig.messages(), rig.gaps())


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


def test_two_containers_with_the_same_first_line(rig):
    """Containers whose files begin with the same record are told apart."""
    writers = [rig.container(name, max_file=2) for name in ("a", "b")]
    for time in (1_790_000_000_000_000_000, 1_790_000_001_000_000_000):
        for writer in writers:
            writer.write("stdout", b"the same\n", time)
    rig.read()
    assert (["the same"] * 2, ["the same"] * 2) == (rig.messages("a"), rig.messages("b"))
    rig.check()


def test_orphan_of_an_old_engine(rig):
    """A `.1` that an old engine left behind with max-file 1 is not read again when its follower has gone."""
    writer = rig.container("web", max_file=1, old_engine=True)
    said = fill(rig, writer, 15)
    rig.read().stop()
    writer._old_engine = False
    writer.rotate()
    said += say(rig, writer, ["new"])
    rig.start().read()
    assert said == rig.messages()
    rig.check()


def test_truncated_in_place(rig):
    """A file that becomes shorter is read from its start, under a new generation; lines not read before are a gap."""
    writer = rig.container("web")
    said = say(rig, writer, numbered(0, 5))
    rig.read()
    os.truncate(writer.path, 0)
    said += say(rig, writer, numbered(5, 3))
    rig.read()
    assert (said, 1) == (rig.messages(), rig.gaps())
    rig.restart().read()
    assert (said, 1) == (rig.messages(), rig.gaps())
    rig.check()


def test_truncated_before_it_was_read_to_its_end(rig):
    """A file that became shorter since the last look begins anew, even if it is still longer than what was read of it."""
    writer = rig.container("web")
    say(rig, writer, [f"{n} {'z' * 90}" for n in range(500)])
    rig.step()
    rig.step()
    os.truncate(writer.path, 0)
    said = say(rig, writer, [f"new {n} {'z' * 90}" for n in range(400)])
    rig.read()
    assert said == rig.messages()[-400:]
    assert rig.gaps() == 1


def test_cut_short_while_the_agent_was_down(rig):
    """A file that lost its end (a power cut) is gone on with at its new end, with a gap, and not again and again."""
    writer = rig.container("web")
    said = say(rig, writer, numbered(0, 5))
    rig.read().stop()
    os.truncate(writer.path, os.path.getsize(writer.path) - 20)
    rig.start().read()
    rig.read()
    assert (said, 1) == (rig.messages(), rig.gaps())


def test_torn_end_of_a_rotated_file(rig):
    """Half a record at a final file's end becomes one damaged event, once, even when killed right behind it."""
    writer = rig.container("web", max_file=3)
    say(rig, writer, numbered(0, 2))
    os.write(writer._fd, b'{"log":"torn')
    rig.read()
    writer.rotate()
    rig.read()
    assert numbered(0, 2) == rig.messages()
    say(rig, writer, ["new"])
    rig.step()
    for _ in range(3):
        rig.step()
        assert rig.store.commit(rig.now)
        rig.restart()
    rig.read()
    assert [*numbered(0, 2), '{"log":"torn', "new"] == rig.messages()
    assert rig.documents()[2]["error"]["message"]
    rig.check()


def test_file_of_nothing_but_a_torn_record(rig):
    """A rotated file that holds half a record only has no name, and is stored once all the same."""
    writer = rig.container("web", max_file=4)
    say(rig, writer, ["one"])
    writer.rotate()
    os.write(writer._fd, b'{"log":"torn')
    rig.read()
    writer.rotate()
    say(rig, writer, ["two"])
    for _ in range(8):
        rig.step()
        assert rig.store.commit(rig.now)
        rig.restart()
    rig.read()
    assert ["one", '{"log":"torn', "two"] == rig.messages()
    assert rig.gaps() == 0
    rig.check()


def test_line_written_in_two_parts(rig):
    """A record of which only the first part is there yet is one event when the rest has come, also after a restart."""
    writer = rig.container("web")
    say(rig, writer, ["one"])
    record = b'{"log":"i am not a full line until now\\n","stream":"stdout","time":"2030-01-01T00:00:00Z"}\n'
    os.write(writer._fd, record[:30])
    rig.read()
    assert ["one"] == rig.messages()
    os.write(writer._fd, record[30:60])
    rig.restart().read()
    assert ["one"] == rig.messages()
    os.write(writer._fd, record[60:])
    rig.read()
    assert ["one", "i am not a full line until now"] == rig.messages()


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


def test_symlinked_data_root(tmp_path):
    """A data root behind a symlink is read like any other."""
    rig = Rig(tmp_path)
    os.symlink(rig.root, tmp_path / "link")
    real, rig.root = rig.root, str(tmp_path / "link")
    rig.start()
    writer = rig.container("web", max_file=3)
    said = fill(rig, writer, 25)
    rig.read()
    assert said == rig.messages()
    assert os.path.realpath(writer.path).startswith(real)
    rig.crash()


def test_empty_file_named_late(rig):
    """A file seen empty gets its name from its first record; equal to the one before, it is told apart all the same."""
    writer = rig.container("web", max_file=5)
    time = rig.clock()
    for _ in range(3):
        writer.rotate()
        rig.step()
        writer.write_record(b"x" * PIECE, "stdout", time)
        writer.write_record(b"err\n", "stderr", rig.clock())
        rig.read()
    writer.write_record(b"y\n", "stdout", time)
    rig.read()
    assert ["x" * 3 * PIECE + "y"] == rig.messages(stream="stdout")
    rig.check()


def test_clock_set_back_while_the_agent_was_down(rig):
    """Files that were begun at an earlier time than the one that has gone are lost from sight, but never the live one."""
    writer = rig.container("web", max_file=2)
    writer.write("stdout", b"one\n", 1_790_000_000_000_000_000)
    rig.read().stop()
    for n in range(3):
        writer.rotate()
        writer.write("stdout", b"%d\n" % n, 1_780_000_000_000_000_000 + n)
    rig.start().read()
    rig.read()
    assert (["one", "2"], 1) == (rig.messages(), rig.gaps())


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
