"""Stores filled with documents of the agreed shape, and what Docker would print for them."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import orjson

from logagent.model import Batch, Container, Image
from logagent.store.lines import stamp
from logagent.store.retention import Budget
from logagent.store.store import Store

START = 1_790_000_000_000_000_000  # ns


@dataclass(frozen=True)
class Said:
    """One line that a container wrote."""

    container: Container
    text: str
    ns: int = START
    stderr: bool = False
    flags: tuple[str, ...] = ()

    def shown(self, *, timestamps: bool = False) -> bytes:
        """The line as Docker prints it."""
        newline = "\r\n" if self.container.tty and "bare_newline" not in self.flags else "\n"
        line = self.text + ("" if "partial" in self.flags else newline)
        return (stamp(self.ns) + b" " if timestamps else b"") + line.encode()

    def document(self, offset: int) -> bytes:
        """The line's document, as JSON, on one line."""
        value = {
            "message": self.text,
            "stream": "stderr" if self.stderr else "stdout",
            "@timestamp": time(self.ns),
            "log": {"offset": offset} | ({"flags": self.flags} if self.flags else {}),
            "container": {"id": self.container.id, "name": self.container.name, "labels": dict(self.container.labels)},
            "event": {"created": "2026-11-24T01:48:18.200Z"},
        }
        return orjson.dumps(value).replace(b"<", b"\\u003c").replace(b">", b"\\u003e")


def time(ns: int) -> str:
    """A time as Docker writes it: fraction without trailing zeros."""
    return stamp(ns).decode().rstrip("Z").rstrip("0").rstrip(".") + "Z"


def container(
    name: str, *, tty: bool = False, number: int = 0, labels: dict[str, str] | None = None, created: str = ""
) -> Container:
    """A container whose id is a function of its name and number."""
    cid = hashlib.sha256(f"{name}{number}".encode()).hexdigest()
    return Container(cid, name, Image("busybox"), labels or {}, tty=tty, created=created)


@contextmanager
def opened(folder: Path, segment_size: int = 1 << 20) -> Iterator[Store]:
    """A store that is open for writing."""
    store = Store(folder, Budget(1 << 30), segment_size=segment_size, frame_size=1 << 20, frame_time=1.0)
    yield store
    store.close()


def add(store: Store, frame: Sequence[Said]) -> None:
    """Store one frame of lines; lines of one container in a row are one batch."""
    store.catalog.remember({said.container.id: said.container for said in frame}.values())
    offset = 4711
    for _, group in groupby(frame, key=lambda said: said.container.id):
        batch = list(group)
        pieces = []
        for said in batch:
            name = f"{said.container.id[:12]}-{START:016x}-{offset:x}"
            pieces += [b'{"create":{"_id":"%b"}}\n' % name.encode(), said.document(offset), b"\n"]
            offset += 100
        times = [said.ns for said in batch]
        store.add(Batch(batch[0].container.id, b"".join(pieces), len(batch), times[0], times[-1], None), 0.0)
    assert store.commit(START / 1e9)


def fill(folder: Path, *frames: Sequence[Said]) -> Path:
    """Make a store of these frames; returns its folder."""
    with opened(folder) as store:
        for frame in frames:
            add(store, frame)
    return folder
