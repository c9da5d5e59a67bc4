"""One file, plain or compressed, read by offset; and what it is called after."""

import gzip
import os
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.collect.tail import FIRST, Tail, generation
from logagent.demo.compress import gzip_member
from logagent.demo.record import PIECE, render
from logagent.model import Generation

TIME = 1_790_000_000_123_456_789
CONTENT = b"".join(render(b"line %d\n" % n, "stdout", TIME + n) for n in range(5000))


@pytest.fixture(params=["plain", "dockerd's gz", "any gz"])
def tail(request, tmp_path):
    """A file of many records."""
    path, compressed = tmp_path / "log", request.param != "plain"
    packed = {"plain": CONTENT, "any gz": gzip.compress(CONTENT)}.get(request.param)
    path.write_bytes(packed or b"".join(gzip_member(iter([CONTENT]), TIME)))
    tail = Tail(str(path), compressed=compressed)
    yield tail
    tail.close()


def test_reading(tail):
    """Any place can be read, forwards and backwards, up to the end and beyond."""
    for offset in (0, 1000, len(CONTENT) - 10, 5, len(CONTENT), len(CONTENT) + 5, 200_000):
        assert CONTENT[offset : offset + 70_000] == tail.read(offset, 70_000)
    assert len(CONTENT) == tail.plain_size()
    assert "" == tail.damage


def test_name(tail):
    """A file is named after its first record, packed or not."""
    assert Generation(TIME) == tail.identify().generation


def test_an_open_file_cannot_be_taken_away(tail):
    """Renamed or deleted, it is read on; when it lost its last name is known."""
    os.link(tail.path, f"{tail.path}.1")
    os.unlink(tail.path)
    assert None is tail.unlinked()
    os.unlink(f"{tail.path}.1")
    assert CONTENT[-100:] == tail.read(len(CONTENT) - 100, 200)
    assert abs(tail.unlinked() - os.stat("/proc/self").st_mtime_ns) < 3600 * 10**9


def test_growth(tmp_path):
    """The size is that of the last look; a file without a whole first line has no name yet."""
    path = tmp_path / "log"
    path.write_bytes(CONTENT[:20])
    tail = Tail(str(path), compressed=False)
    assert None is tail.identify().generation
    path.write_bytes(CONTENT[:200])
    assert (20, 200, 200) == (tail.size, tail.grown(), tail.size)
    assert Generation(TIME) == tail.identify().generation
    tail.close()


@pytest.mark.parametrize("cut", [10, 1000, -1, -8, -20])
def test_cut_gz(tmp_path, cut):
    """Of a `.gz` that was cut off, what can be unpacked is read, and the damage told."""
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(CONTENT)[:cut])
    tail = Tail(str(path), compressed=True)
    found = b""
    while block := tail.read(len(found), 8192):
        found += block
    assert CONTENT.startswith(found)
    expected = zlib.decompressobj(31).decompress(gzip.compress(CONTENT)[:cut])
    assert expected == found
    assert "is damaged" in tail.damage
    tail.close()


def test_not_a_gz(tmp_path):
    """A file that only has the name of a `.gz` gives nothing, and has no name."""
    path = tmp_path / "log.gz"
    path.write_bytes(CONTENT)
    tail = Tail(str(path), compressed=True)
    assert (b"", None) == (tail.read(0, 100), tail.identify().generation)
    assert "is damaged" in tail.damage
    tail.close()


def test_symlinks_are_not_followed(tmp_path):
    """A symlink under a log's name is refused."""
    os.symlink("/etc/passwd", tmp_path / "log")
    with pytest.raises(OSError, match="symbolic links"):
        Tail(str(tmp_path / "log"), compressed=False)


def test_no_descriptor_is_left_open(tail):
    """Closing gives back every descriptor."""
    tail.read(0, 10)
    count = len(os.listdir("/proc/self/fd"))
    other = Tail(tail.path, compressed=tail.compressed)
    other.read(0, 10)
    other.close()
    assert count == len(os.listdir("/proc/self/fd"))


NAMES = [
    ("a record that ends its line", render(b"x\n", "stdout", TIME), Generation(TIME)),
    ("the same on stderr", render(b"y\n", "stderr", TIME), Generation(TIME)),
    ("a piece", render(b"xyz", "stdout", TIME), Generation(TIME, zlib.crc32(b"xyz"))),
    ("a torn line before a record", b'{"log":"to' + render(b"x\n", "stdout", TIME), Generation(TIME)),
    ("no record", b"garbage\n", Generation(0, zlib.crc32(b"garbage"))),
    ("a blank line", b"\n", Generation(0, 1)),
    ("nothing", b"", None),
    ("half a line", render(b"x\n", "stdout", TIME)[:-1], None),
    ("an endless line", b"x" * FIRST, Generation(0, zlib.crc32(b"x" * FIRST))),
    ("before 1970", b'{"log":"x\\n","stream":"stdout","time":"1969-01-01T00:00:00Z"}\n', Generation(0)),
]


@pytest.mark.parametrize(("head", "expected"), [n[1:] for n in NAMES], ids=[n[0] for n in NAMES])
def test_names(head, expected):
    """The name comes from the first line only, and what follows does not matter."""
    assert expected == generation(head)
    if expected is not None and head.endswith(b"\n"):
        assert expected == generation(head + b"more")


@given(st.binary(max_size=PIECE), st.integers(0, 2**62))
def test_any_record_names_its_file(text, time):
    """Any record that dockerd can write names its file, and the name can be written and read back."""
    named = generation(render(text, "stdout", time))
    assert named is not None
    assert time == named.time
    assert named == Generation.parse(named.token)
