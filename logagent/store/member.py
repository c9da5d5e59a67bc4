"""Gzip members of a segment file, found without a catalog: one at a time, each proven whole by its checksum before it is given.

A damaged member costs itself only: the next one is looked for by how a member begins, and counts when it is whole. Nothing in a
frame's text can pose as one: a member begins with bytes that are no UTF-8, and frames hold nothing else.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from isal import isal_zlib

GZIP = 31  # zlib's name for the gzip format with the largest window
BEGIN = b"\x1f\x8b\x08\x00"  # as our compressor begins members: deflate, no flags
CHUNK = 32 << 10  # bytes inflated at once, which bounds what a hostile file can make of them
LARGEST = 1 << 30  # bytes of text: well above the largest frame that the settings allow


class Broken(Exception):  # noqa: N818 - it is what the member is
    """The bytes are no whole gzip member; `torn` when only the rest of one is missing."""

    def __init__(self, why: str, *, torn: bool = False) -> None:
        super().__init__(why)
        self.torn = torn


@dataclass(frozen=True, slots=True)
class Member:
    """A whole gzip member of `length` bytes at `offset`, and its text."""

    offset: int
    length: int
    text: bytes


@dataclass(frozen=True, slots=True)
class Hole:
    """Bytes that are no whole member, and why; `torn` when the file ends inside of one, as a crash leaves it."""

    offset: int
    length: int
    why: str
    torn: bool = False


def members(path: Path, start: int = 0, end: int | None = None) -> Iterator[Member | Hole]:
    """Walk the segment at `path` from `start` to `end` (its length); holes and members follow each other without a gap. Raises OSError."""
    with path.open("rb") as file:
        end = file.seek(0, 2) if end is None else end
        hole = None
        while start < end:
            try:
                text, length = inflate(_chunks(file, start, end))
            except Broken as broken:
                begin = _next(file, start + 1, end)
                hole = _widened(hole, start, begin, broken)
                start = begin
                continue
            if hole is not None:
                yield hole
                hole = None
            yield Member(start, length, text)
            start += length
        if hole is not None:
            yield hole


def inflate(chunks: Iterable[bytes]) -> tuple[bytes, int]:
    """Inflate one gzip member; returns its text and how many bytes of `chunks` it took. Raises Broken."""
    stream, pieces, size, used = isal_zlib.decompressobj(GZIP), [], 0, 0
    for chunk in chunks:
        try:
            pieces.append(stream.decompress(chunk))
        except isal_zlib.error as error:  # type: ignore[misc]  # isal's stubs call the exception class an instance
            raise Broken(f"its gzip member is damaged: {error}") from error
        used += len(chunk)
        size += len(pieces[-1])
        if size > LARGEST:
            raise Broken(f"it inflates to more than {LARGEST} bytes")
        if stream.eof:
            return b"".join(pieces), used - len(stream.unused_data)
    raise Broken("its gzip member has no end", torn=True)


def slices(data: bytes) -> Iterator[bytes]:
    """Give `data` in pieces that are inflated at once."""
    return (data[at : at + CHUNK] for at in range(0, len(data), CHUNK))


def _chunks(file: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    while start < end:
        file.seek(start)
        chunk = file.read(min(CHUNK, end - start))
        if not chunk:
            return
        start += len(chunk)
        yield chunk


def _next(file: BinaryIO, start: int, end: int) -> int:
    """Where the next member may begin, at or behind `start`; `end` when nowhere."""
    before = b""
    for chunk in _chunks(file, start, end):
        place = (before + chunk).find(BEGIN)
        if place >= 0:
            return start - len(before) + place
        start += len(chunk)
        before = (before + chunk)[-len(BEGIN) + 1 :]
    return end


def _widened(hole: Hole | None, start: int, end: int, broken: Broken) -> Hole:
    """Widen `hole`, or begin it; what is said of it is what was wrong where it begins."""
    if hole is None:
        return Hole(start, end - start, str(broken), broken.torn)
    return Hole(hole.offset, end - hole.offset, hole.why)
