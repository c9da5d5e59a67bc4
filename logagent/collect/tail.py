"""One open file of a log set, plain or compressed, read by decompressed offset.

The descriptor is kept until the file is read to its end, so that renaming, compressing or deleting it takes nothing from us.
"""

import errno
import os
import zlib
from contextlib import suppress
from typing import Self

from isal import igzip
from isal.isal_zlib import IsalError

from logagent.model import Gap, Generation
from logagent.parse.record import Record, read_line

STEP = 4096  # packed bytes that are lost with a damaged place, at most
FIRST = 128 << 10  # bytes that hold any first record that dockerd writes


class Tail:
    """The file at `path`, opened for reading. `generation` is None until its first line is whole. Raises OSError.

    `missing` has the gaps that lie before it, `modified` is when it was written as of the last look (ns). `follows` is the moment (ns) in
    which the file held before was deleted, while it is not told yet whether others came between.
    """

    def __init__(self, path: str, *, compressed: bool) -> None:
        self.path = path
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        status = os.fstat(self._fd)
        self.inode, self.size = status.st_ino, status.st_size
        self._raw = os.fdopen(os.dup(self._fd), "rb") if compressed else None
        self._gzip = igzip.IGzipFile(fileobj=self._raw) if compressed else None  # type: ignore[no-untyped-call]  # isal has no types here
        self.modified = status.st_mtime_ns
        self.generation: Generation | None = None
        self.missing: list[Gap] = []
        self.follows = 0
        self.damage = ""

    @property
    def compressed(self) -> bool:
        """Whether the file is a `.gz`: `size` then counts compressed bytes."""
        return self._gzip is not None

    def read(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes at decompressed `offset`; fewer at the end, or where a `.gz` is damaged, as `damage` then tells. Raises OSError."""
        if self._gzip is None:
            return os.pread(self._fd, size, offset)
        try:
            self._gzip.seek(offset)  # type: ignore[no-untyped-call]  # isal has no types here
            return self._gzip.read(size)
        except (EOFError, zlib.error, igzip.BadGzipFile, IsalError) as error:  # type: ignore[misc]  # isal's stubs take its error class for an instance
            self.damage = f"{self.path} is damaged: {error}"
            return self._before_damage(offset, size)

    def _before_damage(self, offset: int, size: int) -> bytes:
        """What can be unpacked of `size` bytes at `offset`, though a damaged place follows."""
        unpacker, at, found = zlib.decompressobj(31), 0, bytearray()
        with suppress(zlib.error):
            while len(found) < offset + size and (packed := os.pread(self._fd, STEP, at)):
                found += unpacker.decompress(packed)
                at += len(packed)
        return bytes(found[offset : offset + size])

    def data_after(self, offset: int) -> int:
        """Where the first byte that is not NUL lies, at or behind decompressed `offset`; the end when there is none. Holes cost nothing."""
        while True:
            offset = self._behind_hole(offset)
            data = self.read(offset, FIRST)
            if len(rest := data.lstrip(b"\0")) or not data:
                return offset + len(data) - len(rest)
            offset += len(data)

    def _behind_hole(self, offset: int) -> int:
        if self._gzip is not None:
            return offset
        try:
            return os.lseek(self._fd, offset, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:  # nothing but a hole follows, or the end
                raise
            return max(offset, os.fstat(self._fd).st_size)

    def plain_size(self) -> int:
        """Size when decompressed, as of the last look: a gzip file ends with it, modulo 4 GiB (RFC 1952)."""
        if self._gzip is None:
            return self.size
        return int.from_bytes(os.pread(self._fd, 4, max(0, self.size - 4)), "little")

    def grown(self) -> int:
        """The file's size now."""
        self.size = self.status().st_size
        return self.size

    def end_of_lines(self) -> int:
        """Where the last whole line ends, as the file is now."""
        size = self.grown()
        start = max(0, size - (256 << 10))
        return start + self.read(start, size - start).rfind(b"\n") + 1

    def unlinked(self) -> int | None:
        """When the file lost its last name (ns, by the kernel's clock); None while it has one, here or elsewhere."""
        status = self.status()
        return None if status.st_nlink else status.st_ctime_ns

    def status(self) -> os.stat_result:
        """The file's status now, whatever its name is."""
        return os.fstat(self._fd)

    def identify(self) -> Self:
        """Find out the generation by the first line, when that is whole."""
        if self.generation is None:
            self.generation = self._first()
        return self

    def begins_as_named(self) -> bool:
        """Tell whether it still begins with what it was named after. Raises OSError."""
        return self.compressed or same_begin(self.generation, self._first())

    def _first(self) -> Generation | None:
        head = self.read(0, FIRST)
        return generation(self.read(self.data_after(0), FIRST) if head[:1] == b"\0" else head)

    def begun(self) -> int:
        """When it was begun (ns), as its first record tells that can be read; 0 when none near its start can."""
        if self.generation is None or self.generation.time:
            return self.generation.time if self.generation else 0
        records = (r for line in self.read(0, FIRST).splitlines() for r in read_line(line.lstrip(b"\0"), 0) or ())
        return next((r.ns for r in records if isinstance(r, Record) and r.ns > 0), 0)

    def close(self) -> None:
        """Close the file."""
        if self._gzip is not None and self._raw is not None:
            self._gzip.close()
            self._raw.close()
        os.close(self._fd)


def generation(head: bytes) -> Generation | None:
    """Name the content that begins with `head`; None while its first line is not whole.

    The name is the first record's time; a checksum joins it when that record is a piece of a long line or cannot be read.
    """
    line, newline, _ = head[:FIRST].partition(b"\n")
    if not newline and len(head) < FIRST:
        return None
    found = read_line(line, 0)
    first = found[-1] if found else None
    if isinstance(first, Record):
        return Generation(max(0, first.ns), 0 if first.ending else zlib.crc32(first.text))
    return Generation(0, zlib.crc32(line) or 1)


def same_begin(known: Generation | None, found: Generation | None) -> bool:
    """Tell whether nothing says that a file which was named `known` begins with something else now."""
    return known is None or found is None or known.begins_like(found)
