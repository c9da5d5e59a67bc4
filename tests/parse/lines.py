"""What the tests of parsing share: records as dockerd writes them, a plain model of what they mean, and documents read strictly."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from hypothesis import strategies as st

from logagent.demo.record import render, render_time
from logagent.model import Container, Generation, Image, Position, Stream
from logagent.parse.block import Parser
from logagent.parse.document import Choice, Origin, constant
from logagent.parse.resume import Known

ID = "5f" * 32
CONTAINER = Container(
    ID,
    "web %d-1",
    Image("registry:5000/team/web", "1.27", "sha256:" + "ab" * 32),
    {"com.docker.compose.service": 'we"b', "100%": '%d "offset":%d %x \\'},
    log_path="/var/lib/docker/100%/x-json.log",
)
ORIGIN = Origin("n1", "machine", "agent")
GENERATION = Generation(1_764_000_000_000_000_000)
NOW = 1_764_000_100.25
START = 1_764_000_000 * 10**9

FRAGMENTS = [
    *(
        '"',
        "\\",
        "n",
        "r",
        "\\n",
        "\\\\n",
        "u003c",
        "}",
        "{",
        '{"log":"',
        '","stream":"stdout"',
        'Z"}',
        "\t",
        "\0",
        "\r",
        "\x7f",
    ),
    *(
        '\\n","stream":"stdout","time":"',
        '"@timestamp":"',
        "\u2028",
        "é",
        "😀",
        "%",
        "%d",
        "%x",
        "%%",
        "<&>",
        "\x1b[0m",
        "plain",
        " ",
    ),
]
TEXTS = st.lists(
    st.sampled_from([f.encode() for f in FRAGMENTS]) | st.sampled_from([b"\xff", b"\xe2\x80", b"\xed\xa0\x80"]),
    max_size=6,
).map(b"".join)
STREAMS: st.SearchStrategy[Stream] = st.sampled_from(["stdout", "stderr"])
ATTRS = st.sampled_from([{"tag": "a%d"}, {"tag": 'q"u\\o', "com.x": "é\n"}, {"log": "x", "z": ""}, {"offset": "1"}])


@dataclass(frozen=True)
class Entry:
    """One record to be written: `log` is what the container printed, a line or a piece of one."""

    log: bytes
    stream: Stream
    time: int
    attrs: Mapping[str, str] | None = None

    @property
    def line(self) -> bytes:
        """The line of the file."""
        return render(self.log, self.stream, self.time, self.attrs)

    @property
    def text(self) -> str:
        """The text that the record's value means."""
        return str(json.loads(self.line).get("log", ""))


@dataclass
class Event:
    """What a document must say."""

    offset: int
    stream: str
    time: str
    text: str
    attrs: Mapping[str, str] | None = None
    flags: list[str] = field(default_factory=list)


