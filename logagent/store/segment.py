"""Segment files: the only place that reads and writes frames' bytes.

A segment `segments/00000001.ndjson.gz` is a row of gzip members. It is only ever appended to, and cut back at opening to the
last frame that the catalog knows. Write errors leave the file at its old length or longer, never with a frame changed.
"""

import os
from pathlib import Path

from logagent.model import Frame


class Segments:
    """The folder of segments at `folder`; one segment is open for appending at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._fd = -1
        self._open = 0

    def path(self, segment: int) -> Path:
        """Where segment number `segment` lies."""
        return self.folder / f"{segment:08d}.ndjson.gz"

    def append(self, segment: int, offset: int, member: bytes) -> None:
        """Write `member` at `offset` of `segment` and wait until it is on disk. Raises OSError; then nothing counts."""
        fd = self._writable(segment)
        view = memoryview(member)
        while view:
            written = os.pwrite(fd, view, offset)
            view, offset = view[written:], offset + written
        os.fdatasync(fd)

    def read(self, frame: Frame) -> bytes:
        """The gzip member of `frame`. Raises OSError when the segment has gone or is shorter than the catalog says."""
        with self.path(frame.segment).open("rb", buffering=0) as file:
            member = os.pread(file.fileno(), frame.length, frame.offset)
        if len(member) != frame.length:
            raise OSError(f"{self.path(frame.segment)} ends inside frame {frame.seq}")
        return member

    def cut(self, segment: int, length: int) -> int:
        """Cut `segment` back to `length` bytes; returns how many bytes went. One that is absent counts as empty."""
        surplus = self.length(segment) - length
        if surplus > 0:
            os.truncate(self.path(segment), length)
        return max(0, surplus)

    def length(self, segment: int) -> int:
        """How long `segment` is in bytes; one that is absent counts as empty."""
        try:
            return self.path(segment).stat().st_size
        except FileNotFoundError:
            return 0

    def remove(self, segment: int) -> None:
        """Delete `segment`; one that is gone already is fine."""
        if segment == self._open:
            self.close()
        self.path(segment).unlink(missing_ok=True)

    def numbers(self) -> list[int]:
        """The segments that lie in the folder, oldest first."""
        return sorted(int(p.name[:8]) for p in self.folder.glob("[0-9]" * 8 + ".ndjson.gz"))

    def close(self) -> None:
        """Close the segment that is open for appending."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd, self._open = -1, 0

    def _writable(self, segment: int) -> int:
        if segment != self._open:
            self.close()
            self._fd = os.open(self.path(segment), os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o640)
            sync(self.folder)  # whoever made the file may have died before this
            self._open = segment
        return self._fd


def sync(path: Path) -> None:
    """Wait until the file, or the names in the folder, at `path` are on disk. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
