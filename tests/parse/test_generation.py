"""A file's content is named by its first record, whatever the file is called and however it is compressed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.collect.tail import FIRST, generation
from logagent.model import Generation
from tests.parse.lines import START, Entry, entries

LINE = Entry(b"x\n", "stdout", START + 7).line


@given(log=entries(pieces=True), data=st.data())
def test_more_bytes_change_no_name(log, data):
    """Once the first line is whole, the name stays, and its token reads back."""
    whole = b"".join(e.line for e in log)
    name = generation(whole)
    at = data.draw(st.integers(0, len(whole)))
    assert (name if at >= len(log[0].line) else None) == generation(whole[:at])
    assert name is not None
    assert name == Generation.parse(name.token)


def test_a_whole_first_line_names_by_its_time_alone():
    """So that it is the same live, renamed and compressed, and its token is short."""
    assert Generation(START + 7) == generation(LINE)
    assert 16 == len(Generation(START + 7).token)


def test_pieces_that_share_a_time_are_told_apart():
    """Files that begin with different pieces of one long line have the same time and other checksums."""
    one, two = (generation(Entry(text, "stdout", START).line) for text in (b"piece one", b"piece two"))
    assert one is not None
    assert two is not None
    assert one.time == two.time == START
    assert one.checksum != two.checksum


@pytest.mark.parametrize(
    "head",
    [b"junk\n", b"\n", b"\0\0\n", b'{"log":"x\\n","stream":"stdout","time":"9999-01-01T00:00:00Z"}\n', b"x" * FIRST],
)
def test_a_first_line_that_cannot_be_read_has_a_name_all_the_same(head):
    """Its checksum names it, and the token reads back."""
    found = generation(head)
    assert found is not None
    assert (0, True) == (found.time, found.checksum > 0)
    assert found == Generation.parse(found.token)


@pytest.mark.parametrize("head", [b"", b"x", LINE[:-1], b"x" * (FIRST - 1)])
def test_a_first_line_that_is_not_whole_has_none(head):
    """The name waits for the newline, or for more bytes than a record has."""
    assert None is generation(head)


def test_what_leads_to_the_first_record_does_not_name_the_file():
    """NUL bytes or a torn record before it leave its time."""
    assert Generation(START + 7) == generation(b"\0" * 100 + LINE) == generation(b'{"log":"torn' + LINE)


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**16 - 1))
def test_tokens_read_back_and_sort_by_time(time, checksum, ordinal):
    """A token is a name's text, of fixed width, so that ids sort as generations do."""
    name = Generation(time, checksum, ordinal)
    assert name == Generation.parse(name.token)
    assert (name.token < Generation(time + 1).token) or name.time == time


@pytest.mark.parametrize("token", ["", "0", "0" * 17, "g" * 16, "0" * 30])
def test_what_is_no_token(token):
    """Anything else is refused."""
    with pytest.raises(ValueError):
        Generation.parse(token)
