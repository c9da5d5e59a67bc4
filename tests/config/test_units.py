"""Sizes and durations: what is read, what is refused, and that rendering reads back to the same."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.config.settings import Settings
from logagent.config.show import schema
from logagent.config.units import (
    MAX_DURATION,
    MAX_SIZE,
    parse_duration,
    parse_size,
    render_duration,
    render_size,
)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("500MB", 500_000_000),
        ("500M", 500_000_000),
        ("500kB", 500_000),
        ("500KB", 500_000),
        ("1GiB", 1024**3),
        ("1Ki", 1024),
        ("1 gib", 1024**3),
        ("3T", 3 * 1000**4),
        ("12B", 12),
        ("12", 12),
        ("0", 0),
        ("0.3GB", 300_000_000),
        ("1.5KiB", 1536),
        (4096, 4096),
        (2.0, 2),
    ],
)
def test_sizes_are_read_by_their_unit(text, size):
    """A size without i is decimal, with i binary, a bare number bytes."""
    assert size == parse_size(text)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "MB",
        "500 pounds",
        "5 m b",
        "-1",
        "1e3",
        "1,5MB",
        "५MB",
        "0.5B",
        True,
        None,
        [],
        float("nan"),
        float("inf"),
        -1,
        1.5,
    ],
)
def test_what_is_no_size_is_refused(value):
    """Anything else raises ValueError and nothing else."""
    with pytest.raises(ValueError, match=r"size|bytes|negative"):
        parse_size(value)


def test_a_size_ends_where_a_signed_64_bit_number_ends():
    """The largest size is 2^63 - 1."""
    assert parse_size(MAX_SIZE) == MAX_SIZE
    with pytest.raises(ValueError, match="too large"):
        parse_size(MAX_SIZE + 1)
    with pytest.raises(ValueError, match="too large"):
        parse_size("9999PB")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("50ms", 0.05),
        ("30s", 30.0),
        ("5m", 300.0),
        ("2h", 7200.0),
        ("7d", 604800.0),
        ("2w", 1209600.0),
        ("1h30m", 5400.0),
        ("1h 30m", 5400.0),
        ("250us", 0.00025),
        ("1.5s", 1.5),
        ("90", 90.0),
        ("0", 0.0),
        (90, 90.0),
        (0.1, 0.1),
    ],
)
def test_durations_are_read_by_their_unit(text, seconds):
    """A duration is the sum of its parts in seconds; a bare number is seconds."""
    assert seconds == parse_duration(text)


@pytest.mark.parametrize(
    "value", ["", "s", "7 days", "1:30", "-1s", "1s,", "5M", True, None, {}, float("nan"), -1, 1e300]
)
def test_what_is_no_duration_is_refused(value):
    """Anything else raises ValueError and nothing else."""
    with pytest.raises(ValueError, match=r"duration|negative"):
        parse_duration(value)


@given(
    st.one_of(st.integers(0, MAX_SIZE), st.builds(lambda n, p: n * 1024**p, st.integers(0, 8000), st.integers(0, 5)))
)
def test_a_rendered_size_reads_back(size):
    """Every size renders to text that reads to the same number of bytes."""
    assert size == parse_size(render_size(size))


@given(st.one_of(st.floats(0, MAX_DURATION), st.integers(0, 10**6), st.sampled_from([1e-9, 5e-7, 0.1, 0.3, 86399.999])))
def test_a_rendered_duration_reads_back(value):
    """Every duration renders to text that reads to the same float."""
    seconds = parse_duration(value)
    assert seconds == parse_duration(render_duration(seconds))


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0"), (500_000_000, "500MB"), (1024**3, "1GiB"), (131072, "128KiB"), (1536, "1536B"), (1000, "1kB")],
)
def test_sizes_render_in_the_unit_that_people_would_take(size, text):
    """The largest unit that gives a whole number is taken."""
    assert text == render_size(size)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0, "0"), (0.05, "50ms"), (604800.0, "7d"), (90.0, "90s"), (1e-9, "0.000000001s")]
)
def test_durations_render_in_the_unit_that_people_would_take(seconds, text):
    """The largest unit up to days that gives a whole number is taken."""
    assert text == render_duration(seconds)


@given(st.integers(0, MAX_SIZE), st.floats(0, MAX_DURATION))
def test_the_schema_accepts_what_is_rendered(size, seconds):
    """The patterns of the JSON Schema fit every rendered size and duration."""
    store = _SCHEMA["$defs"]["Store"]["properties"]
    assert re.search(store["max_size"]["anyOf"][1]["pattern"], render_size(size))
    rendered = render_duration(parse_duration(seconds))
    assert re.search(store["frame_time"]["anyOf"][1]["pattern"], rendered)


_SCHEMA = schema()


def test_settings_hold_plain_numbers():
    """Inside the program sizes are whole bytes and durations seconds."""
    store = Settings().store
    assert (1024**3, 1.0) == (store.max_size, store.frame_time)
