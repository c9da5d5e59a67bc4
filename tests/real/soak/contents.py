"""What arrived: the documents of the store and of the index, counted; and the agent's gaps by container."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
from isal import isal_zlib

from logagent.store.catalog import Catalog
from logagent.store.segment import Segments
from tests.real.servers.elasticsearch import Elasticsearch
from tests.real.soak.tally import Tally, take

Expected = Callable[[str, int], tuple[str, int]]
FIELDS = ("message", "stream", "container.name", "event.action")
GZIP = 31


def stored(store: Path, expected: Expected) -> dict[str, Tally]:
    """By container name what the store has, frame by frame."""
    tallies: dict[str, Tally] = {}
    for document in documents(store):
        _take(tallies, document, expected)
    return tallies


def messages(store: Path) -> Iterator[str]:
    """The messages of all lines that the store has, in its order; gap events are none."""
    return (str(document["message"]) for document in documents(store) if not is_gap(document))


def documents(store: Path) -> Iterator[dict[str, Any]]:
    """All documents of the store, in its order."""
    segments = Segments(store / "segments")
    with closing(Catalog(store / "catalog.db", read_only=True)) as catalog:
        after = 0
        while frames := catalog.frames_after(after, 64):
            for frame in frames:
                text = isal_zlib.decompress(segments.read(frame), GZIP)
                yield from map(orjson.loads, text.splitlines()[1::2])
            after = frames[-1].seq


def indexed(elasticsearch: Elasticsearch, stream: str, expected: Expected) -> dict[str, Tally]:
    """By container name what the index has, in no order."""
    tallies: dict[str, Tally] = {}
    for hit in elasticsearch.documents(stream, FIELDS):
        _take(tallies, hit["_source"], expected)
    return tallies


def gaps(store: Path) -> dict[str, int]:
    """Gaps by container name, of removed containers too."""
    query = "SELECT name, gaps FROM source JOIN container ON key=container"
    with closing(sqlite3.connect(f"file:{store}/catalog.db?mode=ro", uri=True)) as db:
        return dict(db.execute(query))


def unread(store: Path) -> set[str]:
    """The names of containers that the catalog has as being there."""
    with closing(sqlite3.connect(f"file:{store}/catalog.db?mode=ro", uri=True)) as db:
        return {str(name) for (name,) in db.execute("SELECT name FROM container WHERE removed IS NULL")}


def _take(tallies: dict[str, Tally], document: dict[str, Any], expected: Expected) -> None:
    container, message, stream = document["container"]["name"], document["message"], document["stream"]
    take(tallies, container, message, stream, gap=is_gap(document), expected=expected)


def is_gap(document: dict[str, Any]) -> bool:
    """Whether it is no line, but tells of a gap."""
    return bool(document.get("event", {}).get("action") == "gap")
