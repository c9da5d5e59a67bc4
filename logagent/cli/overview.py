"""What there is to tell about a store: sources, frames, outputs, and what needs attention. Data first, for table, JSON and live view alike.

It is made from the catalog, so it can be had while the agent runs and after it; whoever makes it says how far each source lags.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from logagent.cli.human import clean, count, size, span
from logagent.model import Container, Progress
from logagent.store.catalog import Catalog
from logagent.store.records import Output, Segment, Source

PATIENCE = 60.0  # seconds that lines may wait without anybody being told
NEARLY = 0.9  # share of the budget from which undelivered frames are told

LagOf = Callable[[Container, Progress], int | None]
"""Bytes of a container's log that are not read; None when that cannot be told."""


@dataclass(frozen=True, slots=True)
class Line:
    """One source: `lag_bytes` are not read; `lag_seconds` is how old the newest stored event is, 0 when all is read. None: unknown."""

    id: str
    name: str
    events: int
    gaps: int
    updated: float
    lag_bytes: int | None
    lag_seconds: float | None


@dataclass(frozen=True, slots=True)
class Overview:
    """The whole store at `time`. `totals` as in the catalog; `undelivered` bytes of `size` are kept for an output.

    `notes` are sentences of the running agent on what hinders it, where there is one to ask.
    """

    time: float
    running: bool
    sources: tuple[Line, ...]
    outputs: tuple[Output, ...]
    totals: Mapping[tuple[str, str], int]
    frames: int
    last_frame: int
    segments: int
    size: int
    max_size: int
    undelivered: int
    notes: tuple[str, ...] = ()

    def total(self, name: str) -> int:
        """Sum of one of the accounting's counters over all reasons."""
        return sum(number for (counted, _), number in self.totals.items() if counted == name)


def overview(catalog: Catalog, lag_of: LagOf, *, running: bool, max_size: int, now: float) -> Overview:
    """Read everything from `catalog`."""
    totals, outputs = catalog.accounting()
    segments, last, oldest = catalog.segments(), catalog.last_frame(), catalog.frames_after(0, 1)
    known = {k.container.id: k.container for k in catalog.containers()}
    lines = [_line(s, lag_of(known[s.container], s.progress), now) for s in catalog.sources() if s.container in known]
    return Overview(
        time=now,
        running=running,
        sources=tuple(lines),
        outputs=tuple(outputs),
        totals=totals,
        frames=last - oldest[0].seq + 1 if oldest else 0,
        last_frame=last,
        segments=len(segments),
        size=catalog.size() + sum(segment.bytes for segment in segments),
        max_size=max_size,
        undelivered=_undelivered(segments, outputs),
    )


def attention(view: Overview) -> list[str]:
    """Tell in sentences what needs somebody's attention; empty when all is well."""
    return [*view.notes, *_behind(view), *_waiting(view), *_room(view), *_lost(view)]


def headline(view: Overview, troubles: Sequence[str]) -> str:
    """Say in one sentence whether all is well."""
    sources = count(len(view.sources), "source")
    agent = f"the agent runs and reads {sources}" if view.running else "no agent runs on this store"
    if troubles:
        return f"{count(len(troubles), 'thing')} to look at; {agent}."
    stored = count(view.total("stored"), "event")
    if view.running:
        return f"All is well: {agent}, {stored} stored."
    return f"All is well, but {agent}: what {sources} had is read, {stored} stored."


def as_json(view: Overview, troubles: Sequence[str]) -> dict[str, object]:
    """Make what `--json` prints: bytes, seconds, counts; times are seconds since 1970."""
    return {
        "time": view.time,
        "healthy": not troubles,
        "attention": list(troubles),
        "agent": {"running": view.running},
        "store": {
            "bytes": view.size,
            "max_bytes": view.max_size,
            "undelivered_bytes": view.undelivered,
            "segments": view.segments,
            "frames": view.frames,
            "last_frame": view.last_frame,
        },
        "events": {
            "read": view.total("read"),
            "stored": view.total("stored"),
            **{name: _reasons(view, name) for name in ("filtered", "dropped", "problems")},
            "gaps": view.total("gaps"),
            "gap_reasons": _reasons(view, "gaps"),
            "lost_bytes": view.total("lost_bytes"),
            "read_bytes": view.total("bytes"),
        },
        "outputs": [_output(o, view.total("stored"), view.time) for o in view.outputs],
        "sources": [_source(line) for line in view.sources],
    }


