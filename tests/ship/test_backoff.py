"""Waits between tries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.ship.backoff import MAX_ASKED, delay, retry_after

DATE = "Wed, 21 Oct 2026 07:28:00 GMT"
THEN = 1792567680.0


def test_ceiling_doubles() -> None:
    """The longest possible wait doubles with each attempt, up to the longest."""
    assert [1, 2, 4, 8, 10, 10] == [delay(n, 1.0, shortest=1, longest=10) for n in range(1, 7)]


def test_jitter_is_full() -> None:
    """Chance decides the wait anywhere between nothing and the ceiling."""
    assert [0.0, 1.0, 3.0] == [delay(3, random, shortest=1, longest=10) for random in (0.0, 0.25, 0.75)]


@given(st.integers(1, 10**9), st.floats(0, 1, exclude_max=True))
def test_never_longer(attempt: int, random: float) -> None:
    """However often it failed, no wait is longer than the longest."""
    assert 0 <= delay(attempt, random, shortest=0.5, longest=60) <= 60


def test_server_is_obeyed() -> None:
    """A wait that the server asks for is kept, within an hour; a shorter one does not shorten ours."""
    assert [7, 5, MAX_ASKED] == [delay(1, 0.5, shortest=10, longest=10, asked=asked) for asked in (7, 1, 1e9)]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("120", 120.0),
        (" 0 ", 0.0),
        (DATE, 60.0),
        ("Wed, 21 Oct 2020 07:28:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        ("-5", None),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    """The header is a number of seconds or a date; what cannot be read says nothing."""
    assert seconds == retry_after(header, THEN - 60)
