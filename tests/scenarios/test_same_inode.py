"""A log that is deleted and made again under its name, and most likely on its old inode, is a new one."""

import os

import pytest

from tests.collect.rig import numbered, say
from tests.scenarios.writing import again, come_to_rest


@pytest.mark.parametrize("longer", [False, True])
@pytest.mark.parametrize("down", [False, True], ids=["running", "down"])
def test_deleted_and_made_again(rig, down, longer):
    """All of the new content is read from its start, be it shorter or longer than what was read; unread lines that went are a gap when they may have been."""
    writer = rig.container("web")
    said = say(rig, writer, numbered(0, 5))
    rig.read()
    if down:
        rig.stop()
    inode = os.stat(writer.path).st_ino
    os.unlink(writer.path)
    writer = again(writer)
    said += say(rig, writer, numbered(5, 20 if longer else 2))
    if down:
        rig.start()
    else:
        assert inode != os.stat(writer.path).st_ino  # it is held open, so it cannot be given to another
    found, _ = come_to_rest(rig)
    assert said == found
    rig.restart()
    said += say(rig, writer, ["last"])
    found, _ = come_to_rest(rig)
    assert said == found


@pytest.mark.parametrize("longer", [False, True])
def test_the_very_inode_with_other_content(rig, longer):
    """While the agent was down the same inode got another content: it is told by that, not by the inode."""
    writer = rig.container("web")
    said = say(rig, writer, numbered(0, 5))
    rig.read().stop()
    inode = os.stat(writer.path).st_ino
    os.truncate(writer.path, 0)
    writer = again(writer)
    said += say(rig, writer, numbered(5, 20 if longer else 2))
    assert inode == os.stat(writer.path).st_ino
    rig.start()
    found, gaps = come_to_rest(rig)
    assert (said, 1) == (found, gaps)


def test_unread_lines_of_a_deleted_file(rig):
    """Lines written before the deletion and not read yet are read from the open file, and then the new file."""
    writer = rig.container("web")
    said = say(rig, writer, numbered(0, 5))
    rig.read()
    said += say(rig, writer, numbered(5, 500))
    os.unlink(writer.path)
    writer = again(writer)
    said += say(rig, writer, numbered(505, 5))
    found, _ = come_to_rest(rig)
    assert said == found


def test_deleted_and_not_made_again(rig):
    """`rm` of a live log: who has it open still writes to it, and that is read; after the container's restart the new file follows."""
    writer = rig.container("web")
    said = say(rig, writer, numbered(0, 5))
    rig.read()
    os.unlink(writer.path)
    for n in range(5, 20, 5):
        said += say(rig, writer, numbered(n, 5))
        found, _ = come_to_rest(rig)
        assert said == found
    writer = again(writer)
    said += say(rig, writer, numbered(20, 5))
    found, _ = come_to_rest(rig)
    assert said == found


def test_emptied_by_moving_an_empty_file_over_it(rig):
    """`mv empty log`: the old file is gone at once, what was unread of it is read, and the new one is followed."""
    writer = rig.container("web")
    said = say(rig, writer, numbered(0, 5))
    rig.read()
    said += say(rig, writer, numbered(5, 5))
    with open(f"{writer.path}.empty", "xb"):
        pass
    os.rename(f"{writer.path}.empty", writer.path)
    writer = again(writer)
    said += say(rig, writer, numbered(10, 5))
    found, _ = come_to_rest(rig)
    assert said == found
