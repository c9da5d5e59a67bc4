r"""One line of a json-file log, byte for byte as dockerd writes it. Pure.

Facts: the record's parts and their order, the escapes of its value (each invalid byte becomes the six characters `\ufffd`),
the time with its trailing zeros trimmed, and the pieces of 16 KiB that a long line is cut into.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from logagent.model import Stream

PIECE = 16384  # bytes of a line that the engine reads into one record

_SHORT = {0x5C: "\\\\", 0x22: '\\"', 0x0A: "\\n", 0x0D: "\\r"}
_ESCAPES = {
    **{code: f"\\u{code:04x}" for code in (*range(0x20), *b"<>&", 0x2028, 0x2029)},
    **_SHORT,
    **dict.fromkeys(range(0xDC80, 0xDD00), "\\ufffd"),  # a byte that is no UTF-8, as surrogateescape decodes it
}


def escape(data: bytes) -> bytes:
    """Write `data` as the inside of a JSON string, as the engine does."""
    return data.decode("utf-8", "surrogateescape").translate(_ESCAPES).encode()


def render_time(time_ns: int) -> str:
    """Write a time in RFC 3339 with 0 to 9 digits of fraction, without trailing zeros, always in UTC."""
    seconds, nanos = divmod(time_ns, 10**9)
    fraction = f".{nanos:09d}".rstrip("0").rstrip(".")
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}{fraction}Z"


def render(log: bytes, stream: Stream, time_ns: int, attrs: Mapping[str, str] | None = None) -> bytes:
    """Write one record: `log` is a line with its newline, or a piece of one. An empty `log` is left out."""
    value = b'"log":"%s",' % escape(log) if log else b""
    extra = b'"attrs":{%s},' % b",".join(_pairs(attrs)) if attrs else b""
    return b'{%s"stream":"%s",%s"time":"%s"}\n' % (value, stream.encode(), extra, render_time(time_ns).encode())


def pieces(data: bytes) -> Iterator[bytes]:
    """Cut what a container printed into the `log` values of its records: lines, and pieces of lines longer than 16 KiB."""
    *whole, rest = data.split(b"\n")
    for line in [*(line + b"\n" for line in whole), rest]:
        for start in range(0, len(line), PIECE):
            yield line[start : start + PIECE]


def _pairs(attrs: Mapping[str, str]) -> Iterator[bytes]:
    for key in sorted(attrs):
        yield b'"%s":"%s"' % (_marshal(key), _marshal(attrs[key]))


def _marshal(text: str) -> bytes:
    """Go's own encoder, which writes the attributes, has a short form for the tab."""
    return text.translate(_ESCAPES | {0x09: "\\t"}).encode()
