"""How far a container's log was read, told by the ids of its documents in the order in which they were stored: pure.

An id is container, generation and the offset of the line's first record. A stream's lines are stored in their order, so its newest
document tells its place. Over both streams only lines of one record are in the order of the file: a long line is stored with its
last piece under the place of its first one, and a line that was given up late. So these move the newest place within their
generation, or to one that was not passed before. The times in generations' names may lie, and only decide where nothing else does.
"""

import re

from logagent.model import REBUILT, Generation, Position, Progress, Stream
from logagent.store.lines import Line

PLACE = re.compile(rb"([0-9a-f]{16}(?:[0-9a-f]{8}(?:[0-9a-f]{4})?)?)-([0-9a-f]{1,15})")
DAMAGED = b',"error":{"message":"'
LONGEST_REASON = 200  # bytes behind which no document's own error stands
PIECE = 16 << 10  # characters of a record that may be a piece of a long line
LATE = {"partial", "truncated"}
PASSED = 64  # generations that a long line may reach back over

Place = tuple[bytes, int]


class Places:
    """The newest places of one container: by stream, and over both with the damaged documents."""

    def __init__(self) -> None:
        self._streams: dict[Stream, Place] = {}
        self._read: Place | None = None
        self._passed: list[bytes] = []

    def add(self, rest: bytes, line: Line) -> None:
        """Take the next document: its id behind the container, and its line. One that stands for no record counts for nothing."""
        match = PLACE.fullmatch(rest)
        if match is None:
            return
        place = (match[1], int(match[2], 16) + 1)
        if line.document.rfind(DAMAGED, -LONGEST_REASON) < 0:
            self._streams["stderr" if line.stderr else "stdout"] = place
        self._reach(place, late=len(line.message) >= PIECE or not LATE.isdisjoint(line.flags))

    @property
    def progress(self) -> Progress | None:
        """All records up to and with the newest of its stream are stored; None when nothing tells of any record.

        A stream that has no document may have begun a long line in the oldest generation that is known, and nothing of it is stored.
        """
        if self._read is None:
            return None
        oldest = next(iter(self._passed), self._read[0])
        known: dict[Stream, Place] = {s: self._streams.get(s, (oldest, 0)) for s in ("stdout", "stderr")}
        order = sorted(known, key=lambda stream: self._age(known[stream]))
        return Progress(_position(self._read), {s: _position(known[s]) for s in order}, REBUILT)

    def _reach(self, place: Place, *, late: bool) -> None:
        read = self._read
        if read is None or (place[0] != read[0] and not (late and self._older(place[0], read[0]))):
            self._passed = [*self._passed, read[0]][-PASSED:] if read else []
            self._read = place
        elif place[0] == read[0]:
            self._read = max(read, place)

    def _older(self, generation: bytes, than: bytes) -> bool:
        return generation in self._passed or _time(generation) < _time(than)

    def _age(self, place: Place) -> tuple[int, int]:
        row = [*self._passed, self._read[0] if self._read else b""]
        return max((i for i, generation in enumerate(row) if generation == place[0]), default=-1), place[1]


def _time(generation: bytes) -> int:
    return int(generation[:16], 16)


def _position(place: Place) -> Position:
    return Position(Generation.parse(place[0].decode()), place[1])
