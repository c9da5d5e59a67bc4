"""Which segments go: tables of what there is, what is wanted, and the decision with its reasons."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.store.records import Segment
from logagent.store.retention import Budget, Room, fits, make_room

FULL, OLD, LOST = "the store is full", "older than max_age", "the store is full of undelivered frames"
DAY = 86400.0


@dataclass
class Case:
    """Segments of 100 bytes with frames 10, 20, 30 …, written on days 1, 2, 3 …; it is day 10."""

    what: str
    expected: tuple[tuple[int, str], ...]
    room: bool
    cursor: int | None = None
    count: int = 3
    need: int = 0
    used: int = 300
    free: int = 1000
    budget: Budget = field(default_factory=lambda: Budget(1000))


CASES = [
    Case("there is room", (), room=True, need=700),
    Case("no segments, and too little room", (), room=False, count=0, used=0, need=1001),
    Case("no outputs: the oldest goes", ((1, FULL),), room=True, need=800),
    Case("no outputs: as many as it takes", ((1, FULL), (2, FULL)), room=True, need=900),
    Case("no outputs: the one being written goes last", ((1, FULL), (2, FULL), (3, FULL)), room=True, need=1000),
    Case("too large for the whole budget", ((1, FULL), (2, FULL), (3, FULL)), room=False, need=1001),
    Case("delivered goes", ((1, FULL),), room=True, need=800, cursor=10),
    Case("delivered goes, undelivered stays", ((1, FULL),), room=False, need=900, cursor=10),
    Case("half delivered stays", (), room=False, need=800, cursor=9),
    Case(
        "half delivered goes with drop_oldest",
        ((1, LOST),),
        room=True,
        need=800,
        cursor=9,
        budget=Budget(1000, when_full="drop_oldest"),
    ),
    Case(
        "with drop_oldest no more than it takes",
        ((1, FULL), (2, LOST)),
        room=True,
        need=900,
        cursor=10,
        budget=Budget(1000, when_full="drop_oldest"),
    ),
    Case("too old goes, also with room", ((1, OLD), (2, OLD)), room=True, budget=Budget(1000, max_age=7.5 * DAY)),
    Case("too old but undelivered stays", ((1, OLD),), room=True, cursor=10, budget=Budget(1000, max_age=7.5 * DAY)),
    Case(
        "too old and undelivered stays with drop_oldest too, while there is room",
        ((1, OLD),),
        room=True,
        cursor=10,
        budget=Budget(1000, max_age=7.5 * DAY, when_full="drop_oldest"),
    ),
    Case(
        "all too old: the one being written too",
        ((1, OLD), (2, OLD), (3, OLD)),
        room=True,
        budget=Budget(1000, max_age=DAY),
    ),
    Case("age comes before size", ((1, OLD), (2, FULL)), room=True, need=900, budget=Budget(1000, max_age=8.5 * DAY)),
    Case("little space on the disk", ((1, FULL),), room=True, need=50, free=200, budget=Budget(1000, min_free=200)),
    Case(
        "too little space on the disk",
        ((1, FULL), (2, FULL), (3, FULL)),
        room=False,
        need=50,
        free=0,
        budget=Budget(1000, min_free=400),
    ),
    Case("min_free 0 looks at no disk", (), room=True, need=50, free=0),
]


def segments(count: int) -> list[Segment]:
    """Segments as the table's docstring tells."""
    return [Segment(n, 100, n < count, 50, n * 10, n * DAY) for n in range(1, count + 1)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_table(case):
    """The decision names each segment that goes, oldest first, with its reason, and whether there is room then."""
    got = make_room(
        segments(case.count),
        case.cursor,
        case.budget,
        used=case.used,
        free=case.free,
        need=case.need,
        now=10 * DAY,
    )
    assert Room(case.expected, case.room) == got


def test_no_hole_in_the_row():
    """A segment that is older by a clock that was set back waits until those before it have gone."""
    row = [replace(segment, created=day * DAY) for segment, day in zip(segments(2), (9, 1), strict=True)]
    got = make_room(row, None, Budget(1000, max_age=DAY), used=200, free=1000, need=0, now=9.5 * DAY)
    assert Room((), fits=True) == got


@given(
    count=st.integers(0, 8),
    cursor=st.none() | st.integers(0, 90),
    need=st.integers(0, 1200),
    max_age=st.none() | st.floats(0, 10 * DAY),
    min_free=st.integers(0, 500),
    free=st.integers(0, 1000),
)
def test_block_keeps_what_is_undelivered(*, count, cursor, need, max_age, min_free, free):
    """With `block` only the oldest in a row go, none that an output still needs, and none in vain once there is room."""
    budget = Budget(1000, max_age, min_free)
    used = count * 100
    room = make_room(segments(count), cursor, budget, used=used, free=free, need=need, now=10 * DAY)
    numbers = [n for n, _ in room.remove]
    assert list(range(1, len(numbers) + 1)) == numbers
    assert all(cursor is None or n * 10 <= cursor for n in numbers)
    gone = len(numbers) * 100
    assert room.fits == fits(budget, used=used - gone, free=free + gone, need=need)
    if room.remove and room.remove[-1][1] == FULL:
        assert not fits(budget, used=used - gone + 100, free=free + gone - 100, need=need)
