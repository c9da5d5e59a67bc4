"""Files that begin alike are told apart, between containers and within one."""

from logagent.demo.record import PIECE


def test_two_containers_with_the_same_first_line(rig):
    """Containers whose files begin with the same record are told apart."""
    writers = [rig.container(name, max_file=2) for name in ("a", "b")]
    for time in (1_790_000_000_000_000_000, 1_790_000_001_000_000_000):
        for writer in writers:
            writer.write("stdout", b"the same\n", time)
    rig.read()
    assert (["the same"] * 2, ["the same"] * 2) == (rig.messages("a"), rig.messages("b"))
    rig.check()


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
