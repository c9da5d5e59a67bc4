r"""The careful way, first half: one line of a json-file becomes records, whatever it holds.

A record keeps its text as the escaped JSON string that stood in the file, so that both ways give the same bytes. A line that
dockerd cannot have written whole (torn by a full disk or a power cut, glued to the next one, NUL bytes before it) costs only
what is really damaged: the last `{"log":"` in it, and what stands before it, are tried as records of their own (moby issue 29511).
"""

import re
from dataclasses import dataclass
from typing import Any

import orjson

from logagent.model import Stream
from logagent.parse.timestamp import time_ns

# Possessive repeats: no way back, so the time grows with the line's length only, whatever stands in it.
_TEXT = rb'[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+'
_PAIR = rb'"%b":"%b"' % (_TEXT, _TEXT)
PLAIN = re.compile(
    rb'\{"log":"(%b)","stream":"(stdout|stderr)",(?:"attrs":(\{%b(?:,%b)*+\}),)?"time":"([^"\\]*)Z"\}\Z'
    % (_TEXT, _PAIR, _PAIR)
)


BEGIN = b'{"log":"'
TRIES = 3  # places that are tried as the beginning of the glued record: a label may be named "log", and garbage may be anything
HOLE = re.compile(
    rb"\0{8,}"
)  # never written by dockerd: what stands before it was torn, what stands behind it is whole


@dataclass(frozen=True, slots=True)
class Record:
    """One record: `text` is the escaped string without its line ending, `time` Docker's own text.

    `ending` is what was taken off: empty for a piece of a long line, or the last line of a container that ended without a newline.
    """

    offset: int
    text: bytes
    ending: bytes
    stream: Stream
    time: bytes
    ns: int
    attrs: bytes = b""


@dataclass(frozen=True, slots=True)
class Damaged:
    """Bytes that are no record: `raw` as they stood in the file, `reason` in words."""

    offset: int
    raw: bytes
    reason: str


def read_line(line: bytes, offset: int) -> list[Record | Damaged]:
    """Read one line, without its newline, that begins at `offset`; a blank one gives nothing."""
    parts, at = [], 0
    for hole in HOLE.finditer(line) if b"\0" in line else ():
        parts += _read_part(line[at : hole.start()], offset + at)
        at = hole.end()
    return parts + _read_part(line[at:], offset + at)


def _read_part(line: bytes, offset: int) -> list[Record | Damaged]:
    body = line.lstrip(b"\0 \t\r\n")
    if not body:
        return []
    start = offset + len(line) - len(body)
    found = _record(body, start)
    if isinstance(found, Record):
        return [found]
    again = len(body)
    for _ in range(TRIES):
        again = body.rfind(BEGIN, 1, again)
        if again < 0:
            break
        rest = _record(body[again:], start + again)
        if isinstance(rest, Record):
            return [_record(body[:again], start), rest]
    return [found]


def split_ending(text: bytes) -> tuple[bytes, bytes]:
    r"""Take the newline off an escaped text: (`text`, `\n`, `\r\n` or nothing)."""
    if not text.endswith(b"\\n") or not _escapes(text, len(text) - 2):
        return text, b""
    if text.endswith(b"\\r\\n") and _escapes(text, len(text) - 4):
        return text[:-4], b"\\r\\n"
    return text[:-2], b"\\n"


def _escapes(text: bytes, at: int) -> bool:
    """Tell whether the backslash at `at` begins an escape: it does when an even number of backslashes stands before it."""
    before = text[:at]
    return (len(before) - len(before.rstrip(b"\\"))) % 2 == 0


def _record(body: bytes, offset: int) -> Record | Damaged:
    plain = PLAIN.match(body)
    if plain is None or not _is_utf8(body):
        return _decoded(body, offset)
    text, stream, attrs, time = plain.groups()
    return _made(body, offset, text, stream=stream.decode(), time=time + b"Z", attrs=attrs or b"")


def _decoded(body: bytes, offset: int) -> Record | Damaged:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Damaged(offset, body, "the line is not JSON")
    if not isinstance(value, dict):
        return Damaged(offset, body, "the line is not a JSON object")
    if body.count(b'"stream":') > 1:
        return Damaged(offset, body, "the line is made of two records")
    log, stream, time, attrs = value.get("log", ""), value.get("stream"), value.get("time"), value.get("attrs")
    if not isinstance(log, str) or stream not in ("stdout", "stderr") or not isinstance(time, str):
        return Damaged(offset, body, _what_is_wrong(log, stream, time))
    return _made(body, offset, orjson.dumps(log)[1:-1], stream=str(stream), time=time.encode(), attrs=_attrs(attrs))


def _attrs(value: Any) -> bytes:
    """Encode what dockerd can have written as attrs: texts by name."""
    texts = {k: v for k, v in value.items() if isinstance(v, str)} if isinstance(value, dict) else {}
    return orjson.dumps(texts) if texts else b""


def _made(body: bytes, offset: int, text: bytes, *, stream: str, time: bytes, attrs: bytes) -> Record | Damaged:
    try:
        ns = time_ns(time)
    except ValueError:
        return Damaged(offset, body, "the record's time cannot be read")
    bare, ending = split_ending(text)
    return Record(offset, bare, ending, "stdout" if stream == "stdout" else "stderr", time, ns, attrs)


def _what_is_wrong(log: Any, stream: Any, time: Any) -> str:
    if not isinstance(log, str):
        return "the record's log is not a string"
    return (
        "the record has no known stream"
        if stream not in ("stdout", "stderr") or isinstance(time, str)
        else "the record has no time"
    )


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
