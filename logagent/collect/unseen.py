"""Whether files came and went unseen behind one that is held: told by times and by how full the set is.

Where it cannot be told, a gap is counted: one too many says more than one too few.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from logagent.collect.tail import Tail
from logagent.engine.options import max_file, max_size, shifts_compressed
from logagent.model import Gap

CLOCK_TICK = 10_000_000  # ns: the kernel stamps a change of a file up to one tick late or early
FASTEST = 100  # bytes in a µs: nobody writes a log faster, so that a file of a size takes a time


@dataclass(frozen=True, slots=True)
class Limits:
    """When dockerd rotates: `size` in bytes (None: never), and how many files there are at most; `compresses` those that are full."""

    size: int | None
    files: int
    compresses: bool | None

    @classmethod
    def of(cls, options: Mapping[str, str]) -> Self:
        """Read the options of a container."""
        return cls(max_size(options), max_file(options), shifts_compressed(options))


def lost_between(held: Tail, newer: Sequence[Tail], limits: Limits) -> list[Gap]:
    """Tell whether files came and went between `held`, which is not in the set any more, and `newer`.

    dockerd deletes a file in the moment in which it begins the next one, so a live file that was begun later than the
    deletion tells of another rotation, and that deleted a file more (moby logfile.go: rotate). Where several files are
    kept and nothing tells how long it takes to fill one, nothing can be told from the times.
    """
    gone = held.unlinked()
    if not newer:
        return []
    if gone is None:
        return lost_if_full(newer, limits)
    if limits.size is None and limits.files > 1:
        return [Gap("rotated")]
    newer[-1].follows = gone
    return lost_before(newer[-1], limits)


def lost_before(tail: Tail, limits: Limits) -> list[Gap]:
    """Tell whether files came and went before `tail`, once it has a record: the kernel's time of an empty file is too coarse."""
    if tail.generation is None or not tail.follows:
        return []
    gone, tail.follows = tail.follows, 0
    return [Gap("rotated", limits.size or 0)] if begun_late(tail, gone, limits.size) else []


def lost_if_full(newer: Sequence[Tail], limits: Limits) -> list[Gap]:
    """Behind a file that was renamed by hand `newer` are in the set: only when that is full may one have been deleted from it."""
    return [Gap("rotated")] if limits.size is not None and len(newer) >= limits.files else []


def ended_full(tails: Sequence[Tail], limits: Limits) -> bool:
    """Tell whether the newest held file was full: then it was followed by another one, which went with the whole directory."""
    return bool(tails) and limits.size is not None and tails[-1].grown() >= limits.size


def begun_late(live: Tail, gone: int, max_size: int | None) -> bool:
    """Tell whether `live` was begun later than in the moment `gone` (ns) in which another file was deleted: by a rotation of its own."""
    begun = live.generation.time if live.generation and live.generation.time else live.modified
    late = CLOCK_TICK if max_size is None else min(CLOCK_TICK, max_size * 1000 // FASTEST)
    return begun > gone + late
