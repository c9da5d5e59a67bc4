"""Numbers are written as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.cli import human


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (45_600, "45.6 kB"),
        (999_400, "999 kB"),
        (999_900, "1.00 MB"),
        (1_234_567, "1.23 MB"),
        (1 << 30, "1.07 GB"),
        (5 * 10**18, "5.00 EB"),
    ],
)
def test_sizes_have_three_digits(number, expected):
    """Decimal units, three digits, bytes whole."""
    assert expected == human.size(number)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0 s"),
        (0.44, "0.4 s"),
        (9, "9 s"),
        (59.9, "59 s"),
        (60, "1 m"),
        (303, "5 m 3 s"),
        (3600 * 52 + 5, "2 d 4 h"),
        (86405, "1 d"),
    ],
)
def test_spans_have_their_two_largest_units(seconds, expected):
    """What is smaller than the second unit is left out."""
    assert expected == human.span(seconds)


@pytest.mark.parametrize(("number", "expected"), [(0, "0 gaps"), (1, "1 gap"), (1234, "1,234 gaps")])
def test_counts_agree_with_their_noun(number, expected):
    """One is one, everything else many."""
    assert expected == human.count(number, "gap")


@given(st.text())
def test_clean_text_steers_no_terminal(text):
    """Nothing is left that is not printed, and no character is lost."""
    cleaned = human.clean(text)
    assert cleaned.isprintable()
    assert len(text) == len(cleaned)