def _line(source: Source, lag: int | None, now: float) -> Line:
    age = max(0.0, now - source.last_time / 1e9) if source.last_time else None
    seconds = 0.0 if lag == 0 else age
    return Line(
        source.container,
        clean(source.name),
        source.events,
        source.gaps,
        source.updated,
        lag,
        None if lag is None else seconds,
    )


def _undelivered(segments: Sequence[Segment], outputs: Sequence[Output]) -> int:
    cursor = min((output.cursor for output in outputs), default=None)
    return 0 if cursor is None else sum(s.bytes for s in segments if s.last_seq > cursor)


def _behind(view: Overview) -> Iterator[str]:
    late = [line for line in view.sources if line.lag_bytes]
    if late and not view.running:
        unread = sum(line.lag_bytes or 0 for line in late)
        yield f"no agent runs, and {size(unread)} of {count(len(late), 'source')} are not read: start it with `logagent run`"
    if view.running:
        for line in late:
            if view.time - line.updated > PATIENCE:
                quiet = span(view.time - line.updated)
                yield f"{line.name}: {size(line.lag_bytes or 0)} are not read, and nothing was for {quiet}: see the agent's log"


def _waiting(view: Overview) -> Iterator[str]:
    for output in view.outputs:
        waited = view.time - output.since if output.since is not None else 0.0
        if output.waiting and (waited > PATIENCE or not view.running):
            why = "see the agent's log" if view.running else "start the agent with `logagent run`"
            yield f"{output.name}: {count(output.waiting, 'event')} not delivered yet, the oldest stored {span(waited)} ago: {why}"


def _room(view: Overview) -> Iterator[str]:
    if view.outputs and view.undelivered > NEARLY * view.max_size:
        share = 100 * view.undelivered / view.max_size
        yield (
            f"the store is full to {share:.0f} % with frames that are not delivered: see what hinders the output, or raise store.max_size"
        )


def _lost(view: Overview) -> Iterator[str]:
    if gaps := view.total("gaps"):
        where = ", ".join(f"{line.name}: {line.gaps}" for line in view.sources if line.gaps)
        why = ", ".join(f"{reason}: {n:,}" for reason, n in _reasons(view, "gaps").items())
        lost = f", at least {size(view.total('lost_bytes'))} of them" if view.total("lost_bytes") else ""
        behind = f" ({where})" if where else ""
        yield f"{count(gaps, 'gap')} ({why}): lines were gone before they could be read{lost}{behind}"
    if view.total("dropped"):
        reasons = ", ".join(f"{reason or 'unknown'}: {n:,}" for reason, n in _reasons(view, "dropped").items())
        yield f"{count(view.total('dropped'), 'event')} dropped before they were stored ({reasons})"
    for output in view.outputs:
        if output.dead:
            yield f"{output.name}: {count(output.dead, 'event')} refused for good and kept as dead letters: `logagent dead list` tells why"
        wanting = output.dropped - view.totals.get(("dead_letters_dropped", output.name), 0)
        if wanting:
            yield f"{output.name}: {count(wanting, 'event')} let go undelivered, for want of room in the store"


def _reasons(view: Overview, name: str) -> dict[str, int]:
    return {reason: number for (counted, reason), number in view.totals.items() if counted == name}


def _output(output: Output, stored: int, now: float) -> dict[str, object]:
    return {
        "name": output.name,
        "cursor": output.cursor,
        "events": stored - output.origin,
        "delivered": output.delivered,
        "duplicates": output.duplicates,
        "dead_letters": output.dead,
        "dropped": output.dropped,
        "waiting": output.waiting,
        "waiting_seconds": 0.0 if output.since is None else max(0.0, now - output.since),
    }


def _source(line: Line) -> dict[str, object]:
    return {
        "container": {"id": line.id, "name": line.name},
        "events": line.events,
        "gaps": line.gaps,
        "lag_bytes": line.lag_bytes,
        "lag_seconds": line.lag_seconds,
        "updated": line.updated,
    }
