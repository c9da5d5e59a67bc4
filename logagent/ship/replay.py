"""Stored frames made into loads that are sent again: those of some containers, between two times.

A frame all of whose events are meant goes out as it lies on disk. Of others the meant documents are packed anew, each with the id
that it always had, so that an index which has it already says so and keeps one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from logagent.model import Container, Frame
from logagent.ship.body import pack, pairs, sound, unpack
from logagent.ship.resend import Load
from logagent.store.index import NEWEST, SLACK, Index
from logagent.store.lines import action, parse, stamp
from logagent.store.records import Known
from logagent.store.segment import Segments

ANY = 1 << 62


@dataclass(frozen=True, slots=True)
class Span:
    """What is meant: these containers (None: all), from `since` to `until` (ns, both included; None: open)."""

    containers: tuple[Known, ...] | None = None
    since: int | None = None
    until: int | None = None

    @property
    def keys(self) -> tuple[int, ...] | None:
        """The containers' keys in the catalog."""
        return None if self.containers is None else tuple(known.key for known in self.containers)

    def covers(self, frame: Frame, events: int) -> bool:
        """Whether all of `frame` is meant, `events` of which are of the containers."""
        # A frame's times are those of first and last records, between which streams interleave and clocks may step.
        late = self.since is None or frame.first_time - SLACK >= self.since
        early = self.until is None or frame.last_time + SLACK <= self.until
        return events == frame.events and late and early


@dataclass(slots=True)
class Lost:
    """Events that could not be read: in segments that the store let go meanwhile, or damaged on disk."""

    removed: int = 0
    damaged: int = 0


class Replay:
    """The frames up to the newest one now that hold what `span` means. Raises Failure(STORE) when the catalog cannot be read."""

    def __init__(self, index: Index, segments: Segments, span: Span, *, most: int = ANY) -> None:
        self._index, self._segments, self._span, self._most = index, segments, span, most
        self._last = index.newest()
        self._chosen = Chosen(None if span.containers is None else [k.container for k in span.containers], span)
        self.lost = Lost()

    @property
    def total(self) -> int:
        """How many events the frames have of the containers, those of other times too."""
        return self._index.events(self._span.keys, last=self._last, **self._times())

    def loads(self) -> Iterator[Load]:
        """Everything that is meant, oldest frame first, at most `most` events in a load."""
        skipped = 0
        for frame, events in self._index.frames(self._span.keys, last=self._last, **self._times()):
            loads = self._of_frame(frame, events)
            skipped += events - sum(load.events for load in loads)
            for load in loads:
                yield Load(load.events, load.member, load.events + skipped)
                skipped = 0

    def _times(self) -> dict[str, int]:
        since, until = self._span.since, self._span.until
        return {"since": since or 0, "until": NEWEST if until is None else until}

    def _of_frame(self, frame: Frame, events: int) -> list[Load]:
        try:
            member = self._segments.read(frame)
        except FileNotFoundError:
            self.lost.removed += events
            return []
        except OSError:
            self.lost.damaged += events
            return []
        plain, intact = unpack(member)
        if intact and frame.events <= self._most and self._span.covers(frame, events):
            return [Load(frame.events, member)]
        return self._packed(frame, plain, intact=intact)

    def _packed(self, frame: Frame, plain: bytes, *, intact: bool) -> list[Load]:
        found = list(pairs(plain, range(frame.events)).values())
        if not intact:
            found = [pair for pair in found if sound(pair)]
            self.lost.damaged += frame.events - len(found)
        meant = [pair for pair in found if self._chosen.has(pair)]
        parts = [meant[at : at + self._most] for at in range(0, len(meant), min(self._most, frame.events))]
        return [Load(len(part), pack(part)) for part in parts]


class Chosen:
    """Tells which line pairs are meant: by the container in their id, and by their time."""

    def __init__(self, containers: Sequence[Container] | None, span: Span) -> None:
        self._prefixes = None if containers is None else frozenset(map(action, (c.id for c in containers)))
        self._length = len(action("0" * 64))
        self._since = None if span.since is None else stamp(span.since)
        self._until = None if span.until is None else stamp(span.until)

    def has(self, pair: bytes) -> bool:
        """Whether the document of `pair` is meant."""
        if self._prefixes is not None and pair[: self._length] not in self._prefixes:
            return False
        if self._since is None and self._until is None:
            return True
        time = parse(pair.split(b"\n", 2)[1]).stamp
        return (self._since is None or time >= self._since) and (self._until is None or time <= self._until)
