"""Times keep their nanoseconds: read as integers, written as Docker writes them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.demo.record import render_time
from logagent.parse.timestamp import rfc3339, time_ns


@given(st.integers(-(2**63), 2**63 - 1))
def test_what_is_written_is_read_back(ns):
    """Each nanosecond that 64 bits hold survives the way to text and back."""
    assert ns == time_ns(rfc3339(ns).encode())


@given(st.integers(0, 2**62), st.integers(0, 9))
def test_it_is_written_as_the_engine_writes(ns, digits):
    """Zero to nine digits of fraction, trailing zeros trimmed."""
    unit = 10 ** (9 - digits)
    assert render_time(ns // unit * unit) == rfc3339(ns // unit * unit)


@pytest.mark.parametrize(("text", "expected"), [
    ("1970-01-01T00:00:00Z", 0),
    ("1970-01-01T00:00:01.5Z", 1_500_000_000),
    ("1970-01-01T00:00:00.000000001Z", 1),
    ("1970-01-01T00:00:00.0000000019Z", 1),
    ("1970-01-01 00:00:00,25z", 250_000_000),
    ("1970-01-01T02:00:00.1+02:00", 100_000_000),
    ("1969-12-31T23:59:59.9Z", -100_000_000),
    ("1969-12-31T14:30:00-09:30", 0),
    ("1970-01-01T00:00:07", 7_000_000_000),
    ("2016-10-05T00:00:30.082640485Z", 1_475_625_630_082_640_485),
])  # fmt: skip
def test_times(text, expected):
    """Fractions of any length and zones; UTC when none is named."""
    assert expected == time_ns(text.encode())


@pytest.mark.parametrize("text", [
    "", "Z", "qwerty", "2016-12-31T23:59:60Z", "2016-13-01T00:00:00Z", "2016-02-30T00:00:00Z", "2016-01-01T25:00:00Z",
    "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z",
    "9999-12-31T23:59:59-23:59", "2300-01-01T00:00:00Z", "2016-01-01T00:00:00+99:99", "2016-01-01T00:00:00.Z",
    "2016-01-01T00:00:00Z\n", "12016-01-01T00:00:00Z", "\u0662016-01-01T00:00:00Z",
])  # fmt: skip
def test_what_is_no_time_raises_only_that(text):
    """Leap seconds, other calendars, years beyond 64 bits and junk are a ValueError, nothing else."""
    with pytest.raises(ValueError):
        time_ns(text.encode())


@given(st.text("0123456789-T:.,Z+ \n", max_size=36).map(str.encode) | st.binary(max_size=36))
def test_any_bytes_are_a_time_or_a_value_error(text):
    """Nothing else is raised, and what is read can be written."""
    try:
        rfc3339(time_ns(text))
    except ValueError:
        return


@given(st.datetimes(datetime(1680, 1, 1), datetime(2260, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001  # the bounds are without zone by rule
def test_it_agrees_with_the_calendar(moment):
    """Microseconds of the standard library's dates are the same moment."""
    assert (moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() == pytest.approx(
        time_ns(moment.isoformat().encode()) / 1e9, abs=1e-5
    )
