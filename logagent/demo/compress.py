"""Compression of a rotated file, as dockerd does it: `.1` → `.1.gz`, then `.1` goes.

The gzip header has an extra field that holds raw JSON with the last record's time (not RFC 1952's subfields), no name, no
time, and 255 (unknown) as its system.
"""

import os
import struct
import zlib
from collections.abc import Iterator

from logagent.demo.record import render_time

CHUNK = 32768


def compress_file(path: str, last_time: int) -> Iterator[None]:
    """Compress `path` to `<path>.gz` and unlink it; a step after each chunk, so that both exist in between."""
    with open(path, "rb") as source, open(f"{path}.gz", "wb", opener=_open) as target:
        for chunk in gzip_member(iter(lambda: source.read(CHUNK), b""), last_time):
            target.write(chunk)
            target.flush()
            yield
    os.unlink(path)


def gzip_member(plain: Iterator[bytes], last_time: int) -> Iterator[bytes]:
    """Compress the chunks of `plain` into one member whose header tells `last_time` (ns)."""
    extra = b'{"lastTime":"%s"}' % render_time(last_time).encode()
    yield struct.pack("<4BI2BH", 0x1F, 0x8B, zlib.DEFLATED, 4, 0, 0, 255, len(extra)) + extra
    deflate, checksum, size = zlib.compressobj(wbits=-zlib.MAX_WBITS), 0, 0
    for chunk in plain:
        checksum, size = zlib.crc32(chunk, checksum), size + len(chunk)
        yield deflate.compress(chunk)
    yield deflate.flush() + struct.pack("<2I", checksum, size & 0xFFFFFFFF)


def _open(path: str, _: int) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
