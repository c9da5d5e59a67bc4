"""Files that begin with like pieces of one long line, of which most went away unread."""

from logagent.demo.record import PIECE
from tests.collect.rig import Rig, say


def test_only_a_later_one_is_left(tmp_path):
    """A later file is not taken for the one that was read: its lines are read, and a gap is counted."""
    rig = Rig(tmp_path, max_open_files=1).start()
    writer = rig.container("web", max_size=3000, max_file=2)
    say(rig, writer, ["first"])
    rig.read()
    time = rig.clock()
    for piece in (b"1" + b"x" * PIECE, b"x" * PIECE, b"x" * PIECE):
        writer.write_record(piece, "stdout", time)
    rig.read().crash()
    for piece in (b"x" * PIECE, b"x\n"):
        writer.write_record(piece, "stdout", time)
    say(rig, writer, ["out"])
    say(rig, writer, ["err"], "stderr")
    rig.start().read()
    assert ["err"] == rig.messages(stream="stderr")
    assert "out" == rig.messages(stream="stdout")[-1]
    assert rig.gaps()
    rig.check()
    rig.crash()
