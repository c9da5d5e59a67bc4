"""Lines and their pieces: what a container printed comes out as its lines."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from logagent.demo.record import escape, pieces
from logagent.parse.partial import cut
from logagent.parse.record import split_ending
from tests.parse.lines import FRAGMENTS, GENERATION, NOW, START, Entry, parse, parser, read

RECORDS = [
    (
        b'{"log":"The actual log line\\n","stream":"stderr","time":"2016-10-05T00:00:30.082640485Z"}',
        ("The actual log line", "stderr", "2016-10-05T00:00:30.082640485Z", []),
    ),
    (
        b'{"log":"1:M 09 Nov 13:27:36.276 # User requested shutdown...\\n","stream":"stdout","time":"2017-11-09T13:27:36.277747246Z"}',
        ("1:M 09 Nov 13:27:36.276 # User requested shutdown...", "stdout", "2017-11-09T13:27:36.277747246Z", []),
    ),
    (
        b'{"log":"INFO: log line here","stream":"stdout","time":"2029-03-30T08:31:20.545192187Z"}',
        ("INFO: log line here", "stdout", "2029-03-30T08:31:20.545192187Z", ["partial"]),
    ),
    (
        b'{"log":"","stream":"stdout","time":"2024-01-01T00:00:00Z"}',
        ("", "stdout", "2024-01-01T00:00:00Z", ["partial"]),
    ),
    (b'{"stream":"stdout","time":"2024-01-01T00:00:00Z"}', ("", "stdout", "2024-01-01T00:00:00Z", ["partial"])),
    (b'{"log":"\\n","stream":"stdout","time":"2024-01-01T00:00:00Z"}', ("", "stdout", "2024-01-01T00:00:00Z", [])),
    (
        b'{"log":"no zone\\n","stream":"stdout","time":"2024-01-01T00:00:00.12"}',
        ("no zone", "stdout", "2024-01-01T00:00:00.12Z", []),
    ),
    (
        b'{"log":"{\\"message\\":\\"Hello world\\"}\\n","stream":"stdout","time":"2024-01-01T00:00:00.5Z"}',
        ('{"message":"Hello world"}', "stdout", "2024-01-01T00:00:00.5Z", []),
    ),
    (
        b'{"log":"\\u2028\\ufffd\\u0000\\u001b[31m\\u0009\\u003c\\n","stream":"stdout","time":"2024-01-01T00:00:00.123Z"}',
        ("\u2028\ufffd\0\x1b[31m\t<", "stdout", "2024-01-01T00:00:00.123Z", []),
    ),
    (
        b' {"time": "2024-01-01T02:00:00.10+02:00", "stream": "stderr", "log": "another order\\n", "more": [1]}',
        ("another order", "stderr", "2024-01-01T00:00:00.1Z", []),
    ),
]


@pytest.mark.parametrize(("line", "expected"), RECORDS)
def test_a_record_means_what_it_says(line, expected):
    """Text, stream, time and marks of one record; the time is Docker's own text, or the same moment in its form."""
    (found,) = read(parse([line + b"\n"]))
    assert expected == (found["message"], found["stream"], found["@timestamp"], found["log"].get("flags", []))
    assert "error" not in found


