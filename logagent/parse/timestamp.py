"""RFC 3339 times with up to nine digits of fraction, as integer nanoseconds: a float or a datetime would lose digits."""

import re
from datetime import UTC, datetime

_SHAPE = re.compile(rb"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(?:[.,](\d{1,9})\d*)?(Z|z|[+-]\d\d:\d\d)?\Z")


def time_ns(text: bytes) -> int:
    """Read `text` as nanoseconds since 1970, UTC when it names no zone.

    Raises ValueError when it is no time, or one that 64 bits cannot hold (1677 to 2262, as in Elasticsearch's `date_nanos`).
    """
    shape = _SHAPE.match(text)
    if shape is None:
        raise ValueError(f"not a time: {text[:40]!r}")
    base, fraction, zone = shape.groups()
    suffix = b"+00:00" if zone in (None, b"Z", b"z") else zone
    seconds = int(datetime.fromisoformat((base + suffix).decode()).timestamp())
    ns = seconds * 1_000_000_000 + int((fraction or b"0").ljust(9, b"0"))
    if not -(1 << 63) <= ns < 1 << 63:
        raise ValueError(f"beyond all times that are kept: {text[:40]!r}")
    return ns


def rfc3339(ns: int) -> str:
    """Write nanoseconds since 1970 as Docker does: UTC, `Z`, trailing zeros of the fraction trimmed."""
    seconds, rest = divmod(ns, 1_000_000_000)
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}{fraction}Z"
