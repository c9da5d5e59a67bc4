"""A frame's text as lines of a container again: pure, and as little decoded as the question needs.

A line keeps its document as it is stored and its message as the escaped JSON string that it is there; it is decoded when it is
shown or searched. Times are compared as text of fixed width (30 bytes), which sorts as time does: nothing is rounded.

Why bytes may be searched here: an unescaped quote never stands inside of a JSON string, so `","stream":"std` can begin only where a
string ends, and the first one in a document that begins with its message is the message's end. A newline is always escaped, so
an action line is found by its beginning. A document of any other shape is decoded whole: same answer, slower.
"""

import json
import re
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

import orjson

HEAD, END = b'{"message":"', b'","stream":"std'
# What stands behind a message that ended as usual: either `log` holds the offset only, or nothing is said about the line's ending.
TAIL = re.compile(END + rb'(out|err)","@timestamp":"([^"\\]*)"(?:,"log":\{"offset":[0-9]+\}|(?!,"log":))')

FIRST, LAST = b"0001-01-01T00:00:00.000000000Z", b"9999-12-31T23:59:59.999999999Z"
YEAR_ONE, YEAR_10000 = -62_135_596_800, 253_402_300_800  # seconds
EPOCH = date(1970, 1, 1).toordinal()


class Line(NamedTuple):
    """One event: its `document` as stored, its `message` as escaped JSON, the time as `stamp`, and the flags of its ending."""

    document: bytes
    message: bytes
    stderr: bool
    stamp: bytes
    flags: tuple[str, ...]

    @property
    def text(self) -> str:
        """The message decoded."""
        return decode(self.message)


_line = tuple.__new__  # what Line() calls, without a Python frame for each of a million lines


def action(container: str) -> bytes:
    """How the action line of each document of the container with id `container` begins."""
    return b'{"create":{"_id":"' + container[:12].encode() + b"-"


def take(text: bytes, prefix: bytes, at: int, limit: int) -> tuple[list[bytes], int]:
    """Take up to `limit` documents whose action lines begin with `prefix` from `text` on at `at`; and where to go on, -1 at the end."""
    documents: list[bytes] = []
    while len(documents) < limit:
        if not text.startswith(prefix, at):
            at = text.find(b"\n" + prefix, at) + 1
            if not at:
                return documents, -1
        start = text.find(b"\n", at) + 1
        end = text.find(b"\n", start) if start else -1
        if end < 0:
            return documents, -1
        documents.append(text[start:end])
        at = end + 1
    return documents, at


def parse(document: bytes) -> Line:
    """Read one document. One that is not JSON at all gives an empty line of the earliest time."""
    end = document.find(END, len(HEAD))
    tail = TAIL.match(document, end) if end > 0 else None
    if tail is None or not document.startswith(HEAD):
        return _parse_whole(document)
    stream, time = tail.groups()
    if len(time) != len(LAST):
        time = fixed(time) or FIRST
    return _line(Line, (document, document[len(HEAD) : end], stream == b"err", time, ()))


def _parse_whole(document: bytes) -> Line:
    try:
        value = orjson.loads(document)
    except orjson.JSONDecodeError:
        value = _lenient(document.decode("utf-8", "replace"))
    event = value if isinstance(value, dict) else {}
    log = event.get("log")
    flags = log.get("flags") if isinstance(log, dict) else None
    return Line(
        document,
        json.dumps(str(event.get("message", ""))).encode()[1:-1],
        event.get("stream") == "stderr",
        fixed(str(event.get("@timestamp", "")).encode()) or FIRST,
        tuple(map(str, flags)) if isinstance(flags, list) else (),
    )


def decode(message: bytes) -> str:
    """Decode an escaped message; what no decoder can know (half a surrogate pair, bytes that are not UTF-8) becomes U+FFFD."""
    if b"\\" not in message:
        return message.decode("utf-8", "replace")
    quoted = b'"' + message + b'"'
    try:
        return str(orjson.loads(quoted))
    except orjson.JSONDecodeError:
        text = str(_lenient(quoted.decode("utf-8", "replace")))
        return re.sub("[\ud800-\udfff]", "�", text)


def decode_all(messages: Iterable[bytes], ending: bytes) -> bytes:
    r"""Decode messages at once, each followed by `ending` (escaped, such as `\\n`): what `decode` gives for each, only faster."""
    together = ending.join((*messages, b""))
    try:
        return str(orjson.loads(b'"' + together + b'"')).encode()
    except orjson.JSONDecodeError:
        end = decode(ending)
        return "".join(decode(message) + end for message in messages).encode()


def fixed(time: bytes) -> bytes:
    """Bring an RFC 3339 time in UTC with 0 to 9 fraction digits to the fixed width of 30 bytes; anything else is empty."""
    whole, _, fraction = time.removesuffix(b"Z").partition(b".")
    if len(whole) != 19 or len(fraction) > 9:
        return b""
    return whole + b"." + fraction.ljust(9, b"0") + b"Z"


def stamp(ns: int) -> bytes:
    """The time `ns` (since 1970) as text of fixed width; times before year 1 and after 9999 count as these."""
    seconds, rest = divmod(ns, 10**9)
    if seconds < YEAR_ONE:
        return FIRST
    if seconds >= YEAR_10000:
        return LAST
    day = date.fromordinal(EPOCH + seconds // 86400)
    minutes, second = divmod(seconds % 86400, 60)
    return b"%04d-%02d-%02dT%02d:%02d:%02d.%09dZ" % (day.year, day.month, day.day, *divmod(minutes, 60), second, rest)


def _lenient(text: str) -> object:
    try:
        return json.loads(text, strict=False)
    except ValueError:
        return text[1:-1]
