r"""Whole lines from one file after the other: where the next block begins, and whether the file is still the one that was read.

A program that truncates the live file may be so fast, or the log so busy, that the file is longer again at the next look. So the
last bytes that were read (they hold a record's time) must still stand before the place that is read on at. NUL bytes are never written by
dockerd: they are the hole that a truncation leaves under a writer that does not append, or a power cut; they are passed over, and counted.
"""

from logagent.collect.tail import Tail

SEAM = 64  # bytes before the offset that are compared: the end of a record, with its time
HOLE = 4096  # NUL bytes after which a line without end is taken as torn


class Reader:
    """How far a file is read: `offset`, and `rest`, the bytes behind it that are no whole line yet. `holes` were passed over. `at_start` tells that nothing of it was read."""

    def __init__(self, block_size: int, longest_line: int) -> None:
        self._block_size, self._longest_line = block_size, longest_line
        self._seam, self._next_seam = b"", b""
        self.offset = self.rest = self.holes = 0
        self.at_start = True
        self._seam_end = 0

    def begin(self, offset: int = 0) -> None:
        """Begin another file, or this one anew, at `offset`."""
        self.offset, self.rest, self._seam = offset, 0, b""
        self.at_start = offset == 0

    def remember(self, tail: Tail) -> None:
        """Take what stands before the offset as what was read last. Raises OSError."""
        if not tail.compressed:
            size = min(SEAM, self.offset)
            self._seam, self._seam_end = tail.read(self.offset - size, size), self.offset

    def block(self, tail: Tail) -> tuple[bytes, int]:
        """The next whole lines, and their size in the file; (nothing, 0) when there are none yet. A line without end is cut. Raises OSError."""
        size = self._block_size
        while True:
            data = tail.read(self.offset, size)
            if data[:1] == b"\0" and not self._passed_hole(tail):
                return b"", 0
            if data[:1] == b"\0":
                continue
            end = data.rfind(b"\n") + 1
            if end or len(data) < size:
                return self._lines(data, end)
            torn = data.rstrip(b"\0")
            if len(torn) <= len(data) - HOLE:
                return self._torn(tail, torn)
            if size >= self._longest_line:
                self._next_seam = data[-SEAM:]
                return data + b"\n", len(data)
            size = min(2 * size, self._longest_line)

    def intact(self, tail: Tail) -> bool:
        """Tell whether what was read last still stands there; a hole punched up to there changes nothing. Raises OSError."""
        if not self._seam or tail.compressed:
            return True
        found = tail.read(self._seam_end - len(self._seam), len(self._seam))
        known = found.lstrip(b"\0")
        return found == self._seam or (known != b"" and self._seam.endswith(known))

    def advance(self, size: int) -> None:
        """Say that the block was taken: the next one begins `size` bytes further on."""
        self.offset += size
        self._seam, self._seam_end, self.at_start = self._next_seam, self.offset, False

    def remainder(self, tail: Tail) -> bytes:
        """What is left at the end of a file without a newline, without NUL bytes around it, and passed over. Raises OSError."""
        rest, self.rest = min(self.rest, self._longest_line), 0
        found = tail.read(self.offset, rest).rstrip(b"\0") if rest else b""
        return found if found.strip(b"\0 \t\r\n") else b""

    def _lines(self, data: bytes, end: int) -> tuple[bytes, int]:
        self.rest, self._next_seam = len(data) - end, data[max(0, end - SEAM) : end]
        return data[:end], end

    def _passed_hole(self, tail: Tail) -> bool:
        """Go on behind the NUL bytes at the offset; False when nothing stands behind them yet."""
        begin = tail.data_after(self.offset)
        if not tail.read(begin, 1):
            self.rest = begin - self.offset
            return False
        self.holes += 1
        self.offset, self.rest = begin, 0
        return True

    def _torn(self, tail: Tail, torn: bytes) -> tuple[bytes, int]:
        """Take `torn`, which a hole follows, as a line; nothing while the hole is the file's end."""
        begin = tail.data_after(self.offset + len(torn))
        if not tail.read(begin, 1):
            self.rest = begin - self.offset
            return b"", 0
        self._next_seam = torn[-SEAM:]
        return torn + b"\n", len(torn)
