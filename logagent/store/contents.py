"""What a frame's text says of itself: pure. Its documents by container, their times, and what a container's fields tell of it.

Documents are taken as they lie, by their bytes: a text that was damaged inside goes through the fast way as it is, so a document
need not be JSON. What stands behind the text is ours, though, and quotes inside of strings are always escaped, so that the last
`"container":{"id":"` begins the fields that are the same for all of the container's lines.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import orjson

from logagent.model import Container, Image
from logagent.store.lines import EPOCH, FIRST, fixed

ACTION = re.compile(  # a document of another data stream than the default one names it
    rb'\{"create":\{"_id":"([0-9a-f]{12})-([^"\\\x00-\x1f]{1,64})"(?:,"_index":"logs-[^"\\\x00-\x1f]{3,201}")?\}\}'
)
FIELDS = b'"container":{"id":"'


class Malformed(ValueError):  # noqa: N818 - it is what the text is
    """The text is not a row of action lines with their documents."""


class Document(NamedTuple):
    """One document: the first 12 digits of its container's id, the rest of its own id, and its bytes."""

    container: bytes
    rest: bytes
    bytes: bytes


@dataclass(frozen=True, slots=True)
class Told:
    """What a document tells of its container, of the agent that stored it (empty: nothing), and when (seconds; 0: unknown)."""

    container: Container
    agent: str
    created: float


def documents(text: bytes) -> Iterator[Document]:
    """The documents of a frame's text. Raises Malformed where it is not action lines and documents by turns."""
    lines = text.split(b"\n")
    if lines.pop() or len(lines) % 2:
        raise Malformed("its text does not end with a document")
    for number in range(0, len(lines), 2):
        action, document = ACTION.fullmatch(lines[number]), lines[number + 1]
        if action is None:
            raise Malformed(f"line {number + 1} of its text is no action line with an id")
        if not document.startswith(b"{") or not document.endswith(b"}"):
            raise Malformed(f"line {number + 2} of its text is no document")
        yield Document(action[1], action[2], document)


def told(document: Document) -> Told:
    """Read the fields of `document` that its container's lines share; what it does not have is made of its id."""
    fields = _fields(document.bytes)
    found, agent, event = (_object(fields.get(name)) for name in ("container", "agent", "event"))
    digits = document.container.decode()
    cid = _text(found.get("id"))
    container = Container(
        cid if cid.startswith(digits) else digits,
        _text(found.get("name")) or digits,
        _image(_object(found.get("image"))),
        {key: value for key, value in _object(found.get("labels")).items() if isinstance(value, str)},
    )
    created = nanoseconds(fixed(_text(event.get("created")).encode()) or FIRST)
    return Told(container, _text(agent.get("id")), created / 1e9)


def nanoseconds(stamp: bytes) -> int:
    """Read a time of fixed width (`lines.stamp`) as ns since 1970; 0 for one that no calendar has, and for the earliest, which stands for none."""
    if stamp == FIRST:
        return 0
    try:
        day = date(int(stamp[:4]), int(stamp[5:7]), int(stamp[8:10])).toordinal() - EPOCH
        hours, minutes, seconds, rest = (int(stamp[a:b]) for a, b in ((11, 13), (14, 16), (17, 19), (20, 29)))
    except ValueError:
        return 0
    return (((day * 24 + hours) * 60 + minutes) * 60 + seconds) * 10**9 + rest


def _fields(document: bytes) -> Mapping[str, Any]:
    begin = document.rfind(FIELDS)
    try:
        return _object(orjson.loads(b"{" + document[begin:])) if begin >= 0 else {}
    except orjson.JSONDecodeError:
        return {}


def _image(found: Mapping[str, Any]) -> Image:
    return Image(_text(found.get("name")), _first(found.get("tag")), _first(_object(found.get("hash")).get("all")))


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _first(value: Any) -> str | None:
    return _text(value[0]) or None if isinstance(value, list) and value else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
