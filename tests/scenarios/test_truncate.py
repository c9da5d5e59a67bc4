"""A file that was cut in place (copytruncate, a power cut) is a new generation, read from its start.

The engine opens its first file for appending, so that it goes on at the start of what was cut, and those made by rotation not, so that
it goes on where it was, behind a hole.
"""

import os

import pytest

from tests.collect.rig import numbered, say
from tests.scenarios.writing import again, come_to_rest, copytruncate

HOW = pytest.mark.parametrize("appends", [True, False], ids=["append", "no append"])


def writer_of(rig, *, appends: bool):
    """A container whose live file was opened for appending, or not."""
    writer = rig.container("web", max_file=2)
    if not appends:
        writer.rotate()
    return writer


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


@HOW
def test_truncated_and_seen_empty(rig, appends):
    """Cut, looked at, and written to again: no line is missing, whichever way the writer goes on."""
    writer = writer_of(rig, appends=appends)
    said = say(rig, writer, numbered(0, 5))
    rig.read()
    os.truncate(writer.path, 0)
    rig.read()
    said += say(rig, writer, numbered(5, 5))
    assert (said, 1) == come_to_rest(rig)
    rig.restart()
    said += say(rig, writer, numbered(10, 5))
    assert (said, 1) == come_to_rest(rig)


@HOW
@pytest.mark.parametrize("size", [5, 100])
def test_grown_beyond_where_it_was_read_between_two_looks(rig, appends, size):
    """Cut and grown longer than it was, with nothing but its content to tell: it is read from its start."""
    writer = writer_of(rig, appends=appends)
    said = say(rig, writer, numbered(0, size))
    rig.read()
    os.truncate(writer.path, 0)
    said += say(rig, writer, [f"longer {n}" for n in range(2 * size)])
    assert (said, 1) == come_to_rest(rig)
    rig.restart()
    said += say(rig, writer, ["last"])
    assert (said, 1) == come_to_rest(rig)


@HOW
def test_grown_to_exactly_where_it_was_read(rig, appends):
    """Cut and grown to the very size it had: what is there is found, at the latest when more comes."""
    writer = writer_of(rig, appends=appends)
    said = say(rig, writer, numbered(0, 5))
    rig.read()
    size = os.path.getsize(writer.path)
    os.truncate(writer.path, 0)
    if appends:
        records = [b'{"log":"%s\\n","stream":"stdout","time":"2030-01-01T00:00:00Z"}\n' % (b"y" * n) for n in (20, 0)]
        room = size - sum(map(len, records))
        records[1] = records[1].replace(b"\\n", b"z" * room + b"\\n", 1)
        os.write(writer._fd, b"".join(records))
        said += ["y" * 20, "z" * room]
        assert size == os.path.getsize(writer.path)
        rig.read()
    said += say(rig, writer, ["last"])
    assert (said, 1) == come_to_rest(rig)


@HOW
@pytest.mark.parametrize("count", [2, 20])
def test_truncated_while_the_agent_was_down(rig, appends, count):
    """Cut and grown again, to less or more than it was, while no agent looked: all that is there is read."""
    writer = writer_of(rig, appends=appends)
    said = say(rig, writer, numbered(0, 5))
    rig.read().stop()
    os.truncate(writer.path, 0)
    said += say(rig, writer, numbered(5, count))
    rig.start()
    assert (said, 1) == come_to_rest(rig)
    rig.restart()
    said += say(rig, writer, ["last"])
    assert (said, 1) == come_to_rest(rig)


