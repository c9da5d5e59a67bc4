"""Documents as lines, one JSON object each: into a file, or to stdout for a pipe.

A file is only ever appended to. It is opened anew when it was renamed away, as logrotate does, and whole frames are on disk
before the cursor moves: after a crash the last frame may stand there twice, never half. A line that a crash left torn is ended, so
that it spoils no other.
"""

import os
import stat
import sys
from contextlib import suppress
from pathlib import Path

from logagent.ship.body import pairs, sound, unpack


def documents(member: bytes, events: int) -> tuple[bytes, list[int]]:
    """The documents of a frame of so many events, each with its newline, and which of them cannot be read. Pure."""
    plain, intact = unpack(member)
    lines = plain.split(b"\n")
    if intact and len(lines) == 2 * events + 1:
        return b"\n".join((*lines[1::2], b"")), []
    found = {item: pair for item, pair in pairs(plain, range(events)).items() if intact or sound(pair)}
    lost = [item for item in range(events) if item not in found]
    return b"".join(pair.partition(b"\n")[2] for pair in found.values()), lost


class File:
    """The file at `path`, made when absent; its folder must be there."""

    def __init__(self, path: Path) -> None:
        self.path, self.url = path, f"file://{path}"
        self._fd = -1

    def __repr__(self) -> str:
        return f"<File {self.path}>"

    def write(self, data: bytes) -> None:
        """Append `data` and wait until it is on disk. Raises OSError; then the file is as long as before, if that can be had."""
        self._reopen()
        start = os.fstat(self._fd).st_size
        written = 0
        try:
            while written < len(data):
                written += os.write(self._fd, memoryview(data)[written:])
            self._sync()
        except OSError:
            self._take_back(start, written)
            raise

    def close(self) -> None:
        """Close the file; the next write opens it again."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1

    def _reopen(self) -> None:
        if self._fd >= 0 and not self._renamed():
            return
        self.close()
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK  # nothing waits for a pipe's reader
        self._fd = os.open(self.path, flags, 0o640)
        os.set_blocking(self._fd, True)
        if self._torn():
            os.write(self._fd, b"\n")

    def _renamed(self) -> bool:
        try:
            there, here = os.stat(self.path), os.fstat(self._fd)
        except FileNotFoundError:
            return True
        return (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino)

    def _torn(self) -> bool:
        size = os.fstat(self._fd).st_size
        return size > 0 and os.pread(self._fd, 1, size - 1) != b"\n"

    def _sync(self) -> None:
        if stat.S_ISREG(os.fstat(self._fd).st_mode):
            os.fdatasync(self._fd)

    def _take_back(self, start: int, written: int) -> None:
        """Cut off what was written of a frame, unless somebody else has written behind it."""
        with suppress(OSError):
            if written and os.fstat(self._fd).st_size == start + written:
                os.ftruncate(self._fd, start)


class Stdout:
    """This process's stdout: nothing else must be printed there."""

    url = "stdout"

    def write(self, data: bytes) -> None:
        """Print `data`. Raises OSError, BrokenPipeError when nobody reads any more."""
        fd, view = sys.__stdout__.fileno() if sys.__stdout__ else 1, memoryview(data)
        while view:
            view = view[os.write(fd, view) :]

    def close(self) -> None:
        """Leave it open: it is not ours."""
