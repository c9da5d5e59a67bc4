"""Segment files: appended to, read by frame, cut back, removed."""

import gzip
import os
import subprocess

import pytest

from logagent.model import Frame
from logagent.store.segment import Segments


@pytest.fixture
def segments(tmp_path):
    """An empty folder of segments."""
    segments = Segments(tmp_path)
    yield segments
    segments.close()


def frame(segment, offset, length):
    """A frame that lies there."""
    return Frame(1, segment, offset, length, 0, 0, 0, 0)


def test_frames_lie_one_behind_the_other(segments):
    """A segment is the row of its members and nothing else, which zcat reads; each is read back by its place."""
    members = [gzip.compress(b"%d\n" % n) for n in range(3)]
    offset = 0
    for member in members:
        segments.append(7, offset, member)
        assert member == segments.read(frame(7, offset, len(member)))
        offset += len(member)
    assert b"".join(members) == segments.path(7).read_bytes()
    assert "00000007.ndjson.gz" == segments.path(7).name
    assert b"0\n1\n2\n" == subprocess.run(["zcat", segments.path(7)], capture_output=True, check=True).stdout


def test_append_again_at_the_same_place(segments):
    """What a failed append left behind is overwritten by the next one."""
    segments.append(1, 0, b"one")
    segments.append(1, 3, b"torn and longer")
    segments.append(1, 3, b"two")
    assert b"onetwo" == segments.path(1).read_bytes()[:6]


def test_each_append_is_on_disk(segments, monkeypatch):
    """Data is synced with each append, the folder with each new segment."""
    synced = []
    monkeypatch.setattr(os, "fdatasync", lambda fd: synced.append(os.readlink(f"/proc/self/fd/{fd}")))
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(os.readlink(f"/proc/self/fd/{fd}")))
    for segment, offset in ((1, 0), (1, 3), (2, 0)):
        segments.append(segment, offset, b"abc")
    folder, one, two = (str(p) for p in (segments.folder, segments.path(1), segments.path(2)))
    assert [folder, one, one, folder, two] == synced


def test_cut(segments):
    """Cutting tells how much went; a shorter and an absent segment stay as they are."""
    segments.append(1, 0, b"0123456789")
    assert (4, 0, 0, 0) == (segments.cut(1, 6), segments.cut(1, 6), segments.cut(1, 100), segments.cut(2, 0))
    assert b"012345" == segments.path(1).read_bytes()
    assert (6, 0) == (segments.length(1), segments.length(2))


def test_read_of_what_is_not_there(segments):
    """A segment that has gone, or ends inside the frame, is an OSError."""
    segments.append(1, 0, b"0123456789")
    with pytest.raises(OSError, match="ends inside frame 1"):
        segments.read(frame(1, 5, 6))
    with pytest.raises(FileNotFoundError):
        segments.read(frame(2, 0, 1))


def test_remove(segments):
    """A removed segment is gone, also the one being written, and its number can be written anew; removing twice is fine."""
    segments.append(1, 0, b"old")
    segments.append(2, 0, b"two")
    for number in (2, 1, 1):
        segments.remove(number)
    assert [] == segments.numbers()
    segments.append(2, 0, b"new")
    assert b"new" == segments.path(2).read_bytes()


def test_numbers(segments):
    """The folder's segments in order; other files are not taken for any."""
    for number in (10, 2):
        segments.append(number, 0, b"x")
    (segments.folder / "notes.txt").touch()
    (segments.folder / "1.ndjson.gz").touch()
    assert [2, 10] == segments.numbers()
