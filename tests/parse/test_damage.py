"""What is damaged costs itself only: its neighbours come out, it is kept as it was, and nothing raises."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.demo.record import render_time
from tests.parse.lines import GENERATION, ID, NOW, START, Entry, entries, parse, parser, read, strict

GOOD = [Entry(f"line {n}\n".encode(), "stdout", START + 10**9 * n).line for n in range(4)]
LABELLED = Entry(b"line 1\n", "stdout", START + 10**9, {"log": "a label of that name"}).line
STANDS = re.compile(
    rb'[\0 \t\r\n]*(?:.*\})?\{"log":".*","stream":"std(?:out|err)",(?:"attrs":\{.*\},)?"time":"[0-9T:.-]+Z"\}',
    re.DOTALL,
)
BYTES = st.sampled_from(
    [b'"', b"\\", b"{", b"}", b"\n", b"\0", b"n", b"Z", b",", b":", b"\xff", b"\x01", b'{"log":"', b'Z"}\n', b""]
)
GARBAGE = [
    b"{",
    b"hello world",
    b"123",
    b"[]",
    b"null",
    b'"x"',
    b"{}",
    b"this is not JSON",
    b"{this is not JSON nor CRI",
    b"\xff\xfe",
    b'{"log":"x\\n","stream":"stdout"}',
    b'{"log":"x\\n","time":"2024-01-01T00:00:00Z"}',
    b'{"log":"x\\n","stream":"stdin","time":"2024-01-01T00:00:00Z"}',
    b'{"log":"x\\n","stream":["stdout"],"time":"2024-01-01T00:00:00Z"}',
    b'{"log":"x\\n","stream":"stdout","time":123}',
    b'{"log":"x\\n","stream":"stdout","time":""}',
    b'{"log":"x\\n","stream":"stdout","time":"qwerty"}',
    b'{"log":"x\\n","stream":"stdout","time":"qwertyZ"}',
    b'{"log":"x\\n","stream":"stdout","time":"9999-12-31T23:59:59-01:00"}',
    b'{"log":"x\\n","stream":"stdout","time":"0001-01-01T00:00:00+01:00"}',
    b'{"log":123,"stream":"stdout","time":"2024-01-01T00:00:00Z"}',
    b'{"log":null,"stream":"stdout","time":"2024-01-01T00:00:00Z"}',
    b'{"log":"\\x\\n","stream":"stdout","attrs":{"a":"b"},"time":"2024-01-01T00:00:00Z"}',
    b'{"log":"x\\n","stream":"stdout","attrs":{"a":"\\q"},"time":"2024-01-01T00:00:00Z"}',
    b'{"log":"x\\n","stream":"stdout","attrs":{"a":"b",},"time":"2024-01-01T00:00:00Z"}',
    b'{"log":"x\\n","stream":"stdout","time":"20"4-01-01T00:00:00Z"}',
    b'{"log":"x\\n","stream":"stdout","time":"2024-01-01T00:00:00\\Z"}',
    b'{"log":"a\\n","stream":"stdout","time":"20b\\n","stream":"stdout","time":"2024-01-01T00:00:00Z"}',
    b"\0\0\0junk",
    b'{"log":"a\0b\\n","stream":"stdout","time":"2024-01-01T00:00:00Z"}',
    b'{"log":"a\xffb\\n","stream":"stdout","time":"2024-01-01T00:00:00Z"}',
    b'{"log":"' * 3000,
    b"[" * 3000,
]


@pytest.mark.parametrize("line", GARBAGE, ids=lambda line: line[:60].decode("ascii", "replace"))
@pytest.mark.parametrize("place", [0, 2])
def test_a_line_that_is_no_record_is_kept_as_it_was(line, place):
    """It becomes an event with the reason, at the time of the record before it; its neighbours are whole."""
    lines = [*GOOD[:place], line + b"\n", *GOOD[place:]]
    found = read(parse(lines))
    odd = found.pop(place)
    raw = line.lstrip(b"\0").decode("utf-8", "replace")
    assert [f"line {n}" for n in range(4)] == [d["message"] for d in found]
    assert (raw, raw, "event") == (odd["message"], odd["event"]["original"], odd["event"]["kind"])
    assert odd["error"]["message"]
    assert "stdout" == odd["stream"]
    assert (render_time(START + 10**9) if place else render_time(int(NOW * 1e9))) == odd["@timestamp"]


def test_a_piece_beside_a_damaged_line_does_not_hide_it():
    """A line with two text ends and one without any make up for each other in number only."""
    twice = b'{"log":"a\\n","stream":"stdout","time":"20b\\n","stream":"stdout","time":"2024-01-01T00:00:00Z"}\n'
    piece = Entry(b"piece", "stdout", START + 1).line
    found = read(parse([GOOD[0], twice, piece, GOOD[1]]))
    assert ["line 0", twice[:-1].decode(), "piece", "line 1"] == [d["message"] for d in found]


@pytest.mark.parametrize(
    ("line", "messages"),
    [
        (b'{"log":"abc' + GOOD[1], ['{"log":"abc', "line 1"]),
        (GOOD[0][:-1] + GOOD[1], ["line 0", "line 1"]),
        (GOOD[0][:-20] + GOOD[1], [GOOD[0][:-20].decode(), "line 1"]),
        (GOOD[0][:-1] + b"x" + GOOD[1], [GOOD[0][:-1].decode() + "x", "line 1"]),
        (b"\0" * 4391 + GOOD[1], ["line 1"]),
        (b"junk \0\0" + GOOD[1], ["junk \0\0", "line 1"]),
        (b" " * 500 + b"\n" + GOOD[1], ["line 1"]),
        (b"\n\n" + GOOD[1], ["line 1"]),
        (GOOD[1][:-1] + b" \r\n", ["line 1"]),
        (b'{"log":"abc' + LABELLED, ['{"log":"abc', "line 1"]),
    ],
)
def test_a_record_behind_damage_is_found(line, messages):
    """Torn, glued, NUL-led and blank-led records are read; each has the offset of its own first byte."""
    found = read(parse([line, GOOD[3]]))
    assert [*messages, "line 3"] == [d["message"] for d in found]
    whole = line + GOOD[3]
    assert [whole.index(b'{"log":"line 1'), len(line)] == [d["log"]["offset"] for d in found][-2:]


@given(
    log=entries(endings=[b"\n"], min_size=2),
    kind=st.sampled_from(["torn", "glued", "nul", "flip", "lost"]),
    data=st.data(),
)
def test_one_damaged_line_costs_that_line_only(log, kind, data):
    """Whatever happened to one line of a block, all others come out as ever."""
    lines = [e.line for e in log]
    hit = data.draw(st.integers(0, len(lines) - 1))
    line = lines[hit]
    at = data.draw(st.integers(1, len(line) - 1))
    flipped = line[: at - 1] + bytes([line[at - 1] ^ data.draw(st.sampled_from([1, 2, 4, 32, 128]))]) + line[at:]
    lines[hit] = {
        "torn": line[:at] + b"\n",
        "glued": line[:at],
        "nul": line[:at] + b"\0" * 100 + b"\n",
        "flip": flipped,
        "lost": b"\0" * len(line),
    }[kind]
    assert_rest_came_out(log, lines, [n for n in range(len(lines)) if n != hit])


@given(log=entries(endings=[b"\n"], min_size=2), data=st.data())
def test_random_damage_costs_what_it_hits(log, data):
    """Bytes changed, put in or taken out anywhere: nothing raises, and records that were not hit come out."""
    lines = [e.line for e in log]
    hits = set()
    for _ in range(data.draw(st.integers(1, 4))):
        hit = data.draw(st.integers(0, len(lines) - 1))
        at = data.draw(st.integers(0, len(lines[hit])))
        until = data.draw(st.sampled_from([at, at + 1, at + 1, at + 20]))
        lines[hit] = lines[hit][:at] + data.draw(BYTES) + lines[hit][until:]
        # What is put in before a line's first byte may join the line to it, and behind its last one to the next.
        hits.add(hit)
    assert_rest_came_out(log, lines, [n for n in range(len(lines)) if n not in hits])


@given(
    data=st.lists(BYTES | st.sampled_from([*GOOD, GOOD[0][:-1], b'","stream":"stdout","time":"']), max_size=30).map(
        b"".join
    )
)
def test_any_bytes_are_survived(data):
    """Bytes of any kind raise nothing, and give documents as many as they count."""
    made = parser(limit=100)
    found = made.parse(data + b"\n", GENERATION, 0, NOW)
    assert found.events == found.documents.count(b"\n") / 2


def test_a_damaged_line_is_cut_at_the_limit():
    """Its text counts with its escapes, which may be six times longer than the bytes."""
    for raw in (b"\x01" * 500, b"x" * 1025, b"{" + b'"' * 600):
        (found,) = read(parse([raw + b"\n"], limit=1024))
        assert raw.decode().startswith(found["message"])
        assert 1024 - 6 < len(repr(found["message"]).replace('"', '""').replace("\\x01", "\\u0001")) <= 1024 + 2
        assert ["truncated"] == found["log"]["flags"]


def assert_rest_came_out(log, lines, rest):
    """Assert that the records `rest` of `log` are among the documents of `lines`, and that all documents are valid."""
    whole = b"".join(lines)
    documents = parse([whole] if whole.endswith(b"\n") else [whole, b"\n"])
    by_offset = {}
    for action, body in zip(documents.split(b"\n")[::2], documents.split(b"\n")[1::2], strict=False):
        offset = int(strict(action)["create"]["_id"].rpartition("-")[2], 16)
        try:
            by_offset[offset] = strict(body)
        except (ValueError, AssertionError):  # only where the structure stands, and the damage is inside of a text
            raw = whole[offset:].partition(b"\n")[0]
            assert STANDS.fullmatch(raw), raw
    for n in rest:
        found = by_offset[sum(map(len, lines[:n]))]
        entry = log[n]
        assert (entry.text[:-1], entry.stream, render_time(entry.time)) == (
            found["message"],
            found["stream"],
            found["@timestamp"],
        )
        assert entry.attrs == found.get("docker", {}).get("attrs")
        assert ID == found["container"]["id"]
