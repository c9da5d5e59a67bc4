"""The engine's writer of one json-file log: appends records, rotates, compresses, in the order of steps of the real one.

It owns the live file while it is open. Before each record the size is compared with the limit, so a file may exceed it by
one record; the size is a counter in memory, set from the file only at opening. The first file is opened for appending, those
made by rotation are not: what happens when somebody else truncates them is what happens with the engine.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Literal, Self

from logagent.demo.compress import compress_file
from logagent.demo.record import pieces, render
from logagent.model import Stream

Pace = Literal["at_once", "background", "steps"]

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC


class LogWriter:
    """Writes `<directory>/<id>-json.log` and its rotated files; opening one that exists goes on behind its end.

    `max_size` is in bytes (None: no rotation), `max_file` counts the live file. With `compress`, a rotated file is
    compressed `at_once`, in the `background` (as the engine does), or in `steps`: each call of `compress_step` does a part,
    and the next rotation does what is left, as the engine's next rotation waits for it. `attrs` stand in each record.
    `old_engine`: with max_file 1 the live file is renamed and left behind (20.10), not unlinked (23 and later).
    """

    def __init__(
        self,
        directory: str,
        container_id: str,
        *,
        max_size: int | None = None,
        max_file: int = 1,
        compress: bool = False,
        pace: Pace = "at_once",
        attrs: dict[str, str] | None = None,
        old_engine: bool = False,
    ) -> None:
        self.path = os.path.join(directory, f"{container_id}-json.log")
        self._max_size, self._max_file, self._attrs, self._old_engine = max_size, max_file, attrs, old_engine
        self._compress, self._pace = compress and max_file > 1, pace
        self._compression: Iterator[None] = iter(())
        self._thread: threading.Thread | None = None
        self._last_time = 0
        self._fd = os.open(self.path, _CREATE | os.O_APPEND, 0o640)
        self._size = os.lseek(self._fd, 0, os.SEEK_END)
        self.rotations = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, stream: Stream, data: bytes, time_ns: int) -> None:
        """Log what the container printed: lines, of which the last may lack its newline, as at the container's end.

        All records get `time_ns`; the engine gives equal times only to the pieces of one line, so give one line a call
        where that matters.
        """
        for piece in pieces(data):
            self.write_record(piece, stream, time_ns)

    def write_record(self, log: bytes, stream: Stream, time_ns: int) -> None:
        """Write one record, after a rotation if one is due. `log` is taken as it is: a line, or a piece of one."""
        if self._max_size is not None and self._size >= self._max_size:
            self.rotate()
        record = render(log, stream, time_ns, self._attrs)
        os.write(self._fd, record)
        self._size += len(record)
        self._last_time = time_ns

    def rotate(self) -> None:
        """Begin a new live file now; waits for the compression of the last one."""
        self._finish_compression()
        os.close(self._fd)
        if self._max_file > 1:
            self._shift()
        elif self._old_engine:
            os.rename(self.path, f"{self.path}.1")
        else:
            os.unlink(self.path)
        self._fd = os.open(self.path, _CREATE | os.O_TRUNC, 0o640)
        self._size = 0
        self.rotations += 1
        if self._compress:
            self._compression = compress_file(f"{self.path}.1", self._last_time)
            self._begin_compression()

    def compress_step(self) -> bool:
        """Do the next part of a compression that goes in steps; False when there is nothing left to do."""
        return next(self._compression, self) is not self

    def close(self) -> None:
        """Close the live file, as the engine does when the container stops."""
        self._finish_compression()
        os.close(self._fd)

    def _shift(self) -> None:
        suffix = ".gz" if self._compress else ""
        with suppress(FileNotFoundError):
            os.unlink(f"{self.path}.{self._max_file - 1}{suffix}")
        for number in range(self._max_file - 1, 1, -1):
            with suppress(FileNotFoundError):
                os.rename(f"{self.path}.{number - 1}{suffix}", f"{self.path}.{number}{suffix}")
        with suppress(FileNotFoundError):
            os.rename(self.path, f"{self.path}.1")

    def _begin_compression(self) -> None:
        if self._pace == "at_once":
            self._finish_compression()
        elif self._pace == "background":
            self._thread = threading.Thread(target=self._exhaust, name="demo-compress")
            self._thread.start()

    def _finish_compression(self) -> None:
        if self._thread:
            self._thread.join()
        self._thread = None
        self._exhaust()

    def _exhaust(self) -> None:
        while self.compress_step():
            pass