@st.composite
def times(draw: st.DrawFn, size: int) -> list[int]:
    """Rising times with 0 to 9 digits of fraction, each another one."""
    steps = draw(
        st.lists(st.integers(1, 10**10) | st.sampled_from([10**k for k in range(10)]), min_size=size, max_size=size)
    )
    at, found = START, []
    for step in steps:
        unit = 10 ** (len(str(step)) - 1)
        at = (at // unit + 1) * unit
        found.append(at)
    return found


@st.composite
def entries(
    draw: st.DrawFn,
    *,
    min_size: int = 1,
    endings: Sequence[bytes] = (b"\n",),
    plain: bool = False,
    pieces: bool = False,
) -> list[Entry]:
    """A log: records of both streams. `plain` ones have the shape of the fast way; `pieces` lets lines be cut in several."""
    size = draw(st.integers(min_size, 8))
    attrs = draw(st.none() | ATTRS)
    found: list[Entry] = []
    last: dict[Stream, int] = {}
    for at in draw(times(size)):
        stream, text = draw(STREAMS), draw(TEXTS)
        ending = draw(st.sampled_from(endings))
        if plain:
            text = text.replace(b"\r", b"").rstrip(b"\\")
        else:
            attrs = draw(st.sampled_from([attrs, attrs, attrs, None, {"tag": "b"}]))
        goes_on = pieces and found and draw(st.booleans()) and stream in last
        last[stream] = last[stream] if goes_on else at
        found.append(
            Entry(text + (draw(st.sampled_from([b"", ending])) if pieces else ending), stream, last[stream], attrs)
        )
    return found


def parser(
    *,
    tty: bool = False,
    limit: int = 1 << 20,
    resume: Mapping[Known, Position] | None = None,
    choice: Choice | None = None,
) -> Parser:
    """A parser of the container's log."""
    return Parser(ID, constant(CONTAINER, ORIGIN, choice or Choice()), tty=tty, limit=limit, resume=resume)


def blocks(lines: Iterable[bytes], borders: Sequence[bool]) -> Iterator[tuple[int, bytes]]:
    """Cut `lines` into blocks: behind each line whose member of `borders` is true, and at the end."""
    offset, block = 0, b""
    for number, line in enumerate(lines):
        block += line
        if number < len(borders) and borders[number]:
            yield offset, block
            offset, block = offset + len(block), b""
    if block:
        yield offset, block


def parse(
    lines: Iterable[bytes],
    borders: Sequence[bool] = (),
    *,
    careful: bool = False,
    tty: bool = False,
    limit: int = 1 << 20,
) -> bytes:
    """All documents of a file, with its unfinished lines given up at the end; `careful` shuts the fast way."""
    made = parser(tty=tty, limit=limit)
    with patch("logagent.parse.block.splice", return_value=None) if careful else patch.dict({}):
        found = [made.parse(block, GENERATION, offset, NOW).documents for offset, block in blocks(lines, borders)]
    return b"".join(found) + made.expire(NOW, NOW).documents


def read(documents: bytes) -> list[dict[str, Any]]:
    """Documents with their id as `_id`; each line must be JSON by the book, and no object may have a key twice."""
    lines = documents.split(b"\n")
    assert b"" == lines.pop()
    actions, bodies = map(strict, lines[::2]), map(strict, lines[1::2])
    return [{**body, "_id": action["create"]["_id"]} for action, body in zip(actions, bodies, strict=True)]


def strict(line: bytes) -> dict[str, Any]:
    """Read one line of JSON; duplicate keys, NaN and bytes that are no UTF-8 fail."""
    value = json.loads(line.decode(), object_pairs_hook=_unique, parse_constant=_refuse)
    assert isinstance(value, dict)
    return value


def model(log: Iterable[Entry], *, tty: bool = False) -> list[Event]:
    """What `log` means, said as plainly as can be: pieces joined by stream and time, endings taken off, marks put on."""
    unfinished: dict[str, Event] = {}
    found: list[Event] = []
    offset = 0
    for entry in log:
        event = unfinished.pop(entry.stream, None)
        if event is not None and event.time != render_time(entry.time):
            found.append(event)
            event = None
        event = event or Event(offset, entry.stream, render_time(entry.time), "", entry.attrs)
        event.text += entry.text
        if event.text.endswith("\n"):
            found.append(event)
        else:
            unfinished[entry.stream] = event
        offset += len(entry.line)
    return [_finished(event, tty=tty) for event in found + sorted(unfinished.values(), key=lambda e: e.time)]


def told(documents: bytes) -> list[Event]:
    """What `documents` say, to be compared with `model`."""
    return [
        Event(
            d["log"]["offset"],
            d["stream"],
            d["@timestamp"],
            d["message"],
            d.get("docker", {}).get("attrs"),
            d["log"].get("flags", []),
        )
        for d in read(documents)
    ]


def document_id(offset: int, generation: Generation = GENERATION) -> str:
    """The id of the record at `offset`."""
    return f"{ID[:12]}-{generation.token}-{offset:x}"


def _finished(event: Event, *, tty: bool) -> Event:
    text, newline = event.text.removesuffix("\n"), event.text.endswith("\n")
    if not newline:
        event.flags = ["partial"]
    elif tty and text.endswith("\r"):
        text = text.removesuffix("\r")
    elif tty:
        event.flags = ["bare_newline"]
    event.text = text
    return event


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len(pairs) == len({key for key, _ in pairs}), pairs
    return dict(pairs)


def _refuse(name: str) -> None:
    raise AssertionError(name)
