"""Counting numbered lines: how often each was found, and where numbers are missing. Pure."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

LINE = re.compile(r"([\w-]+) (\d+) (x*)")
PIECE = re.compile(r"x+")
MANY = 255  # a count is one byte


@dataclass(slots=True)
class Tally:
    """The lines found of one container: `counts` by number; `wrong` are no line of it as it wrote them; `gap_events` tell of a gap.

    `pieces` are the ends of lines whose beginning a gap took; `disorder` counts numbers that came behind a higher one of their stream.
    """

    counts: bytearray = field(default_factory=bytearray)
    latest: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    pieces: int = 0
    disorder: int = 0
    gap_events: int = 0

    def add(self, number: int, stream: str) -> None:
        """Count a line."""
        if number >= len(self.counts):
            self.counts.extend(bytes(number + 1024))
        self.counts[number] = min(MANY, self.counts[number] + 1)
        self.disorder += number < self.latest.get(stream, 0)
        self.latest[stream] = number

    @property
    def found(self) -> int:
        """How many lines were found, each counted once."""
        return len(self.counts) - self.counts.count(0)

    @property
    def twice(self) -> int:
        """How many lines are there too often."""
        return sum(self.counts) - self.found

    def holes(self, numbers: Iterator[int]) -> list[int]:
        """How many lines are missing in each run of missing ones among `numbers`."""
        runs: list[int] = []
        before = False
        for number in numbers:
            gone = number >= len(self.counts) or not self.counts[number]
            if gone and before:
                runs[-1] += 1
            elif gone:
                runs.append(1)
            before = gone
        return runs

    def beyond(self, written: Callable[[int], bool]) -> int:
        """How many of the numbers found were never written."""
        return sum(1 for number, count in enumerate(self.counts) if count and not written(number))


def take(
    tallies: dict[str, Tally],
    container: str,
    message: str,
    stream: str,
    *,
    gap: bool,
    expected: Callable[[str, int], tuple[str, int]],
) -> None:
    """Count one document of `container`; `expected` gives the stream and the padding of its line with a number."""
    tally = tallies.setdefault(container, Tally())
    if gap:
        tally.gap_events += 1
        return
    line = LINE.fullmatch(message)
    if line and (line[1], stream, len(line[3])) == (container, *expected(container, int(line[2]))):
        tally.add(int(line[2]), stream)
    elif PIECE.fullmatch(message):
        tally.pieces += 1
    else:
        tally.wrong.append(f"{stream} {message[:60]!r} ({len(message)} characters)")