@HOW
@pytest.mark.parametrize("suffix", [".1", "-20261124"])
@pytest.mark.parametrize("down", [False, True], ids=["running", "down"])
def test_copytruncate(rig, appends, suffix, down):
    """Copied and cut, as logrotate does: nothing is stored twice, and what was not read before is found in the copy, or is a gap."""
    writer = rig.container("web")
    if not appends:
        writer.rotate()
    read = say(rig, writer, numbered(0, 5))
    rig.read()
    if down:
        rig.stop()
    late = say(rig, writer, numbered(5, 5))
    copytruncate(writer, suffix)
    new = say(rig, writer, numbered(10, 5))
    if down:
        rig.start()
    found, gaps = come_to_rest(rig)
    assert [*read, *new] == [m for m in found if m not in late]
    assert gaps or found == [*read, *late, *new]
    # Under another name it is surely a copy: what came between copying and cutting is lost.
    assert gaps or suffix == ".1"
    rig.restart()
    assert (found, gaps) == come_to_rest(rig)


def test_cut_again_and_again(rig):
    """200 lines, cut, 100 lines: 300; and so on, each time it is cut."""
    writer = rig.container("web")
    said = []
    for n in range(0, 900, 300):
        said += say(rig, writer, numbered(n, 200))
        rig.read()
        os.truncate(writer.path, 0)
        said += say(rig, writer, numbered(n + 200, 100))
        rig.read()
    assert (said, 3) == come_to_rest(rig)


def test_cut_in_the_middle_of_a_long_line(rig):
    """The beginning of a line whose rest went with the cut is stored as it is, and the next lines are not joined to it."""
    writer = rig.container("web")
    writer.write_record(b"x" * 16_384, "stdout", rig.clock())
    rig.read()
    os.truncate(writer.path, 0)
    say(rig, writer, ["new", "newer"])
    found, gaps = come_to_rest(rig)
    assert (["x" * 16_384, "new", "newer"], 1) == (found, gaps)
    assert ["partial"] == rig.documents()[0]["log"]["flags"]


def test_cut_in_the_middle_of_a_record(rig):
    """Cut while half a record lay there unread: the half has gone, and the new lines are whole."""
    writer = rig.container("web")
    said = say(rig, writer, numbered(0, 3))
    os.write(writer._fd, b'{"log":"half of it')
    rig.read()
    os.truncate(writer.path, 0)
    said += say(rig, writer, numbered(3, 20))
    assert (said, 1) == come_to_rest(rig)


@HOW
def test_grown_beyond_where_it_was_read_after_a_restart(rig, appends):
    """The same on a log that gave nothing to read since the agent began."""
    writer = writer_of(rig, appends=appends)
    said = say(rig, writer, numbered(0, 5))
    rig.read().restart().read()
    os.truncate(writer.path, 0)
    said += say(rig, writer, [f"longer {n}" for n in range(10)])
    assert (said, 1) == come_to_rest(rig)


@pytest.mark.parametrize("count", [1, 20])
@pytest.mark.parametrize("suffix", [".1", "-20261124", None], ids=str)
def test_truncated_and_taken_away(rig, suffix, count):
    """Cut, written to, and renamed or removed, all between two looks: what it holds now is read from its start, and a gap is told."""
    writer = rig.container("web")
    said = say(rig, writer, numbered(0, 5))
    rig.read()
    os.truncate(writer.path, 0)
    said += say(rig, writer, numbered(5, count))
    if suffix:
        os.rename(writer.path, writer.path + suffix)
    else:
        os.unlink(writer.path)
    writer = again(writer)
    said += say(rig, writer, ["new", "newer"])
    found, gaps = come_to_rest(rig)
    assert said == found
    assert gaps


def test_truncated_before_it_was_begun(rig):
    """A file that is held, of which nothing was read, and that holds something else by then is a gap, and is read once."""
    writer = rig.container("web", max_file=3)
    say(rig, writer, ["one"])
    rig.read()
    say(rig, writer, [f"{n} {'z' * 90}" for n in range(300)])
    writer.rotate()
    say(rig, writer, ["lost"])
    rig.step()
    os.truncate(writer.path, 0)
    said = say(rig, writer, ["new 1", "new 2"])
    rig.read()
    assert 1 == rig.gaps()
    rig.restart().read()
    assert said == rig.messages()[-2:]
    assert (302 + 1, 1) == (len(rig.messages()), rig.gaps())
    rig.check()
