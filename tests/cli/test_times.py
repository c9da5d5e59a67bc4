"""Points in time as Docker's command line takes them."""

import time
from datetime import UTC, datetime

import pytest

from logagent.cli.times import parse_time

NOW = 1_795_000_000_123_456_789


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch):
    """A machine that is an hour ahead of UTC in winter."""
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def utc(*parts: int) -> int:
    """A time in UTC, ns."""
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * 10**9  # type: ignore[misc,arg-type]  # year to second


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10m", NOW - 600 * 10**9),
        ("1h30m", NOW - 5400 * 10**9),
        ("1.5s", NOW - 1_500_000_000),
        ("1d2ms3ns", NOW - 86_400_002_000_003),
        ("0s", NOW),
        ("1136073600", 1136073600 * 10**9),
        ("1136073600.000000001", 1136073600 * 10**9 + 1),
        ("0.5", 500_000_000),
        ("2026-11-24T01:48:18Z", utc(2026, 11, 24, 1, 48, 18)),
        ("2026-11-24T01:48:18.123456789Z", utc(2026, 11, 24, 1, 48, 18) + 123_456_789),
        ("2026-11-24T01:48:18.5+02:30", utc(2026, 11, 23, 23, 18, 18) + 500_000_000),
        ("2026-11-24T01:48:18-01:00", utc(2026, 11, 24, 2, 48, 18)),
        ("2026-11-24T01:48:18", utc(2026, 11, 24, 0, 48, 18)),
        ("2026-11-24 01:48:18.25", utc(2026, 11, 24, 0, 48, 18) + 250_000_000),
        ("2026-07-24T01:48", utc(2026, 7, 23, 23, 48)),
        ("2026-11-24T01", utc(2026, 11, 24, 0)),
        ("2026-11-24", utc(2026, 11, 23, 23)),
        ("2026-11-24Z", utc(2026, 11, 24)),
        ("1969-12-31T23:59:59.5Z", -500_000_000),
    ],
)
@pytest.mark.usefixtures("berlin")
def test_times_are_read_to_the_nanosecond(text: str, expected: int):
    """Ages count from now, dates without zone are local, fractions are exact."""
    assert expected == parse_time(text, NOW)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "10x",
        "m",
        "-10m",
        "2026-13-01",
        "2026-11-24T25:00:00Z",
        "1.1234567890",
        "2026-11-24T",
        "99999999999999",
        "٣m",
    ],
)
def test_what_is_no_time_is_refused_with_what_is_possible(text: str):
    """The sentence shows the three ways."""
    with pytest.raises(ValueError, match=r"is not a time: give an age \(10m, 1h30m\), a date or time"):
        parse_time(text, NOW)
