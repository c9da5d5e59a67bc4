"""A long line's file goes away while no agent runs: what comes behind the place up to which all was read is new."""

from logagent.demo.record import PIECE
from tests.collect.rig import Rig, numbered, say


def test_the_file_of_an_unfinished_line_has_gone(tmp_path):
    """When one stream's place has gone and the other's is the end of a file, both streams' lines behind it are stored."""
    rig = Rig(tmp_path).start()
    writer = rig.container("web", max_file=2)
    writer.write_record(b"e" * PIECE, "stderr", rig.clock())
    out = say(rig, writer, numbered(0, 3))
    rig.read()
    writer.rotate()
    out += say(rig, writer, numbered(3, 3))
    rig.read().stop()
    writer.rotate()
    out += say(rig, writer, numbered(6, 3))
    err = say(rig, writer, ["late", "later"], "stderr")
    rig.start().read()
    rig.check()
    assert (out, err) == (rig.messages(stream="stdout"), rig.messages(stream="stderr"))
    assert 1 == rig.gaps()
    rig.crash()
