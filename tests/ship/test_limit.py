"""The size of requests is learned from refusals and successes."""

import math

from hypothesis import given
from hypothesis import strategies as st

from logagent.ship.limit import Limit

MB = 1 << 20


def ship(limit: Limit, border: int, frames: int, size: int = 4 * MB) -> int:
    """Ship so many frames to a server that refuses what is above `border`, halving as a parcel does; returns the refusals."""
    refused = 0
    for _ in range(frames):
        todo = [size]
        while todo:
            part = todo.pop()
            if part > limit.bytes:
                todo += [part // 2, part - part // 2]
            elif part > border:
                limit.refused(part, alone=False)
                todo.append(part)
                refused += 1
            else:
                limit.passed(part)
    return refused


def test_nothing_is_known_at_first() -> None:
    """Without a refusal every size goes."""
    limit = Limit()
    assert 0 == ship(limit, 100 * MB, 100)
    assert math.inf == limit.bytes


def test_refusals_are_few() -> None:
    """A border is met once for each halving, and hardly again: less than one request in a hundred."""
    limit = Limit()
    assert 2 == ship(limit, MB, 1)
    assert limit.bytes <= MB * 1.01
    assert ship(limit, MB, 1000) <= 10


def test_grows_again() -> None:
    """When the border was raised the size comes back, slowly."""
    limit = Limit()
    ship(limit, MB, 1)
    assert limit.bytes < 1.1 * MB
    ship(limit, 100 * MB, 2000)
    assert limit.bytes >= 4 * MB


def test_odd_document_changes_nothing() -> None:
    """A single document that is refused although larger requests pass says nothing about the size of requests."""
    limit = Limit()
    limit.passed(4 * MB)
    limit.refused(100_000, alone=True)
    assert math.inf == limit.bytes
    limit.refused(5 * MB, alone=True)
    assert 3 * MB < limit.bytes < 5 * MB


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 10**8), st.booleans()), max_size=60))
def test_always_something(course: list[tuple[bool, int, bool]]) -> None:
    """Whatever is refused, the limit stays above nothing, and is below what was refused just now, unless larger ones pass."""
    limit = Limit()
    for passed, size, alone in course:
        if passed:
            limit.passed(size)
            continue
        before = limit.bytes
        limit.refused(size, alone=alone)
        assert 0 < limit.bytes <= before
        assert alone or limit.bytes < size
