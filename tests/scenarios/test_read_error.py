"""A log that cannot be read: what can be read is, what cannot is tried again or counted, and it is said once."""

import errno
import os

from logagent.collect.tail import Tail
from tests.collect.rig import numbered, say


def test_file_that_cannot_be_read(rig, monkeypatch, caplog):
    """A rotated file that cannot be read to its end is left with a gap when there is a newer one, said once; the live one is tried again."""
    writer = rig.container("web", max_file=3)
    say(rig, writer, numbered(0, 5))
    rig.read()
    real = Tail.read

    def damaged(tail, offset, size):
        if offset:
            raise OSError(errno.EIO, "Input/output error")
        return real(tail, offset, size)

    say(rig, writer, numbered(5, 5))
    with monkeypatch.context() as patch:
        patch.setattr(Tail, "read", damaged)
        for _ in range(4):
            rig.step(2)
        assert 1 == caplog.text.count("Input/output error")
    rig.read()
    assert (numbered(0, 10), 0) == (rig.messages(), rig.gaps())
    say(rig, writer, ["lost"])
    writer.rotate()
    say(rig, writer, ["new"])
    with monkeypatch.context() as patch:
        patch.setattr(Tail, "read", damaged)
        rig.collector.refresh()
        rig.step(2)
        rig.step(2)
    rig.read()
    assert ([*numbered(0, 10), "new"], 1) == (rig.messages(), rig.gaps())
    assert 1 == rig.store.catalog.totals()["problems", "unreadable"]


def test_reading_fails_at_every_place(rig, monkeypatch):
    """When each read of the live log fails once before it succeeds, every line is stored once."""
    writer = rig.container("web", max_file=3)
    said = say(rig, writer, numbered(0, 300))
    real, failed = os.pread, set()

    def sometimes(fd, size, offset):
        if (size, offset) not in failed:
            failed.add((size, offset))
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(fd, size, offset)

    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", sometimes)
        for _ in range(60):
            rig.step(2)
    assert rig.store.commit(rig.now)
    assert len(failed) > 5
    assert (said, 0) == (rig.messages(), rig.gaps())
    rig.check()
