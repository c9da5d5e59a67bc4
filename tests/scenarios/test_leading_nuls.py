"""Holes in a file: what a writer that does not append leaves behind a truncation, and a disk behind a power cut."""

import os

import pytest

from logagent.collect import tail
from tests.collect.rig import numbered, say
from tests.scenarios.writing import come_to_rest

GIB = 1 << 30


class Counted:
    """`os`, with the bytes counted that are read by place."""

    def __init__(self):
        self.bytes = 0

    def __getattr__(self, name):
        return getattr(os, name)

    def pread(self, fd, size, offset):
        data = os.pread(fd, size, offset)
        self.bytes += len(data)
        return data


@pytest.fixture
def counted(monkeypatch):
    """Counts what is read of log files."""
    counted = Counted()
    monkeypatch.setattr(tail, "os", counted)
    return counted


def hole(writer, size):
    """Cut the live file, with the writer going on `size` bytes behind its start."""
    os.truncate(writer.path, 0)
    os.lseek(writer._fd, size, os.SEEK_SET)


@pytest.mark.parametrize("size", [1000, 128 << 10, 1 << 20, GIB], ids=["1 kB", "128 KiB", "1 MiB", "1 GiB"])
@pytest.mark.parametrize("down", [False, True], ids=["running", "down"])
def test_a_hole_before_the_first_line(rig, counted, caplog, size, down):
    """A hole of any size is passed over without being read, with one warning, and the line behind it comes out."""
    writer = rig.container("web", max_file=2)
    writer.rotate()  # opened by rotation, so not for appending
    said = say(rig, writer, numbered(0, 5))
    rig.read()
    if down:
        rig.stop()
    hole(writer, size)
    said += say(rig, writer, numbered(5, 5))
    assert size < os.path.getsize(writer.path)
    counted.bytes = 0
    if down:
        rig.start()
    found, _ = come_to_rest(rig)
    assert said == found
    assert counted.bytes < 1 << 20 or size < 1 << 20
    if size >= 128 << 10:
        assert 1 == sum("NUL" in r.getMessage() or "nul" in r.getMessage() for r in caplog.records)
        assert 1 == rig.store.catalog.totals()["problems", "nul_bytes"]
    said += say(rig, writer, ["last"])
    rig.restart()
    found, _ = come_to_rest(rig)
    assert said == found


def test_a_hole_in_the_middle(rig, counted):
    """The same behind lines that were read, as of a disk that lost its blocks."""
    writer = rig.container("web", max_file=2)
    writer.rotate()
    said = say(rig, writer, numbered(0, 5))
    rig.read()
    os.lseek(writer._fd, GIB, os.SEEK_CUR)
    said += say(rig, writer, numbered(5, 5))
    counted.bytes = 0
    assert (said, 0) == come_to_rest(rig)
    assert counted.bytes < 2 << 20


def test_a_new_container_whose_log_begins_with_a_hole(rig, counted):
    """Also the first file of a container that was never read may begin so."""
    writer = rig.container("web", max_file=2)
    writer.rotate()
    hole(writer, GIB)
    said = say(rig, writer, numbered(0, 5))
    assert (said, 0) == come_to_rest(rig)
    rig.restart()
    said += say(rig, writer, ["last"])
    assert (said, 0) == come_to_rest(rig)
    assert counted.bytes < 4 << 20


def test_a_hole_and_nothing_behind_it_yet(rig, counted):
    """A file that is nothing but a hole waits for its first line."""
    writer = rig.container("web", max_file=2)
    writer.rotate()
    os.truncate(writer.path, GIB)
    os.lseek(writer._fd, GIB, os.SEEK_SET)
    for _ in range(3):
        assert ([], 0) == come_to_rest(rig)
    assert counted.bytes < 4 << 20
    said = say(rig, writer, numbered(0, 5))
    assert (said, 0) == come_to_rest(rig)


def test_zeros_that_are_no_hole(rig):
    """Zeros that lie on the disk as bytes (a power cut, a copied file) are passed over as well."""
    writer = rig.container("web")
    said = say(rig, writer, numbered(0, 2))
    os.write(writer._fd, b"\0" * (1 << 20))
    said += say(rig, writer, numbered(2, 2))
    rig.read()
    writer.rotate()
    os.write(writer._fd, b"\0" * (1 << 20))
    said += say(rig, writer, numbered(4, 2))
    assert (said, 0) == come_to_rest(rig)
