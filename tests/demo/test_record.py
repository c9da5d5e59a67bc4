"""Records are what dockerd writes, byte for byte."""

import json
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.demo.record import PIECE, escape, pieces, render, render_time

TRICKY = st.lists(
    st.sampled_from([b"a", b"\n", b"\t", b"\0", b"\x7f", b'"', b"\\", b"<&>", b"\xff", b"\xe2\x80", b"\xed\xa0\x80"])
    | st.text(max_size=3).map(lambda text: text.encode("utf-8", "surrogatepass"))
).map(b"".join)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'\\ "\n\r', rb"\\ \"\n\r"),
        (b"\t\x1b\0\x7f", b"\\u0009\\u001b\\u0000\x7f"),
        (b"<>&", rb"\u003c\u003e\u0026"),
        ("\u2028\u2029é✓".encode(), "\\u2028\\u2029é✓".encode()),
        (b"\xff\xe2\x82A", rb"\ufffd\ufffd\ufffdA"),
        ("\ud800".encode("utf-8", "surrogatepass"), rb"\ufffd\ufffd\ufffd"),
        ("\ufffd".encode(), "\ufffd".encode()),
    ],
)
def test_escapes_are_the_drivers(data, expected):
    """Short forms for four characters, lower-case hex for the rest, one U+FFFD for each byte that is no UTF-8."""
    assert expected == escape(data)


@given(TRICKY)
def test_escaped_text_reads_back(data):
    """A JSON reader gets the text again, and no raw newline or NUL is ever in it."""
    escaped = escape(data)
    assert b"\n" not in escaped
    assert b"\0" not in escaped
    expected = "".join("\ufffd" if "\udc80" <= c <= "\udcff" else c for c in data.decode("utf-8", "surrogateescape"))
    assert expected == json.loads(b'"%s"' % escaped)


@pytest.mark.parametrize(
    ("nanos", "fraction"), [(0, ""), (500_000_000, ".5"), (123_456_789, ".123456789"), (10, ".00000001")]
)
def test_times_have_no_trailing_zeros(nanos, fraction):
    """The fraction ends with its last digit that counts, and is absent for a whole second."""
    assert f"2026-11-24T01:48:18{fraction}Z" == render_time(_second() * 10**9 + nanos)


def _second() -> int:
    return int(datetime(2026, 11, 24, 1, 48, 18, tzinfo=UTC).timestamp())


def test_record_has_its_parts_in_order():
    """Log, stream, attributes sorted by key, time; then a newline."""
    expected = (
        b'{"log":"x\\n","stream":"stderr","attrs":{"a":"1\\t","tag":"\\u003cb\\u003e"},"time":"1970-01-01T00:00:01Z"}\n'
    )
    assert expected == render(b"x\n", "stderr", 10**9, {"tag": "<b>", "a": "1\t"})


def test_empty_value_is_left_out():
    """A record of nothing has no log at all."""
    assert b'{"stream":"stdout","time":"1970-01-01T00:00:00Z"}\n' == render(b"", "stdout", 0)


@pytest.mark.parametrize(
    ("length", "expected"),
    [(0, [1]), (16383, [16384]), (16384, [16384, 1]), (40000, [16384, 16384, 7233])],
)
def test_long_lines_come_in_pieces(length, expected):
    """A line is cut at 16,384 bytes, its newline counted."""
    assert expected == [len(piece) for piece in pieces(b"x" * length + b"\n")]


def test_last_line_may_lack_its_newline():
    """What the container printed last stays without a newline; nothing comes of nothing."""
    assert [b"a\r\n", b"\n", b"b"] == list(pieces(b"a\r\n\nb"))
    assert [] == list(pieces(b""))


@given(st.lists(st.sampled_from([b"\n", b"x" * 5000, b"y" * PIECE, b"\r"])).map(b"".join))
def test_pieces_join_to_what_was_printed(data):
    """Nothing is lost by cutting, and only pieces of full length lack a newline, or the last one."""
    cut = list(pieces(data))
    assert data == b"".join(cut)
    assert all(piece.endswith(b"\n") or len(piece) == PIECE for piece in cut[:-1])
    assert all(orjson.loads(render(piece, "stdout", 1))["stream"] == "stdout" for piece in cut)
