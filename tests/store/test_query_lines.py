"""Documents as lines again: whatever a message, a name or a label holds."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.store.lines import FIRST, LAST, Line, action, decode, decode_all, fixed, parse, stamp, take
from tests.store.filled import START, Said, container

PIECES = st.sampled_from(
    [
        '"',
        "\\",
        ",",
        "\n",
        "\r",
        "\0",
        '","stream":"stdout',
        '{"create":{"_id":"',
        "stream",
        "é",
        "\u2028",
        "<&>",
        "a",
        "\t",
        "}",
    ]
)
TEXTS = st.lists(PIECES, max_size=8).map("".join)
FLAGS = st.sampled_from([(), ("partial",), ("bare_newline",), ("partial", "truncated")])


@given(TEXTS, st.booleans(), FLAGS, st.integers(0, 4 * 10**18), st.dictionaries(TEXTS, TEXTS, max_size=2))
def test_a_document_gives_back_what_was_said(
    text: str,
    stderr: bool,  # noqa: FBT001 - hypothesis draws it
    flags: tuple[str, ...],
    ns: int,
    labels: dict[str, str],
):
    """Text, stream, time and flags come back exactly, and nothing in labels or text is taken for another part."""
    said = Said(container("web", labels=labels), text, ns, stderr, flags)
    document = said.document(5)
    line = parse(document)
    assert (document, text, stderr, stamp(ns), flags) == (line.document, line.text, line.stderr, line.stamp, line.flags)


@given(st.lists(st.tuples(st.integers(0, 2), TEXTS), max_size=20), st.integers(1, 5))
def test_documents_of_one_container_are_found_among_others(rows: list[tuple[int, str]], limit: int):
    """Taken in small bites, exactly the documents of the container come, in their order."""
    names = [container(name) for name in ("a", "b", "c")]
    said = [Said(names[number], text) for number, text in rows]
    text = b"".join(action(s.container.id) + b'0-0"}}\n' + s.document(0) + b"\n" for s in said)
    got, at = [], 0
    while at >= 0:
        documents, at = take(text, action(names[1].id), at, limit)
        assert limit >= len(documents)
        got += documents
    assert [s.document(0) for s in said if s.container == names[1]] == got


@pytest.mark.parametrize(
    "change",
    [
        lambda d: {"@timestamp": d["@timestamp"]} | d,
        lambda d: {k: v for k, v in d.items() if k != "log"},
        lambda d: d | {"log": {"file": {"path": "}"}, "flags": []}},
    ],
)
def test_another_order_of_keys_is_read_all_the_same(change):
    """A document of another shape is decoded whole: same answer."""
    document = orjson.dumps(change(orjson.loads(Said(container("web"), 'a "b"', START + 5, stderr=True).document(1))))
    assert Line(document, rb"a \"b\"", stderr=True, stamp=stamp(START + 5), flags=()) == parse(document)


@pytest.mark.parametrize(
    "document", [b"", b"{", b"[]", b"null", b'{"message":"', b'{"message":"","stream":"std', b'{"message":3}']
)
def test_what_is_no_document_is_an_empty_line(document: bytes):
    """Damage never raises; its time is the earliest, so that it stays where it is."""
    line = parse(document)
    assert (FIRST, False) == (line.stamp, line.stderr)


@given(st.lists(TEXTS, max_size=6))
def test_messages_decoded_at_once_are_the_same_as_one_by_one(texts: list[str]):
    """Joining before decoding changes nothing."""
    escaped = [json.dumps(text)[1:-1].encode() for text in texts]
    assert b"".join(text.encode() + b"\r\n" for text in texts) == decode_all(escaped, b"\\r\\n")


def test_half_a_surrogate_pair_is_shown_as_docker_shows_it():
    """What cannot be decoded becomes U+FFFD, alone and among others."""
    assert "a\ufffdb😀" == decode(rb"a\ud800b\ud83d\ude00")
    assert "x\na\ufffd\n".encode() == decode_all([b"x", rb"a\udfff"], b"\\n")
    assert "\ufffd" == decode(b"\xff")


@given(st.integers(-(2**62), 2**62), st.integers(-(2**62), 2**62))
def test_stamps_sort_as_times_do(one: int, other: int):
    """Text of fixed width compares as the numbers it stands for."""
    assert ((one > other) - (one < other)) == ((stamp(one) > stamp(other)) - (stamp(one) < stamp(other)))


def test_stamps_end_at_the_years_that_text_can_hold():
    """Before year 1 and after 9999 the first and last stamps stand."""
    assert (FIRST, LAST) == (stamp(-(10**30)), stamp(10**30))
    assert b"1970-01-01T00:00:00.000000001Z" == stamp(1)
    assert b"1969-12-31T23:59:59.999999999Z" == stamp(-1)


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (b"2026-11-24T01:48:18Z", b"2026-11-24T01:48:18.000000000Z"),
        (b"2026-11-24T01:48:18.5Z", b"2026-11-24T01:48:18.500000000Z"),
        (b"2026-11-24T01:48:18.123456789Z", b"2026-11-24T01:48:18.123456789Z"),
        (b"2026-11-24T01:48:18.1234567891Z", b""),
        (b"garbage", b""),
    ],
)
def test_times_are_brought_to_nine_digits(time: bytes, expected: bytes):
    """Zeros that Go trimmed come back; what is no such time is empty."""
    assert expected == fixed(time)
