"""The catalog's rows as values, and back: pure, so that what the database holds is read in one place."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from logagent.model import Container, Frame, Gap, Generation, Image, Position, Progress, Stream


@dataclass(frozen=True, slots=True)
class Part:
    """What one container has in a frame: how many events, and their first and last time in ns."""

    events: int
    first_time: int
    last_time: int


@dataclass(frozen=True, slots=True)
class Known:
    """A container that the catalog remembers. `removed` is when it was seen gone (seconds), None while it is there."""

    key: int
    container: Container
    removed: float | None


@dataclass(frozen=True, slots=True)
class Source:
    """How far one container's log was read; `last_time` is the newest event's in ns, `updated` seconds, `lost_bytes` what gaps took at least."""

    container: str
    name: str
    progress: Progress
    events: int
    last_time: int
    gaps: int
    updated: float
    lost_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment as the catalog counts it; `last_seq` is its newest frame, `created` when that was written (seconds), `begun` its oldest."""

    id: int
    bytes: int
    closed: bool
    events: int
    last_seq: int
    created: float
    begun: float = 0.0


@dataclass(frozen=True, slots=True)
class Output:
    """How far one output got: every frame at or below `cursor` is delivered, dead or dropped. `delivered` includes `duplicates`.

    It gets what was stored after the first `origin` events; `since` is when its oldest waiting frame was written (seconds).
    """

    name: str
    cursor: int
    delivered: int
    duplicates: int
    dead: int
    dropped: int
    waiting: int
    origin: int = 0
    since: float | None = None


@dataclass(frozen=True, slots=True)
class Covered:
    """What a commit remembers besides its frame: by container id its part, progress and gaps; the accounting's increments; who has gone."""

    parts: Mapping[str, Part]
    progress: Mapping[str, Progress]
    gaps: Mapping[str, Sequence[Gap]]
    totals: Mapping[tuple[str, str], int]
    removed: Sequence[str] = ()


def frame(row: tuple[object, ...]) -> Frame:
    """A row of `frame`, in the order of its columns."""
    return Frame(*row)  # type: ignore[arg-type]  # the columns' types are the schema's


def container_row(c: Container) -> tuple[object, ...]:
    """A container as the columns id to created."""
    image = json.dumps([c.image.name, c.image.tag, c.image.digest])
    return (c.id, c.name, image, json.dumps(dict(c.labels)), c.tty, c.log_driver, c.log_path, c.created)


def known(row: tuple[object, ...]) -> Known:
    """A whole row of `container`."""
    key, cid, name, image, labels, tty, driver, path, created, removed = row
    container = Container(
        str(cid),
        str(name),
        Image(*json.loads(str(image))),
        json.loads(str(labels)),
        tty=bool(tty),
        log_driver=str(driver),
        log_path=path if isinstance(path, str) else None,
        running=removed is None,
        created=str(created),
    )
    return Known(int(key), container, removed)  # type: ignore[call-overload,arg-type]  # the columns' types are the schema's


def progress_row(p: Progress) -> tuple[str, int, str, int]:
    """Progress as the columns generation, offset, pending, inode."""
    pending = {s: [q.generation.token, q.offset] for s, q in p.pending.items()}
    return p.read.generation.token, p.read.offset, json.dumps(pending), p.inode


def progress(generation: object, offset: object, pending: object, inode: object) -> Progress:
    """The columns generation, offset, pending, inode as progress."""
    waiting: dict[Stream, Position] = {
        s: Position(Generation.parse(g), o) for s, (g, o) in json.loads(str(pending)).items()
    }
    return Progress(Position(Generation.parse(str(generation)), int(offset)), waiting, int(inode))  # type: ignore[call-overload]  # INTEGER columns
