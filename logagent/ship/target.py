"""Where frames go: to a data stream, by way of an ingest pipeline, or all into one plain index. Pure.

A frame names in its action lines those data streams only that are not the output's own. Frames are kept for long and sent to
several outputs: one that writes to a plain index takes the names out again as it sends, since they would win over the path.
"""

import re
from urllib.parse import quote

import orjson

from logagent.ship import bulk
from logagent.ship.body import pack, unpack

NAMED = b'","_index":"'
# No document of ours begins as an action does, and no text in it can begin a line.
_NAMED = re.compile(rb'^(\{"create":\{"_id":"[^"]*"),"_index":"[^"]*"\}\}$', re.MULTILINE)


def path(where: str, pipeline: str | None = None) -> str:
    """The target of a `_bulk` request into the data stream or index `where`."""
    chosen = f"pipeline={quote(pipeline, safe='')}&" if pipeline else ""
    return f"/{quote(where, safe='')}/_bulk?{chosen}{bulk.TARGET}"


def without_index(member: bytes) -> bytes:
    """The gzip member whose action lines name no index; `member` itself when they do not, or when it is damaged."""
    plain, intact = unpack(member)
    if not intact or NAMED not in plain:
        return member
    return pack([_NAMED.sub(rb"\1}}", plain)])


def named(pair: bytes) -> str | None:
    """The data stream that the action of a line pair names; None for the output's own, and for a pair that is none."""
    try:
        index = orjson.loads(pair.partition(b"\n")[0])["create"].get("_index")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return index if isinstance(index, str) else None
