"""The size of requests is learned from refusals and successes."""

import math

from hypothesis import given
from hypothesis import strategies as st

from logagent.ship.limit import STRIKES, Limit

MB = 1 << 20


def ship(limit: Limit, border: int, frames: int, size: int = 4 * MB) -> tuple[int, int]:
    """Ship so many frames to a server that refuses what is above `border`, halving as a parcel does; counts requests and refusals."""
    sent = refused = 0
    for _ in range(frames):
        todo = [size]
        while todo:
            part = todo.pop()
            if part > limit.bytes:
                todo += [part // 2, part - part // 2]
                continue
            sent += 1
            if part > border:
                limit.refused(part, alone=False)
                todo += [part // 2, part - part // 2]
                refused += 1
            else:
                limit.passed(part)
    return sent, refused


def test_nothing_is_known_at_first() -> None:
    """Without a refusal every size goes."""
    limit = Limit()
    assert (100, 0) == ship(limit, 100 * MB, 100)
    assert math.inf == limit.bytes


def test_refusals_are_few() -> None:
    """A border is met once for each halving, and then hardly again: less than one request in a hundred."""
    limit = Limit()
    assert (6, 2) == ship(limit, MB, 1)
    sent, refused = ship(limit, MB, 1000)
    assert 4000 <= sent - refused <= 4100
    assert 1 <= refused <= 40


def test_grows_again() -> None:
    """When the border was raised the size comes back by itself."""
    limit = Limit()
    ship(limit, MB // 50, 5)
    assert MB / 100 < limit.bytes <= 2 * MB / 50
    ship(limit, 100 * MB, 20)
    assert limit.bytes >= 4 * MB


def test_falls_when_the_border_falls() -> None:
    """A border that was lowered is learned after a few refusals."""
    limit = Limit()
    ship(limit, 4 * MB, 20)
    _, refused = ship(limit, MB, 50)
    assert refused <= 3 * STRIKES + 5


def test_odd_document_changes_nothing() -> None:
    """A single document that is refused although larger requests pass says nothing about the size of requests."""
    limit = Limit()
    limit.passed(4 * MB)
    for _ in range(10):
        limit.refused(100_000, alone=True)
    assert math.inf == limit.bytes
    limit.refused(5 * MB, alone=True)
    assert 2 * MB < limit.bytes < 5 * MB


def test_refusal_by_chance_changes_nothing() -> None:
    """A refusal of a size that passes, as by one node of many, is not remembered; several in a row are."""
    limit = Limit()
    limit.passed(4 * MB)
    for _ in range(5):
        for _ in range(STRIKES - 1):
            limit.refused(4 * MB, alone=False)
        limit.passed(4 * MB)
    assert math.inf == limit.bytes
    for _ in range(STRIKES):
        limit.refused(4 * MB, alone=False)
    assert 2 * MB < limit.bytes < 3 * MB


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 10**8), st.booleans()), max_size=60))
def test_always_something(course: list[tuple[bool, int, bool]]) -> None:
    """Whatever is refused, the limit stays above nothing, and falls below what is refused again and again."""
    limit = Limit()
    for passed, size, alone in course:
        if passed:
            limit.passed(size)
            continue
        limit.refused(size, alone=alone)
        assert limit.bytes > 0
        for _ in range(STRIKES + 1):
            limit.refused(size, alone=False)
        assert limit.bytes < size
