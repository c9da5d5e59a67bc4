"""Cases that other collectors test, or got wrong: what their tests feed in, and what comes out here.

Each name says where it is from: V is Vector, F Fluent Bit, B Beats, O the OpenTelemetry collector, M moby. Each case goes the fast
way, the careful way, and line by line, and is followed by a record whose offset tells how many bytes were taken.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from logagent.demo.record import pieces, render
from logagent.parse.timestamp import time_ns
from tests.parse.lines import GENERATION, NOW, parse, parser, read

AT = 1_510_234_056_277_747_246
TIME = b'"time":"2017-11-09T13:27:36.277747246Z"}'
READ = int(NOW * 1e9)
NEXT = b'{"log":"next\\n","stream":"stdout","time":"2099-01-01T00:00:00Z"}\n'
SHUTDOWN = "1:M 09 Nov 13:27:36.276 # User requested shutdown..."


@dataclass(frozen=True)
class Doc:
    """What a document says; `error` tells that it is a line that is no record, kept as it was."""

    message: str
    ns: int = AT
    stream: str = "stdout"
    flags: tuple[str, ...] = ()
    attrs: Mapping[str, str] | None = None
    error: bool = False


@dataclass(frozen=True)
class Case:
    """Lines of a file, and the documents that they become. `taken` is the bytes of the lines as the other's test counts them: without newlines."""

    name: str
    lines: tuple[bytes, ...]
    docs: tuple[Doc, ...]
    taken: int = 0


def damaged(*lines: bytes, ns: int = READ) -> tuple[Doc, ...]:
    """Each of `lines` as it is kept."""
    return tuple(Doc(line.decode("utf-8", "replace"), ns, error=True) for line in lines)


def broken(name: str, line: bytes, taken: int = 0) -> Case:
    """A line that is no record."""
    return Case(name, (line,), damaged(line), taken)


def record(log: bytes, *, stream: bytes = b"stdout") -> bytes:
    """A record of the one time that Beats' cases have."""
    return b'{"log":"%b","stream":"%b",%b' % (log, stream, TIME)


def printed(log: bytes) -> tuple[bytes, ...]:
    """The records of what a container printed at once."""
    return tuple(render(piece, "stdout", AT)[:-1] for piece in pieces(log))


MULTILINE = (
    b'{"log": "aa\\n", "stream": "stdout", "time": "2021-02-01T16:45:03.01231z"}',
    b'{"log": "aa\\n", "stream": "stderr", "time": "2021-02-01T16:45:03.01231z"}',
    b'{"log": "bb", "stream": "stdout", "time": "2021-02-01T16:45:03.01233z"}',
    b'{"log": "cc\\n", "stream": "stdout", "time": "2021-02-01T16:45:03.01233z"}',
    b'{"log": "dd", "stream": "stderr", "time": "2021-02-01T16:45:03.01233z"}',
    b"single line to force pending flush of the previous line",
    b'{"log": "ee\\n", "stream": "stderr", "time": "2021-02-01T16:45:03.01234z"}',
)
FEBRUARY = 1_612_197_903_000_000_000

