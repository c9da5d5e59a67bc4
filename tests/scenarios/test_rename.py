"""What somebody else renames is read on: an open file has its content whatever it is called."""

import os

from tests.collect.rig import numbered, say
from tests.scenarios.writing import fill


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
