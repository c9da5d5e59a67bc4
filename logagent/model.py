"""The words of the system as frozen values; it imports nothing of ours, and everything else speaks in it.

A container's log is one endless byte stream that happens to be cut into files. A `Generation` names one file's content
by the record that it begins with, so that the name survives renaming and compression; an offset counts decompressed
bytes from the start of that generation. Offsets are counted from bytes, never derived from text.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Self

Stream = Literal["stdout", "stderr"]


@dataclass(frozen=True, slots=True)
class Image:
    """An image reference in its parts: `registry:5000/team/app`, `1.2` or None, `sha256:…` or None."""

    name: str
    tag: str | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Container:
    """One container as the engine knows it. `log_path` is None for drivers that keep no json-file."""

    id: str
    name: str
    image: Image
    labels: Mapping[str, str] = field(default_factory=dict)
    tty: bool = False
    log_driver: str = "json-file"
    log_options: Mapping[str, str] = field(default_factory=dict)
    log_path: str | None = None
    running: bool = True
    created: str = ""

    @property
    def project(self) -> str | None:
        """The compose project or swarm stack that the container belongs to."""
        return self.labels.get("com.docker.compose.project") or self.labels.get("com.docker.stack.namespace")

    @property
    def service(self) -> str | None:
        """The compose or swarm service that the container belongs to."""
        return self.labels.get("com.docker.compose.service") or self.labels.get("com.docker.swarm.service.name")


FIELDS = ("service", "project", "container", "image")
"""What a template of a data stream's part may name: no more than `docker.{service}` needs, and nothing that is another one for each line."""


@dataclass(frozen=True, slots=True)
class Target:
    """The data stream of a container's documents. `own` tells that it is not the one that outputs send to unless told otherwise.

    `wanted` is the stream that it would have had, when there were too many of them already; else empty.
    """

    dataset: str
    namespace: str
    own: bool = False
    wanted: str = ""

    @property
    def stream(self) -> str:
        """The name of the data stream."""
        return f"logs-{self.dataset}-{self.namespace}"


@dataclass(frozen=True, slots=True)
class Generation:
    """Identity of one file's content.

    `time` is the time in ns of its first record (0 when that cannot be read). Files that begin with a piece of one long
    line share that time: `checksum` (of that first record; 0 when the record ends its line) and then `ordinal`, their
    order in the set, tell them apart.
    """

    time: int
    checksum: int = 0
    ordinal: int = 0

    def begins_like(self, other: Self) -> bool:
        """Tell whether files with these names begin with the same record."""
        return (self.time, self.checksum) == (other.time, other.checksum)

    def is_of(self, other: Self | None) -> bool:
        """Tell whether both name the same file, as far as a name can."""
        return other is not None and self.begins_like(other) and (not self.checksum or self.ordinal == other.ordinal)

    @property
    def token(self) -> str:
        """The generation's part of a document's id: fixed-width hex, so that ids sort as records do."""
        tail = f"{self.checksum:08x}" if self.checksum or self.ordinal else ""
        return f"{self.time:016x}{tail}" + (f"{self.ordinal:04x}" if self.ordinal else "")

    @classmethod
    def parse(cls, token: str) -> Self:
        """Read `token` back. Raises ValueError when it is none."""
        if len(token) not in (16, 24, 28):
            raise ValueError(f"not a generation: {token!r}")
        return cls(int(token[:16], 16), int(token[16:24] or "0", 16), int(token[24:] or "0", 16))


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a container's log: `offset` decompressed bytes into `generation`."""

    generation: Generation
    offset: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a source was read: all records before `read` are stored, but those of unfinished lines.

    `pending` has, by stream, the start of a line whose pieces have not all come yet, the oldest first: the times that files are
    named after do not always rise, so they cannot tell which is older. Reading goes on at `start`, and each stream's records before
    its own place are passed over: nothing is lost, and nothing of the other stream is repeated.
    """

    read: Position
    pending: Mapping[Stream, Position] = field(default_factory=dict)
    inode: int = 0

    @property
    def start(self) -> Position:
        """Where reading goes on: the oldest unfinished line, or the end of what was read."""
        return next(iter(self.pending.values()), self.read)


REBUILT = -1
"""The inode of a `Progress` that was made from stored documents: its places lie one byte behind the beginning of the newest
record of a stream. Reading begins at that record, which is passed over with all pieces of its line."""

GapReason = Literal["rotated", "lost_place", "lost_piece", "truncated", "unreadable", "released", "missed"]


@dataclass(frozen=True, slots=True)
class Gap:
    """Lines that were gone before they could be read, and why.

    `bytes` of the log are missing at least; `since` is the time of the last line before it, `until` of the first one behind
    it (ns; 0: unknown).
    """

    reason: GapReason
    bytes: int = 0
    since: int = 0
    until: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """Documents of one container on their way to the store: whole `_bulk` lines, and the progress that they cover.

    `events` counts the documents, `read` the events that they came from (the rest is in `filtered` and `dropped`, by
    reason). `first_time` and `last_time` are ns. `raw_bytes` counts the file's bytes that were read for it. `removed` tells
    that it is the container's last one.
    """

    container: str
    documents: bytes
    events: int
    first_time: int
    last_time: int
    progress: Progress | None
    raw_bytes: int = 0
    filtered: Mapping[str, int] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()
    problems: Mapping[str, int] = field(default_factory=dict)
    removed: bool = False

    @property
    def read(self) -> int:
        """Events read: stored, filtered and dropped together."""
        return self.events + sum(self.filtered.values()) + sum(self.dropped.values())


@dataclass(frozen=True, slots=True)
class Frame:
    """A batch of documents as it lies in a segment: one gzip member of `length` bytes at `offset` of segment `segment`."""

    seq: int
    segment: int
    offset: int
    length: int
    plain: int
    events: int
    first_time: int
    last_time: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A document that an output refused for good: `document` is its `_bulk` line pair, `time` seconds since 1970."""

    output: str
    frame: int
    item: int
    id: str
    status: int
    reason: str
    time: float
    document: bytes
