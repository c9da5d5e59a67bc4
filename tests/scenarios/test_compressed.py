"""Rotated files that are compressed before, while and after they are read."""

import os

from tests.collect.rig import say


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
