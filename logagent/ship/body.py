"""A frame's bytes: unpacked, cut into line pairs, and packed again for those items that are sent once more. Pure.

A frame is alternating lines, an action and its document, each ended by a newline. JSON strings hold no raw newline, so what
a log line or a label says cannot end a line, and cannot pose as an action.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson
from isal import isal_zlib

GZIP = 31  # zlib's name for the gzip format with the largest window
RAW = -15  # the same window, without header and checksum
HEADER = 10  # bytes of a gzip header without a name
LEVEL = 1
STEP = 1024
ROOM = 16 << 10  # characters that each text of a shortened document keeps


def unpack(member: bytes) -> tuple[bytes, bool]:
    """The plain text of a gzip member as the store makes them, and whether it is intact; of a damaged one as much as can be read."""
    # Without its frame, so that a wrong checksum does not take with it what was read well.
    deflate = isal_zlib.decompressobj(wbits=RAW)
    pieces: list[bytes] = []
    try:
        for start in range(HEADER, len(member), STEP):
            pieces.append(deflate.decompress(member[start : start + STEP]))  # noqa: PERF401 - what was read before the damage is kept
    except isal_zlib.IsalError:  # type: ignore[misc]  # the stubs declare it as a value
        return b"".join(pieces), False
    plain = b"".join(pieces)
    return plain, member[-8:-4] == isal_zlib.crc32(plain).to_bytes(4, "little")


def sound(pair: bytes) -> bool:
    """Whether a line pair read from a damaged frame is one still: an action of ours and a JSON document."""
    action, _, document = pair.partition(b"\n")
    try:
        create, fields = orjson.loads(action)["create"], orjson.loads(document)
        return isinstance(create["_id"], str) and isinstance(fields, dict) and _agree(create, fields)
    except (ValueError, KeyError, TypeError):
        return False


def _agree(create: Mapping[str, Any], fields: Mapping[str, Any]) -> bool:
    """Whether an action names no data stream, or the one that its document is of: damage must not send it elsewhere."""
    if create.keys() == {"_id"}:
        return True
    stream = fields["data_stream"]
    return create.keys() == {"_id", "_index"} and create["_index"] == f"logs-{stream['dataset']}-{stream['namespace']}"


def pairs(plain: bytes, items: Collection[int]) -> dict[int, bytes]:
    """The two lines of each of `items`, by its place in the frame; absent for those that `plain` does not have whole."""
    found: dict[int, bytes] = {}
    wanted = items if isinstance(items, range) else frozenset(items)
    start = 0
    for item in range(max(items, default=-1) + 1):
        middle = plain.find(b"\n", start)
        end = plain.find(b"\n", middle + 1) if middle >= 0 else -1
        if end < 0:
            break
        if item in wanted:
            found[item] = plain[start : end + 1]
        start = end + 1
    return found


def pack(chosen: Sequence[bytes]) -> bytes:
    """Line pairs as one gzip member."""
    return isal_zlib.compress(b"".join(chosen), LEVEL, GZIP)


def shorten(pair: bytes) -> bytes:
    """The line pair with each long text of its document cut, and `log.flags` telling so; unchanged when it has none."""
    action, _, line = pair.partition(b"\n")
    try:
        document = orjson.loads(line)
        short = _cut(document)
    except (ValueError, RecursionError):
        return pair
    if short == document or not isinstance(short, dict):
        return pair
    log = short.setdefault("log", {})
    if isinstance(log, dict) and isinstance(flags := log.setdefault("flags", []), list) and "truncated" not in flags:
        flags.append("truncated")
    return action + b"\n" + orjson.dumps(short) + b"\n"


def _cut(value: Any) -> Any:
    match value:
        case str():
            return value[:ROOM]
        case dict():
            return {key: _cut(inner) for key, inner in value.items()}
        case list():
            return [_cut(inner) for inner in value]
        case _:
            return value