CASES = [
    Case(
        "V: a line",
        (b'{"log":"The actual log line\\n","stream":"stderr","time":"2016-10-05T00:00:30.082640485Z"}',),
        (Doc("The actual log line", 1_475_625_630_082_640_485, "stderr"),),
    ),
    Case("V: no newline, and shorter than a piece", (record(b"last words"),), (Doc("last words", flags=("partial",)),)),
    Case("V: a whole piece without its rest", printed(b"x" * 16_384), (Doc("x" * 16_384, flags=("partial",)),)),
    Case("V: a line that just fits a piece", printed(b"x" * 16_383 + b"\n"), (Doc("x" * 16_383),)),
    Case(
        "V: a piece, and then only its newline",
        (record(b"x" * 16_384), record(b"\\n")),
        (Doc("x" * 16_384),),
    ),
    Case("V: nothing", (b"",), ()),
    broken("V: a brace", b"{"),
    broken("V: words", b"hello world"),
    broken("V: a number", b"123"),
    broken("V: an empty object", b"{}"),
    broken("V: no time", b'{"log":"x\\n","stream":"stdout"}'),
    broken("V: no stream", b'{"log":"x\\n",%b' % TIME),
    Case("V: no log, which is how an empty one is written", (b'{"stream":"stdout",%b' % TIME,), (Doc("", flags=("partial",)),)),
    broken("V: a time that is a number", b'{"log":"x\\n","stream":"stdout","time":123}'),
    broken("V: an empty time", b'{"log":"x\\n","stream":"stdout","time":""}'),
    broken("V: a time that is none", b'{"log":"x\\n","stream":"stdout","time":"qwerty"}'),
    broken("V: a log that is a number", b'{"log":123,"stream":"stdout",%b' % TIME),
    Case(
        "V: attrs, on which it panics",
        (b'{"log":"x\\n","stream":"stdout","attrs":{"env":"prod","tag":"web/1"},%b' % TIME,),
        (Doc("x", attrs={"env": "prod", "tag": "web/1"}),),
    ),
    Case(
        "V: a record behind a torn one on the same line",
        (b'{"log":"abc' + record(b"x\\n"),),
        (*damaged(b'{"log":"abc'), Doc("x")),
    ),
    Case("V: 20 KB of zeros", printed(b"0" * 20_480 + b"\n"), (Doc("0" * 20_480),)),
    Case("V: bytes that are no UTF-8", (record(b"caf\xe9\\n"),), damaged(record(b"caf\xe9\\n"))),
    Case("V: the same as the engine writes them", printed(b"caf\xe9\n"), (Doc("caf\ufffd"),)),
    Case(
        "F: pieces of two streams, and a foreign line between them",
        MULTILINE,
        (
            Doc("aa", FEBRUARY + 12_310_000),
            Doc("aa", FEBRUARY + 12_310_000, "stderr"),
            Doc("bbcc", FEBRUARY + 12_330_000),
            *damaged(MULTILINE[5], ns=FEBRUARY + 12_330_000),
            Doc("dd", FEBRUARY + 12_330_000, "stderr", ("partial",)),
            Doc("ee", FEBRUARY + 12_340_000, "stderr"),
        ),
    ),
    Case("B: a line", (record(SHUTDOWN.encode() + b"\\n"),), (Doc(SHUTDOWN),), 122),
    broken("B: no JSON", b"this is not JSON", 16),
    broken("B: no JSON, though it begins so", b"{this is not JSON nor CRI", 25),
    broken("B: no time", b'{"log":"%b\\n","stream":"stdout"}' % SHUTDOWN.encode(), 82),
    Case("B: an empty text", (record(b""),), (Doc("", flags=("partial",)),)),
    Case(
        "B: both streams, each with its own offsets",
        (record(b"filtered\\n"), record(b"unfiltered\\n", stream=b"stderr")),
        (Doc("filtered"), Doc("unfiltered", stream="stderr")),
        158,
    ),
    Case(
        "B: a line in two pieces",
        (record(SHUTDOWN[:41].encode()), record(SHUTDOWN[41:].encode() + b"\\n")),
        (Doc(SHUTDOWN),),
        190,
    ),
    Case("B: the first piece alone", (record(SHUTDOWN[:41].encode()),), (Doc(SHUTDOWN[:41], flags=("partial",)),), 109),
    Case(
        "B: a second piece that is torn",
        (record(SHUTDOWN[:41].encode()), b'{"log":"shutdown...\\n","stream'),
        (*damaged(b'{"log":"shutdown...\\n","stream', ns=AT), Doc(SHUTDOWN[:41], flags=("partial",))),
        139,
    ),
    Case(
        "B: attrs",
        (b'{"log":"hello\\n","stream":"stdout","attrs":{"KEY1":"value1","KEY2":"value2"},%b' % TIME,),
        (Doc("hello", attrs={"KEY1": "value1", "KEY2": "value2"}),),
        117,
    ),
    Case(
        "B: a whole line of the other stream between two pieces, which it mixes",
        (record(b"one "), record(b"other\\n", stream=b"stderr"), record(b"line\\n")),
        (Doc("other", stream="stderr"), Doc("one line")),
    ),
    Case(
        "O: a line without newline",
        (b'{"log":"INFO: log line here","stream":"stdout","time":"2029-03-30T08:31:20.545192187Z"}',),
        (Doc("INFO: log line here", 1_869_553_880_545_192_187, flags=("partial",)),),
    ),
    broken("O: no container format", b"invalid"),
    Case(
        "M: line separators, NUL, colours and a byte that was none",
        (record(b"\\u2028\\u2029\\ufffd\\u0000\\u001b[31mred\\u001b[0m\\n"),),
        (Doc("\u2028\u2029\ufffd\0\x1b[31mred\x1b[0m"),),
    ),
    Case("M: the same from the container", printed("\u2028\u2029".encode() + b"\xff\0\x1b[31m\n"), (Doc("\u2028\u2029\ufffd\0\x1b[31m"),)),
    Case("M: more than 1 MiB", printed(b"x" * 1_100_000 + b"\n"), (Doc("x" * 1_100_000),)),
    *(
        Case(
            f"M: a time with {digits} digits",
            (b'{"log":"x\\n","stream":"stdout","time":"2017-11-09T13:27:36%bZ"}' % b".123456789"[: digits and digits + 1],),
            (Doc("x", 1_510_234_056_000_000_000 + int("123456789"[:digits].ljust(9, "0"))),),
        )
        for digits in range(10)
    ),
    *(
        Case(
            f"M: the zone {zone}",
            (b'{"log":"x\\n","stream":"stdout","time":"2017-11-09T%b.277747246%b"}' % (clock, zone.encode()),),
            (Doc("x"),),
        )
        for clock, zone in ((b"15:27:36", "+02:00"), (b"03:57:36", "-09:30"), (b"13:27:36", "+00:00"))
    ),
    *(
        broken(f"{name}, which is not dockerd's", line)
        for name, line in (
            ("B: a line of CRI", b"2017-09-12T22:32:21.212861448Z stdout F 2017-09-12 22:32:21.212 [INFO][88] table.go 710"),
            ("B: a piece of CRI", b"2017-09-12T22:32:21.212861448Z stdout P 2017-09-12 22:32:21.212 [INFO][88] table.go 710"),
            ("B: CRI without its text", b"2017-09-12T22:32:21.212861448Z stdout"),
            ("O: CRI-O with a zone", b"2024-04-13T07:59:37.505201169-10:00 stdout F standalone crio line"),
        )
    ),
    broken("V: a line in UTF-16", record(b"x").decode().encode("utf-16")),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_others_test(case):
    """Text, stream, time in nanoseconds, marks and attrs are right, both ways, and the record behind is found where it begins."""
    lines = [*(line + b"\n" for line in case.lines), NEXT]
    documents = parse(lines, limit=1 << 21)
    assert documents == parse(lines, careful=True, limit=1 << 21)
    assert documents == parse(lines, [True] * len(lines), limit=1 << 21)
    found = read(documents)
    behind = next(d for d in found if d["message"] == "next")
    assert sum(map(len, case.lines)) + len(case.lines) == behind["log"]["offset"]
    assert case.taken in (0, behind["log"]["offset"] - len(case.lines))
    assert list(case.docs) == [said(d) for d in found if d is not behind]


def said(document) -> Doc:
    """What `document` says; a line that is no record must be there as it was, with a reason."""
    error = "error" in document
    assert error == ("original" in document["event"])
    if error:
        assert document["message"] == document["event"]["original"]
        assert document["error"]["message"]
    return Doc(
        document["message"],
        time_ns(document["@timestamp"].encode()),
        document["stream"],
        tuple(document["log"].get("flags", ())),
        document.get("docker", {}).get("attrs"),
        error,
    )


def test_pieces_of_other_times_are_other_lines():
    """Fluent Bit's own times: its two pieces differ, which the engine's never do, for so begins a line after one without newline."""
    lines = [MULTILINE[2].replace(b"1233z", b"1232z") + b"\n", MULTILINE[3] + b"\n"]
    assert [("bb", ["partial"]), ("cc", None)] == [(d["message"], d["log"].get("flags")) for d in read(parse(lines))]


def test_a_joined_line_above_the_limit_is_cut():
    """Vector drops it or writes a word behind it; here the beginning is kept, marked and counted, and the rest costs nothing."""
    made = parser(limit=1024)
    found = made.parse(b"".join(line + b"\n" for line in printed(b"test message" * 4000 + b"\n")), GENERATION, 0, NOW)
    (document,) = read(found.documents)
    assert (("test message" * 100)[:1024], ["truncated"]) == (document["message"], document["log"]["flags"])
    assert ({"truncated": 1}, {}) == (found.problems, made.pending)


def test_a_piece_whose_rest_does_not_come_is_given_up():
    """After its time it is an event of its own, and what comes later is another."""
    made = parser()
    made.parse(record(b"one ") + b"\n", GENERATION, 0, NOW)
    assert 0 == made.expire(NOW - 0.1, NOW + 29.9).events
    assert ["one "] == [d["message"] for d in read(made.expire(NOW, NOW + 30).documents)]
    late = made.parse(record(b"line\\n") + b"\n", GENERATION, 100, NOW + 31)
    assert ["line"] == [d["message"] for d in read(late.documents)]
