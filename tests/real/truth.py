"""What dockerd wrote of a container, from its json-file: with this the store must agree, whatever happened to the container."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import orjson

from tests.real.soak import contents


class Line(NamedTuple):
    """One line: where it was printed, its text, its time as dockerd wrote it."""

    stream: str
    text: str
    time: str


def written(log: Path) -> list[Line]:
    """The lines in the live file `log` and the uncompressed rotated ones beside it, in their order."""
    rotated = sorted(log.parent.glob(f"{log.name}.*"), key=lambda path: -int(path.suffix[1:]))
    return list(_lines(b"".join(path.read_bytes() for path in (*rotated, log))))


def stored(store: Path, container: str) -> list[Line]:
    """The lines of the container with this name in the store, in its order."""
    return [
        Line(d["stream"], d["message"], d["@timestamp"])
        for d in contents.documents(store)
        if d["container"]["name"] == container and not contents.is_gap(d)
    ]


def _lines(content: bytes) -> Iterator[Line]:
    begun: dict[str, str] = {}
    for row in content.splitlines():
        record = orjson.loads(row)
        text = begun.pop(record["stream"], "") + record["log"]
        if text.endswith("\n"):
            yield Line(record["stream"], text.rstrip("\r\n"), record["time"])
        else:
            begun[record["stream"]] = text
