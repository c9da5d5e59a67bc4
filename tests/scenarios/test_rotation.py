"""Rotation as dockerd does it, seen late, early and in the middle: each line is stored once, in order."""

import os
from itertools import count

import pytest

from logagent.collect import chain
from tests.collect.rig import numbered, say
from tests.scenarios.writing import fill, spin

LIMITS = [
    {"max_file": 1},
    {"max_file": 1, "old_engine": True},
    {"max_file": 2},
    {"max_file": 5},
    {"max_file": 2, "compress": True},
    {"max_file": 5, "compress": True},
]


@pytest.mark.parametrize("limits", LIMITS, ids=str)
def test_each_rotation_seen(rig, limits):
    """When the collector looks between any two rotations, no line is missing and no gap is counted."""
    writer = rig.container("web", **limits)
    said = []
    for n in range(0, 100, 5):
        said += fill(rig, writer, 5, n)
        rig.read()
    assert (said, 0) == (rig.messages(), rig.gaps())
    rig.check()


@pytest.mark.parametrize("limits", [limits for limits in LIMITS if limits["max_file"] == 5], ids=str)
def test_several_rotations_between_two_looks(rig, limits):
    """Rotations that pass unseen cost nothing as long as the files are there."""
    writer = rig.container("web", **limits)
    said = fill(rig, writer, 5)
    rig.read()
    said += fill(rig, writer, 40, 5)
    rig.read()
    assert (said, 0) == (rig.messages(), rig.gaps())


@pytest.mark.parametrize("limits", [limits for limits in LIMITS if limits["max_file"] == 5], ids=str)
def test_rotations_while_the_agent_is_down(rig, limits):
    """After a restart reading goes on in the file where it stopped, whatever that is called now and packed or not."""
    writer = rig.container("web", **limits)
    said = fill(rig, writer, 5)
    rig.read().stop()
    said += fill(rig, writer, 40, 5)
    rig.start().read()
    assert (said, 0) == (rig.messages(), rig.gaps())


@pytest.mark.parametrize("limits", [{"max_file": 2}, {"max_file": 3, "compress": True}], ids=str)
def test_lines_rotated_away_unread_are_a_gap(rig, limits):
    """When files were deleted unread, the rest is stored and a gap is counted: while running, and while down."""
    writer = rig.container("web", **limits)
    said = fill(rig, writer, 5)
    rig.read()
    fill(rig, writer, 50, 5)
    rig.read()
    assert rig.gaps() == 1
    stored = rig.messages()
    assert said == stored[:5]
    assert numbered(54, 1) == stored[-1:]
    rig.stop()
    fill(rig, writer, 50, 55)
    rig.start().read()
    assert rig.gaps() == 2
    assert numbered(104, 1) == rig.messages()[-1:]
    rig.check()


def test_one_file_only_and_a_rotation_missed(rig):
    """With max-file 1 a second rotation between two looks deletes a file unseen: a gap, for its times give it away."""
    writer = rig.container("web", max_file=1)
    said = fill(rig, writer, 5)
    rig.read()
    said += fill(rig, writer, 6, 5)
    rig.read()
    assert (said, 0) == (rig.messages(), rig.gaps())
    spin(rig)
    fill(rig, writer, 10, 11)
    spin(rig)
    fill(rig, writer, 10, 21)
    rig.read()
    assert rig.gaps() == 1
    assert (["line 19", "line 30"], numbered(30, 1)) == ([rig.messages()[-2], "line 30"], rig.messages()[-1:])


def test_held_file_is_read_to_its_end_after_it_was_deleted(rig):
    """Lines written after the last look and before the file was deleted are read from the open file."""
    writer = rig.container("web", max_file=2)
    said = fill(rig, writer, 5)
    rig.read()
    said += say(rig, writer, numbered(5, 5))
    writer.rotate()
    said += say(rig, writer, numbered(10, 1))
    rig.collector.touch(next(iter(rig.collector._sources)))
    rig.step()  # both files are held now, the second one not read
    writer.rotate()
    said += say(rig, writer, numbered(11, 1))
    rig.read()
    assert (said, 0) == (rig.messages(), rig.gaps())


