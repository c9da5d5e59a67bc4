"""What a server has already under the names that we would use: whose it is, and what it keeps. Pure.

Ours is only what says so itself, in the `_meta` that we put there (an ISM policy has none: in its description). What cannot
be read is somebody else's.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson

State = Literal["absent", "ours", "foreign", "forbidden", "unsupported"]

_DESCRIBED = re.compile(r"managed_by=logagent version=(\d{1,9}) retention=(\w{1,20})")


@dataclass(frozen=True, slots=True)
class Found:
    """One thing on a server. `version` and `retention` are what ours says, `place` an ISM policy's sequence number and term."""

    state: State
    version: int = 0
    retention: str | None = None
    place: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """A data stream: the template that it was made by, and its retention."""

    name: str
    template: str
    retention: str | None


@dataclass(frozen=True, slots=True)
class Seen:
    """All that a plan needs to know of a server's content.

    `streams` are looked up only where a plan may change them; None when they cannot be.
    """

    template: Found
    policy: Found = Found("absent")
    streams: tuple[Stream, ...] | None = ()


NOTHING = Seen(Found("absent"))


def state_of(status: int, body: bytes) -> State | None:
    """What a reply says by its status alone; None when there is something to read, or when it says nothing for now."""
    if status == 404:
        return "absent"
    if status == 403:
        return "forbidden"
    unserved = status in (400, 405) and (b"no handler found" in body or b"not allowed" in body)
    return "unsupported" if unserved else None


def template(body: bytes) -> Found:
    """The index template of a reply."""
    match _loads(body):
        case {"index_templates": [{"index_template": {"_meta": meta}}, *_]}:
            return _of_meta(meta)
        case _:
            return Found("foreign")


def ilm(body: bytes) -> Found:
    """The ILM policy of a reply, whose only key is its name."""
    match next(iter(_mapping(_loads(body)).values()), None):
        case {"policy": {"_meta": meta}}:
            return _of_meta(meta)
        case _:
            return Found("foreign")


def ism(body: bytes) -> Found:
    """The ISM policy of a reply."""
    match _loads(body):
        case {"policy": {"description": str(text)}, "_seq_no": int(number), "_primary_term": int(term)}:
            described = _DESCRIBED.fullmatch(text)
            if described is None:
                return Found("foreign")
            retention = None if described[2] == "none" else described[2]
            return Found("ours", int(described[1]), retention, (number, term))
        case _:
            return Found("foreign")


def streams(body: bytes) -> tuple[Stream, ...]:
    """The data streams of a reply."""
    found = _mapping(_loads(body)).get("data_streams")
    return tuple(
        Stream(str(item["name"]), str(item.get("template")), _retention(item.get("lifecycle")))
        for item in (found if isinstance(found, list) else ())
        if isinstance(item, Mapping) and "name" in item
    )


def _of_meta(meta: object) -> Found:
    known = _mapping(meta)
    if known.get("managed_by") != "logagent":
        return Found("foreign")
    version, retention = known.get("version"), known.get("retention")
    number = version if isinstance(version, int) and not isinstance(version, bool) else 0
    return Found("ours", number, retention if isinstance(retention, str) else None)


def _retention(lifecycle: object) -> str | None:
    value = _mapping(lifecycle).get("data_retention")
    return value if isinstance(value, str) else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _loads(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except ValueError:
        return None
