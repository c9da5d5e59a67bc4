"""Which segments may go: a pure decision over what the catalog says.

A segment whose frames every output is done with goes first, oldest first; without outputs, the oldest. Undelivered frames are
kept, unless the operator chose `drop_oldest`. The segment being written is the newest, so it goes last; its writer begins another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from logagent.store.records import Segment

WhenFull = Literal["block", "drop_oldest"]


@dataclass(frozen=True, slots=True)
class Budget:
    """What the store may take: bytes, an age in seconds (None: any), and what to do when full of undelivered frames."""

    max_size: int
    max_age: float | None = None
    min_free: int = 0
    when_full: WhenFull = "block"


@dataclass(frozen=True, slots=True)
class Room:
    """The decision: segments to remove, each with its reason, and whether the frame that waits then fits."""

    remove: tuple[tuple[int, str], ...]
    fits: bool


def make_room(
    segments: Sequence[Segment], cursor: int | None, budget: Budget, *, used: int, free: int, need: int, now: float
) -> Room:
    """Decide what goes so that `need` more bytes fit.

    `cursor` is the lowest of all outputs' (None without outputs), `used` the store's bytes, `free` the file system's.
    """
    remove: list[tuple[int, str]] = []
    for segment in segments:
        reason = _reason(segment, cursor, budget, over=not fits(budget, used=used, free=free, need=need), now=now)
        if reason is None:
            break  # a hole in the row would put the order of the archive in doubt: what is behind waits for its turn
        remove.append((segment.id, reason))
        used, free = used - segment.bytes, free + segment.bytes
    return Room(tuple(remove), fits(budget, used=used, free=free, need=need))


def fits(budget: Budget, *, used: int, free: int, need: int) -> bool:
    """Tell whether `need` more bytes have room."""
    return used + need <= budget.max_size and (budget.min_free == 0 or free - need >= budget.min_free)


def _reason(segment: Segment, cursor: int | None, budget: Budget, *, over: bool, now: float) -> str | None:
    done = cursor is None or segment.last_seq <= cursor
    if done and budget.max_age is not None and segment.created < now - budget.max_age:
        return "older than max_age"
    if done and over:
        return "the store is full"
    return "the store is full of undelivered frames" if over and budget.when_full == "drop_oldest" else None
