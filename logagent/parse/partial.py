r"""The careful way, second half: Docker cuts long lines into pieces of 16 KiB; here they become one line again.

A piece has no newline at its end, and all pieces of a line carry the time of the first (moby copier.go). So pieces are joined
per stream while the time stays the same: never across streams, never across times, since the last line of a container that
ended without a newline looks like a piece as well. What is unfinished is bounded in bytes and in time.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from logagent.model import Generation, Position, Stream
from logagent.parse.record import Record, split_ending


@dataclass(slots=True)
class Line:
    """A line that is being joined from its pieces, or is whole: where it began, its escaped text in pieces, its ending."""

    first: Record
    at: Position
    since: float
    pieces: list[bytes] = field(default_factory=list)
    size: int = 0
    ending: bytes = b""
    truncated: bool = False

    def take(self, record: Record, limit: int) -> None:
        """Add a piece; beyond `limit` bytes of escaped text the rest is cut off."""
        self.ending = record.ending
        if self.truncated:
            return
        text = cut(record.text, limit - self.size)
        self.truncated = len(text) < len(record.text)
        self.pieces.append(text)
        self.size += len(text)

    def whole(self) -> tuple[bytes, bytes]:
        r"""Give the escaped text and its ending; the two halves of a `\r\n` may have come in two pieces."""
        text = b"".join(self.pieces)
        return split_ending(text + self.ending) if self.ending == b"\\n" and not self.truncated else (text, self.ending)


class Joiner:
    """Unfinished lines of one source, at most one per stream; `limit` is in bytes of escaped text."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: dict[Stream, Line] = {}

    def add(self, record: Record, generation: Generation, now: float) -> Iterator[Line]:
        """Take the next record in; gives the lines that are finished by it."""
        line = self._open.get(record.stream)
        if line is not None and line.first.time != record.time:
            yield self._open.pop(record.stream)
            line = None
        if line is None:
            line = self._open[record.stream] = Line(record, Position(generation, record.offset), now)
        line.take(record, self._limit)
        if record.ending:
            yield self._open.pop(record.stream)

    def expire(self, before: float) -> list[Line]:
        """Give up waiting for the rest of lines begun at or before `before`: each becomes a line without a newline."""
        old: list[Stream] = [s for s, line in self._open.items() if line.since <= before]
        return sorted((self._open.pop(s) for s in old), key=lambda line: line.first.ns)

    @property
    def pending(self) -> dict[Stream, Position]:
        """Where each unfinished line began, the oldest first."""
        return {s: line.at for s, line in self._open.items()}


def cut(text: bytes, size: int) -> bytes:
    """Cut escaped text to at most `size` bytes, inside no escape and no character."""
    if len(text) <= size:
        return text
    head = text[: max(0, size)]
    escape = head.rfind(b"\\u", max(0, size - 5))
    if escape >= 0 and (size - escape) < 6 and (escape - len(head[:escape].rstrip(b"\\"))) % 2 == 0:
        head = head[:escape]
    backslashes = len(head) - len(head.rstrip(b"\\"))
    head = head[:-1] if backslashes % 2 else head
    return head.decode("utf-8", "ignore").encode()
