"""What somebody else renames is read on: an open file has its content whatever it is called, and a closed one is found again."""

import os

import pytest

from tests.collect.rig import numbered, say
from tests.scenarios.writing import again, come_to_rest, copytruncate, moved

NAMES = [".1", "-20261124", ".old"]


def test_between_rename_and_creation(rig):
    """In the moment without a live file the renamed one is read on; the new one follows when it comes."""
    writer = rig.container("web", max_file=3)
    said = say(rig, writer, numbered(0, 5))
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


@pytest.mark.parametrize("suffix", NAMES)
def test_renamed_and_created(rig, suffix):
    """Five lines, of which the last are not read yet, and five in a new file: ten events, none of them twice."""
    writer = rig.container("web")
    said = say(rig, writer, numbered(0, 3))
    rig.read()
    said += say(rig, writer, numbered(3, 2))
    writer = moved(writer, suffix)
    said += say(rig, writer, numbered(5, 5))
    assert (said, 0) == come_to_rest(rig)
    rig.restart()
    assert (said, 0) == come_to_rest(rig)


@pytest.mark.parametrize("suffix", NAMES)
@pytest.mark.parametrize("read_before", [0, 3, 5])
def test_renamed_and_created_while_the_agent_is_down(rig, suffix, read_before):
    """The rest of the renamed file is read, then the new one; what was read before is not read again."""
    writer = rig.container("web")
    said = say(rig, writer, ["first", *numbered(0, read_before)])
    rig.read().stop()
    said += say(rig, writer, numbered(read_before, 5 - read_before))
    writer = moved(writer, suffix)
    said += say(rig, writer, numbered(5, 5))
    rig.start()
    assert (said, 0) == come_to_rest(rig)
    rig.restart()
    assert (said, 0) == come_to_rest(rig)


def test_five_renames_one_after_the_other(rig):
    """Renamed by hand again and again, each time with a look between: each record once."""
    writer = rig.container("web")
    said = []
    for n in range(5):
        said += say(rig, writer, numbered(10 * n, 5))
        rig.read()
        said += say(rig, writer, numbered(10 * n + 5, 5))
        writer = moved(writer, f"-2026112{n}")
    said += say(rig, writer, numbered(50, 5))
    assert (said, 0) == come_to_rest(rig)


@pytest.mark.parametrize("down", [False, True])
def test_two_renames_between_two_looks(rig, down):
    """A file that came and went under a name that is not dockerd's is read, or is a gap; its neighbours are read in any case."""
    writer = rig.container("web")
    first = say(rig, writer, numbered(0, 2))
    rig.read()
    if down:
        rig.stop()
    first += say(rig, writer, numbered(2, 3))
    writer = moved(writer, "-20261123")
    unseen = say(rig, writer, numbered(5, 5))
    writer = moved(writer, "-20261124")
    last = say(rig, writer, numbered(10, 5))
    if down:
        rig.start()
    found, gaps = come_to_rest(rig)
    assert [*first, *last] == [m for m in found if m not in unseen]
    assert gaps or found == [*first, *unseen, *last]


def test_renamed_by_turns(rig):
    """The whole set is shifted by hand, `.1` to `.2`, with five files in the end: each record once, also after restarts."""
    writer = rig.container("web")
    said = say(rig, writer, numbered(0, 5))
    rig.read()
    for n in range(1, 5):
        for number in range(n - 1, 0, -1):
            os.rename(f"{writer.path}.{number}", f"{writer.path}.{number + 1}")
        writer = moved(writer, ".1")
        said += say(rig, writer, numbered(5 * n, 5))
        if n % 2:
            rig.read().restart()
    assert (said, 0) == come_to_rest(rig)


@pytest.mark.parametrize("suffix", NAMES)
def test_written_to_after_it_was_renamed(rig, suffix):
    """A writer that was not told goes on in the renamed file, beside an empty new one (logrotate's `create`): its lines are read."""
    writer = rig.container("web")
    said = say(rig, writer, numbered(0, 5))
    rig.read()
    os.rename(writer.path, writer.path + suffix)
    with open(writer.path, "xb"):
        pass
    for n in range(5, 20, 5):
        said += say(rig, writer, numbered(n, 5))
        assert (said, 0) == come_to_rest(rig)
    rig.restart()
    said += say(rig, writer, numbered(20, 5))
    assert (said, 0) == come_to_rest(rig)
    with open(writer.path, "ab") as file:
        file.write(b'{"log":"next\\n","stream":"stdout","time":"2030-01-01T00:00:00Z"}\n')
    assert ([*said, "next"], 0) == come_to_rest(rig)


def test_written_to_after_it_was_renamed_twice(rig):
    """The same for days: empty new files are renamed as well, and the writer is still in the oldest one."""
    writer = rig.container("web")
    said = say(rig, writer, numbered(0, 5))
    for n in range(5, 20, 5):
        rig.read()
        for number in range(n // 5 - 1, 0, -1):
            os.rename(f"{writer.path}.{number}", f"{writer.path}.{number + 1}")
        os.rename(writer.path, f"{writer.path}.1")
        with open(writer.path, "xb"):
            pass
        rig.read()
        said += say(rig, writer, numbered(n, 5))
        assert (said, 0) == come_to_rest(rig)
    rig.restart()
    said += say(rig, writer, ["after"])
    assert (said, 0) == come_to_rest(rig)


def test_truncated_and_renamed_between_two_looks(rig):
    """Copied, cut, renamed and written to: each of its new lines is stored once, though the file has two names to be found by."""
    writer = rig.container("web")
    said = say(rig, writer, numbered(0, 3))
    rig.read()
    copytruncate(writer, "-copy")
    os.rename(writer.path, f"{writer.path}-20261124")
    with open(writer.path, "xb"):
        pass
    said += say(rig, writer, numbered(3, 5))
    writer = again(writer)
    said += say(rig, writer, numbered(8, 5))
    assert (said, 1) == come_to_rest(rig)


def test_found_among_many_dated_files(rig):
    """A file renamed while the agent was down is found beside a hundred others of earlier days."""
    writer = rig.container("web")
    said = say(rig, writer, numbered(0, 3))
    rig.read().stop()
    said += say(rig, writer, numbered(3, 3))
    for n in range(100):
        with open(f"{writer.path}-old-{n:03}", "xb") as file:
            file.write(b'{"log":"old\\n","stream":"stdout","time":"2020-01-01T00:00:00.%03dZ"}\n' % n)
    writer = moved(writer, "-20261124")
    said += say(rig, writer, numbered(6, 3))
    rig.start()
    assert (said, 0) == come_to_rest(rig)


def test_copied_and_cut_and_later_renamed(rig):
    """A copy of what was read before the file was cut is not read again when the file is renamed later."""
    writer = rig.container("web")
    said = say(rig, writer, ["one"])
    rig.read()
    os.unlink(writer.path)
    writer = again(writer)
    said += say(rig, writer, ["two"])
    rig.read()
    copytruncate(writer, "-copy")
    rig.read()
    writer = moved(writer, "-20261124")
    said += say(rig, writer, numbered(0, 5))
    found, _ = come_to_rest(rig)
    assert said == found
