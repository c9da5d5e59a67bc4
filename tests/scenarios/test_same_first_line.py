"""Files that begin alike are told apart, between containers and within one."""

import pytest

from logagent.demo.record import PIECE
from tests.collect.rig import numbered, say
from tests.scenarios.writing import come_to_rest

MOMENT = 1_790_000_000_000_000_000


def test_two_containers_with_the_same_first_line(rig):
    """Containers whose files begin with the same record are told apart."""
    writers = [rig.container(name, max_file=2) for name in ("a", "b")]
    for time in (MOMENT, MOMENT + 10**9):
        for writer in writers:
            writer.write("stdout", b"the same\n", time)
    rig.read()
    assert (["the same"] * 2, ["the same"] * 2) == (rig.messages("a"), rig.messages("b"))
    rig.check()


@pytest.mark.parametrize("down", [False, True], ids=["running", "down"])
def test_a_new_file_with_the_same_text_in_front(rig, down):
    """A program that prints the same banner at each start: files alike but for their times are each read whole."""
    writer = rig.container("web", max_file=3)
    said = []
    for _ in range(3):
        said += say(rig, writer, ["=== banner ===" * 20, "starting"])
        rig.read()
        if down:
            rig.stop()
        writer.rotate()
        said += say(rig, writer, ["=== banner ===" * 20, "starting", "started"])
        if down:
            rig.start()
        assert (said, 0) == come_to_rest(rig)


@pytest.mark.parametrize("compress", [False, True])
def test_files_whose_first_lines_differ_in_a_nanosecond(rig, compress):
    """A burst that is rotated at each line: times that differ in their last digit only are different files."""
    writer = rig.container("web", max_file=50, compress=compress)
    for n in range(40):
        writer.write("stdout", b"line %d\n" % n, MOMENT + n)
        writer.rotate()
    assert (numbered(0, 40), 0) == come_to_rest(rig)
    rig.restart()
    assert (numbered(0, 40), 0) == come_to_rest(rig)


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