@pytest.mark.parametrize("when", range(3))
def test_names_shift_between_listing_and_opening(rig, monkeypatch, when):
    """A rotation between listing the files and opening them is noticed, and everything looked at again."""
    writer = rig.container("web", max_file=4)
    said = fill(rig, writer, 21)
    real, calls = chain._open_one, count()

    def late(path, file):
        if next(calls) == when:
            writer.rotate()
            said.extend(say(rig, writer, ["late"]))
        return real(path, file)

    monkeypatch.setattr(chain, "_open_one", late)
    rig.read()
    assert (said, 0) == (rig.messages(), rig.gaps())


def test_rotated_faster_than_it_can_be_opened(rig, monkeypatch, caplog):
    """When each look is overtaken by a rotation, that is said, nothing is taken for lost, and a later look reads all."""
    writer = rig.container("web", max_file=2)
    said = fill(rig, writer, 5)
    with monkeypatch.context() as patch:
        patch.setattr(chain, "_open_one", lambda _path, _file: None)
        rig.step()
        rig.step()
    assert "is rotated faster than its files can be opened" in caplog.text
    rig.read()
    assert (said, 0) == (rig.messages(), rig.gaps())


def test_orphan_of_an_old_engine(rig):
    """A `.1` that an old engine left behind with max-file 1 is not read again when its follower has gone."""
    writer = rig.container("web", max_file=1, old_engine=True)
    said = fill(rig, writer, 15)
    rig.read().stop()
    writer._old_engine = False
    writer.rotate()
    said += say(rig, writer, ["new"])
    rig.start().read()
    assert said == rig.messages()
    rig.check()


def test_clock_set_back_while_the_agent_was_down(rig):
    """Files that were begun at an earlier time than the one that has gone may be lost from sight, but not the live one, nor that of the old inode."""
    writer = rig.container("web", max_file=2)
    writer.write("stdout", b"one\n", 1_790_000_000_000_000_000)
    rig.read().stop()
    for n in range(3):
        writer.rotate()
        writer.write("stdout", b"%d\n" % n, 1_780_000_000_000_000_000 + n)
    rig.start().read()
    rig.read()
    assert rig.messages() in (["one", "2"], ["one", "1", "2"])
    assert 1 == rig.gaps()


def test_empty_file_behind_one_that_went_unseen(rig):
    """When the live file is empty at the look, its first record tells whether another file came and went before it: coarse times do not."""
    writer = rig.container("web", max_file=1, max_size=3000)
    said = say(rig, writer, numbered(0, 5))
    rig.read()
    writer.rotate()
    say(rig, writer, ["lost"])
    writer.rotate()
    rig.step()
    deleted = rig.clock()
    while rig.clock() < deleted + 20_000_000:
        pass
    said += say(rig, writer, numbered(5, 5))
    rig.read()
    assert (said, 1) == (rig.messages(), rig.gaps())
    rig.check()


def test_empty_file_behind_the_one_that_is_held(rig):
    """When the live file is empty at the look and nothing came before it, there is no gap, as its first record was there before the rotation."""
    writer = rig.container("web", max_file=1, max_size=10_000_000)
    said = say(rig, writer, numbered(0, 5))
    rig.read()
    time = rig.clock()
    writer.rotate()
    rig.step()
    writer.write("stdout", b"line 5\n", time)
    rig.read()
    assert ([*said, "line 5"], 0) == (rig.messages(), rig.gaps())
    rig.check()


def test_rotations_while_files_are_opened(rig, monkeypatch):
    """What was opened while the files were rotated is let go and opened again: a new file may have taken the inode of one that was listed."""
    writer = rig.container("web", max_file=2)
    said = fill(rig, writer, 5)
    real, calls = chain._open, count()

    def opened(*args):
        found = real(*args)
        if next(calls) == 0:
            writer.rotate()
            said.extend(say(rig, writer, ["late"]))
        return found

    monkeypatch.setattr(chain, "_open", opened)
    tails = chain.open_chain(os.path.dirname(writer.path), os.path.basename(writer.path), chain.everything)
    assert [os.stat(f"{writer.path}.1").st_ino, os.stat(writer.path).st_ino] == [t.inode for t in tails]
    chain.close_all(tails)
