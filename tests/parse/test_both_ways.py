"""The fast way and the careful way are one: the same bytes for the same lines, and those mean what the records mean."""

from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from logagent.parse import block
from logagent.parse.splice import Shape, splice
from tests.parse.lines import (
    GENERATION,
    NOW,
    START,
    Entry,
    blocks,
    document_id,
    entries,
    model,
    parse,
    parser,
    read,
    told,
)

BORDERS = st.lists(st.booleans(), max_size=8)
ENDINGS = st.sampled_from([[b"\n"], [b"\r\n"], [b"\n", b"\r\n"], [b"\n", b"\r\n", b"\n", b"\r\r\n", b""]])


@given(log=ENDINGS.flatmap(lambda e: entries(endings=e)), borders=BORDERS, tty=st.booleans())
@example(log=[Entry(b"a\\\n", "stdout", START)], borders=[], tty=False)
@example(log=[Entry(b"a\\\r\n", "stdout", START)], borders=[], tty=True)
@example(log=[Entry(b"a\\n\n", "stdout", START), Entry(b"\\\\\n", "stderr", START + 1)], borders=[], tty=False)
def test_both_ways_give_the_same_bytes(log, borders, tty):
    """Whatever the lines are, the documents do not tell which way they came."""
    lines = [entry.line for entry in log]
    assert parse(lines, borders, careful=True, tty=tty) == parse(lines, borders, tty=tty)


@given(log=entries(pieces=True, endings=[b"\n", b"\r\n"]), borders=BORDERS, tty=st.booleans())
def test_documents_mean_what_the_records_mean(log, borders, tty):
    """Text, stream, time, offset, attrs and marks of each document are those of its record, or of its joined pieces."""
    by_place = {event.offset: event for event in model(log, tty=tty)}
    assert by_place == {event.offset: event for event in told(parse([e.line for e in log], borders, tty=tty))}


@given(log=entries(plain=True, endings=[b"\n"]), borders=BORDERS)
def test_plain_records_take_the_fast_way(log, borders):
    """Once the attrs are known, records of the plain shape never go line by line, and each keeps its id and offset."""
    made = parser()
    lines = [e.line for e in log]
    made.parse(lines[0], GENERATION, 0, NOW)
    if any(b'{"log":"' in line[1:] for line in lines):
        return  # an attr of that name: goes the careful way, by choice
    with patch.object(block.Parser, "_carefully", side_effect=AssertionError("not plain")):
        found = [made.parse(data, GENERATION, offset, NOW) for offset, data in blocks(lines, borders)]
    assert [document_id(e.offset) for e in model(log)] == [d["_id"] for p in found for d in read(p.documents)]
    assert len(log) == sum(p.events for p in found)


@given(log=entries(plain=True, endings=[b"\r\n"]))
def test_terminal_lines_take_the_fast_way(log):
    """A terminal's lines end with a carriage return and a newline, and are as fast."""
    shape = Shape(b"\\r\\n", log[0].line.partition(b'"attrs":')[2].rpartition(b',"time"')[0])
    if b'{"log":"' not in shape.attrs:
        made = splice(b"".join(e.line for e in log), 7, b"p-", b'"event":{"a":"b"}', shape)
        assert made is not None
        assert [e.text[:-2] for e in log] == [d["message"] for d in read(made.documents)]


@pytest.mark.parametrize("limit", [1024, 1100, 4096])
def test_the_limit_holds_on_both_ways(limit):
    """A text above the limit is cut, also where its record is plain."""
    lines = [Entry(b"x" * size + b"\n", "stdout", START + size).line for size in (1000, 1024, 1025, 3000)]
    fast = parse(lines, limit=limit)
    assert parse(lines, careful=True, limit=limit) == fast
    assert limit >= max(len(d["message"]) for d in read(fast))


def test_first_and_last_time_are_those_of_the_block():
    """A block tells its first and last time in nanoseconds."""
    lines = b"".join(Entry(b"x\n", "stdout", START + n).line for n in (5, 7, 123456789))
    found = parser().parse(lines, GENERATION, 0, NOW)
    assert (3, START + 5, START + 123456789) == (found.events, found.first_time, found.last_time)


def test_a_time_that_no_clock_shows_stays_what_it_is():
    """A plain record of the 61st second keeps its text, and the block takes the time known before."""
    good = Entry(b"x\n", "stdout", START).line
    odd = good.replace(b"2025-11-24T16:00:00Z", b"2016-12-31T23:59:60Z")
    assert odd != good
    made = parser()
    made.parse(good, GENERATION, 0, NOW)
    found = made.parse(odd, GENERATION, len(good), NOW)
    assert (1, START, START) == (found.events, found.first_time, found.last_time)
    assert "2016-12-31T23:59:60Z" == read(found.documents)[0]["@timestamp"]
