"""What a soak came to: a row for each container, and everything that is wrong. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from logagent.store.records import Output
from tests.real.soak.kinds import Spec
from tests.real.soak.tally import Tally

STREAMS = ("stdout", "stderr")


@dataclass(frozen=True, slots=True)
class Written:
    """What a container wrote: by stream, all numbers of the stream up to the last one."""

    spec: Spec
    last: Mapping[str, int]

    def numbers(self, stream: str) -> Iterator[int]:
        """The numbers written to `stream`, rising."""
        return (n for n in range(1, self.last.get(stream, 0) + 1) if self.spec.stream(n) == stream)

    def has(self, number: int) -> bool:
        """Whether the line with this number was written."""
        return 0 < number <= self.last.get(self.spec.stream(number), 0)

    @property
    def lines(self) -> int:
        """How many lines."""
        return sum(sum(1 for _ in self.numbers(stream)) for stream in STREAMS)


@dataclass(frozen=True, slots=True)
class Row:
    """The count of one container: `lost` are missing though no gap tells of them, `gap_lines` missing where gaps were counted."""

    name: str
    kind: str
    written: int
    stored: int
    indexed: int
    lost: int
    twice: int
    gaps: int
    gap_lines: int


def judge(name: str, written: Written, gaps: int, stored: Tally, indexed: Tally) -> tuple[Row, list[str]]:
    """The row of a container, and what is wrong with it.

    In one stream the file has the numbers in order, so that each gap makes at most one hole; between the streams they overtake.
    """
    holes = {stream: stored.holes(written.numbers(stream)) for stream in STREAMS}
    missing = sum(map(sum, holes.values()))
    unexplained = any(len(runs) > gaps for runs in holes.values())
    unshipped = sum(1 for number, count in enumerate(stored.counts) if count and not _has(indexed, number))
    lost = unshipped + (missing if unexplained else 0)
    twice = max(stored.twice, indexed.twice)
    row = Row(
        name,
        written.spec.kind.name,
        written.lines,
        stored.found,
        indexed.found,
        lost,
        twice,
        gaps,
        0 if unexplained else missing,
    )
    wrongs = {
        "lines lost": lost,
        "lines twice": twice,
        "lines that it never wrote": stored.beyond(written.has) + indexed.beyond(written.has),
        "lines out of order in the store": stored.disorder,
        "pieces of lines, though no gap was counted": 0 if gaps else stored.pieces,
        "gap events more or less than gaps": abs(stored.gap_events - gaps) + abs(indexed.gap_events - gaps),
    }
    runs = {stream: len(found) for stream, found in holes.items() if found}
    faults = [f"{name}: {number} {what} (holes {runs}, {gaps} gaps)" for what, number in wrongs.items() if number]
    return row, faults + [f"{name}: not as it was written: {line}" for line in (*stored.wrong, *indexed.wrong)[:3]]


def accounts(totals: Mapping[tuple[str, str], int], outputs: list[Output]) -> list[str]:
    """What does not add up in the agent's own accounts."""
    read, stored, filtered, dropped = (
        sum(n for (key, _), n in totals.items() if key == name) for name in ("read", "stored", "filtered", "dropped")
    )
    faults = [] if read == stored + filtered + dropped else [f"read {read} != {stored} + {filtered} + {dropped}"]
    for o in outputs:
        if stored - o.origin != o.delivered + o.dead + o.dropped + o.waiting:
            faults.append(f"stored {stored} - {o.origin} != {o.delivered} + {o.dead} + {o.dropped} + {o.waiting}")
        if o.dead or o.dropped or o.waiting:
            faults.append(f"output {o.name}: {o.dead} dead, {o.dropped} dropped, {o.waiting} waiting")
    return faults


def _has(tally: Tally, number: int) -> bool:
    return number < len(tally.counts) and bool(tally.counts[number])
