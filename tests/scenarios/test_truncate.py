"""A file that was cut in place (copytruncate, a power cut) is a new generation, read from its start."""

import os

from tests.collect.rig import numbered, say


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