@pytest.mark.parametrize("size", [0, 1, 16_383, 16_384, 16_385, 32_768, 40_000, 1_000_000])
@pytest.mark.parametrize("newline", [b"\n", b""])
@pytest.mark.parametrize("tty", [False, True])
def test_a_long_line_is_one_event(size, newline, tty):
    """Its pieces of 16 KiB are joined: one document, with offset and time of the first piece."""
    line = (b"0123456789" * (size // 10 + 1))[:size]
    log = line + (b"\r" if tty and newline else b"") + newline
    lines = [Entry(b"before\r\n" if tty else b"before\n", "stdout", START).line]
    lines += [Entry(piece, "stdout", START + 1).line for piece in pieces(log)]
    found = read(parse(lines, [True] * 9, tty=tty))
    assert (2 if log else 1) == len(found)
    if log:
        assert (line.decode(), len(lines[0])) == (found[1]["message"], found[1]["log"]["offset"])
        assert ([] if newline else ["partial"]) == found[1]["log"].get("flags", [])


def test_the_halves_of_a_character_are_replaced_where_docker_cut_it():
    """Each side of the border has its replacement character, as it stands in the file."""
    lines = [Entry(piece, "stdout", START).line for piece in pieces(b"x" * 16_383 + "é".encode() + b"y\n")]
    assert ["x" * 16_383 + "\ufffd\ufffdy"] == [d["message"] for d in read(parse(lines))]


def test_pieces_are_joined_by_stream():
    """Pieces of both streams may lie between each other: each stream has its own line."""
    log = [
        Entry(b"aa\n", "stdout", START + 1),
        Entry(b"aa\n", "stderr", START + 2),
        Entry(b"bb", "stdout", START + 3),
        Entry(b"dd", "stderr", START + 4),
        Entry(b"cc\n", "stdout", START + 3),
        Entry(b"ee\n", "stderr", START + 4),
    ]
    found = read(parse([e.line for e in log]))
    assert ["aa", "aa", "bbcc", "ddee"] == [d["message"] for d in found]
    assert ["stdout", "stderr", "stdout", "stderr"] == [d["stream"] for d in found]


def test_pieces_are_joined_around_a_damaged_line():
    """Damage between pieces is an event of its own, and the line goes on behind it."""
    lines = [Entry(b"bb", "stdout", START).line, b"no record\n", Entry(b"cc\n", "stdout", START).line]
    assert ["no record", "bbcc"] == [d["message"] for d in read(parse(lines))]


def test_a_line_without_newline_is_never_joined_to_another_time():
    """The last line of a container that ended without a newline looks like a piece, and the next start's line is new."""
    log = [Entry(b"last words", "stdout", START), Entry(b"hello\n", "stdout", START + 1)]
    found = read(parse([e.line for e in log]))
    assert [("last words", ["partial"]), ("hello", [])] == [(d["message"], d["log"].get("flags", [])) for d in found]


def test_an_unfinished_line_is_waited_for_and_given_up():
    """It is pending from where it began, and becomes a line without a newline when its time is over."""
    made = parser()
    line = Entry(b"no end", "stderr", START).line
    assert 0 == made.parse(line, GENERATION, 100, NOW).events
    assert [("stderr", 100)] == [(s, p.offset) for s, p in made.pending.items()]
    nothing = made.expire(NOW - 1, NOW + 4)
    assert (0, b"", 1) == (nothing.events, nothing.documents, len(made.pending))
    given_up = made.expire(NOW, NOW + 5)
    assert (1, {}) == (given_up.events, made.pending)
    assert ("no end", ["partial"]) == ((d := read(given_up.documents)[0])["message"], d["log"]["flags"])


def test_the_oldest_unfinished_line_comes_first():
    """The place where reading must go on is told by the order of `pending`, also while pieces still come."""
    made = parser()
    log = [Entry(b"a", "stderr", START + 9), Entry(b"b", "stdout", START), Entry(b"c", "stderr", START + 9)]
    made.parse(b"".join(e.line for e in log), GENERATION, 0, NOW)
    assert ["stderr", "stdout"] == list(made.pending)


@pytest.mark.parametrize(("log", "tty", "message", "flags"), [
    (b"x\r\n", True, "x", []),
    (b"x\n", True, "x", ["bare_newline"]),
    (b"x\r\r\n", True, "x\r", []),
    (b"x", True, "x", ["partial"]),
    (b"x\r\n", False, "x\r", []),
    (b"x\\r\n", False, "x\\r", []),
    (b"x\\r\n", True, "x\\r", ["bare_newline"]),
    (b"x\\\r\n", True, "x\\", []),
    (b"x\\n", False, "x\\n", ["partial"]),
])  # fmt: skip
def test_endings(log, tty, message, flags):
    """A terminal's carriage return goes with its newline, a program's stays; a backslash and the letter n are no newline."""
    (found,) = read(parse([Entry(log, "stdout", START).line], tty=tty))
    assert (message, flags) == (found["message"], found["log"].get("flags", []))


def test_the_two_halves_of_a_terminal_ending_may_be_cut_apart():
    """A carriage return that is the 16,384th byte belongs to the newline in the next record."""
    lines = [Entry(piece, "stdout", START).line for piece in pieces(b"x" * 16_383 + b"\r\n")]
    assert 2 == len(lines)
    assert ["x" * 16_383] == [d["message"] for d in read(parse(lines, tty=True))]
    assert ["x" * 16_383 + "\r"] == [d["message"] for d in read(parse(lines))]


def test_a_line_above_the_limit_is_cut_and_marked():
    """What is kept is its beginning without a hole; the rest of its pieces costs no memory."""
    made = parser(limit=100)
    log = [
        Entry(b"a" * 97 + b"\x01", "stdout", START),
        *[Entry(b"b" * 50, "stdout", START)] * 9,
        Entry(b"\n", "stdout", START),
    ]
    found = made.parse(b"".join(e.line for e in log), GENERATION, 0, NOW)
    (document,) = read(found.documents)
    assert ("a" * 97, ["truncated"]) == (document["message"], document["log"]["flags"])
    assert {"truncated": 1} == found.problems


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join), st.integers(-2, 80))
@example("a\\u003c", 5)
def test_cutting_leaves_whole_escapes_and_characters(text, size):
    """What is kept of an escaped text is as many of its escapes and characters as have room."""
    units = [escape(character.encode()) for character in text]
    fitting = [b"".join(units[:n]) for n in range(len(units) + 1) if len(b"".join(units[:n])) <= max(size, 0)]
    assert fitting[-1] == cut(escape(text.encode()), size)


@given(st.lists(st.sampled_from(["\\", "\n", "\r", "n", "r", "a"]), max_size=8).map("".join))
def test_an_ending_is_told_from_letters(text):
    """Whatever backslashes stand before it, only an escaped newline at the end is an ending."""
    bare, ending = split_ending(escape(text.encode()))
    assert escape(text.encode()) == bare + ending
    expected = "\r\n" if text.endswith("\r\n") else "\n" if text.endswith("\n") else ""
    assert escape(expected.encode()) == ending


@pytest.mark.parametrize("count", [100, 100_000])
def test_hostile_lines_take_no_more_than_their_length(count):
    """Deep brackets, endless openings and backslashes are read in time, and are damaged lines or records."""
    for raw in (
        b"[" * count,
        b'{"log":"' * count,
        b'{"log":"' + b"\\\\" * count,
        b'{"log":"' + b'\\"' * count + b'","stream":"x',
    ):
        assert 1 == len(read(parse([raw + b"\n"])))
    deep = b'{"log":"x\\n","stream":"stdout","attrs":{"a":%b1%b},"time":"2024-01-01T00:00:00Z"}\n' % (
        b'{"a":' * 300,
        b"}" * 300,
    )
    assert "x" == read(parse([deep]))[0]["message"]
