"""What arrived: the documents of the store and of the index, counted; and the agent's gaps by container."""

import sqlite3
from collections.abc import Callable
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
    segments = Segments(store / "segments")
    with closing(Catalog(store / "catalog.db", read_only=True)) as catalog:
        after = 0
        while frames := catalog.frames_after(after, 64):
            for frame in frames:
                text = isal_zlib.decompress(segments.read(frame), GZIP)
                for line in text.splitlines()[1::2]:
                    _take(tallies, orjson.loads(line), expected)
            after = frames[-1].seq
    return tallies


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
    gap = document.get("event", {}).get("action") == "gap"
    take(tallies, document["container"]["name"], document["message"], document["stream"], gap=gap, expected=expected)
