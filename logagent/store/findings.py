"""What can be wrong between segments and catalog, decided from what was read: pure. Each finding says where, what, and what to do."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from logagent.model import Frame
from logagent.store.contents import Malformed, documents
from logagent.store.member import Hole
from logagent.store.records import Output, Segment

Reason = Literal[
    "lost_catalog",
    "damaged_catalog",
    "missing",
    "unknown",
    "surplus",
    "hole",
    "place",
    "damaged",
    "documents",
    "length",
    "events",
    "parts",
    "accounts",
]

COPY = (
    "copy the segment back if there is a copy of it; else what stood here is gone, and all other frames stay readable"
)
CUT = "copy the segment aside if these bytes are wanted: the agent cuts them off when it starts, and reads again what Docker still has"
REBUILD = "stop the agent and run `logagent store verify --rebuild`, which makes the catalog anew from the segments"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something found in `segment` and `frame` (0: in none). `fault` is False for what needs no care; `mends` tells that a rebuild mends it."""

    reason: Reason
    segment: int
    frame: int
    what: str
    advice: str
    fault: bool = True
    mends: bool = False


def no_catalog(why: str, *, lost: bool) -> Finding:
    """The catalog is not there, or holds nothing of the segments that are; or it is damaged."""
    if lost:
        advice = "stop the agent and run `logagent store verify`, which makes it anew from the segments"
        return Finding("lost_catalog", 0, 0, why, advice, mends=True)
    advice = f"{REBUILD}, and keeps the damaged one beside it"
    return Finding("damaged_catalog", 0, 0, f"the catalog is damaged: {why}", advice, mends=True)


def missing(segment: Segment, frames: int) -> Finding:
    """A segment's file has gone."""
    what = f"the segment has gone, and {frames} frames with {segment.events} events with it"
    return Finding("missing", segment.id, 0, what, COPY)


def unknown(segment: int, size: int) -> Finding:
    """A segment lies there that the catalog does not know."""
    what = f"the catalog does not know this segment of {size} bytes, and the agent deletes it when it starts"
    return Finding("unknown", segment, 0, what, f"if its lines are wanted, {REBUILD}", mends=True)


def surplus(segment: int, size: int) -> Finding:
    """Bytes lie behind the last recorded frame, as a crash leaves them."""
    what = f"{size} bytes lie behind the last recorded frame"
    return Finding(
        "surplus",
        segment,
        0,
        what,
        "nothing: the agent cuts them off when it starts, and reads their lines again",
        fault=False,
    )


def hole(segment: int, frame: int, offset: int, length: int, whole: int) -> Finding:
    """Bytes before `frame` (0: the segment's end) belong to no frame; `whole` members lie in them."""
    what = f"bytes {offset} to {offset + length} belong to no frame"
    if whole:
        return Finding("hole", segment, frame, f"{what}, but {whole} whole frames lie there", REBUILD, mends=True)
    return Finding("hole", segment, frame, what, COPY)


def unreadable(segment: int, found: Hole, *, last: bool) -> Finding:
    """Bytes of a segment hold no whole member, seen without a catalog; `last` tells that the newest segment ends with them."""
    if last and found.torn:
        return surplus(segment, found.length)
    what = f"bytes {found.offset} to {found.offset + found.length} hold no whole frame: {found.why}"
    return Finding("damaged", segment, 0, what, CUT if last else COPY)


def place(frame: Frame, end: int) -> Finding:
    """A frame begins before the one before it ends, at `end`."""
    what = f"the catalog has it at byte {frame.offset}, inside of the frame before it, which ends at {end}"
    return Finding("place", frame.segment, frame.seq, what, REBUILD, mends=True)


def short(segment: Segment, end: int) -> Finding:
    """The catalog has frames behind the end that it has of their segment."""
    what = (
        f"the catalog ends the segment at byte {segment.bytes}, its last frame at {end}: the agent would cut frames off"
    )
    return Finding("place", segment.id, 0, what, REBUILD, mends=True)


def damaged(frame: Frame, why: str) -> Finding:
    """A frame cannot be read."""
    return Finding("damaged", frame.segment, frame.seq, f"{why}; its {frame.events} events cannot be read", COPY)


def judge(frame: Frame, parts: Mapping[str, int], text: bytes) -> Iterator[Finding]:
    """Compare a frame's text with what the catalog has of it; `parts` has its events by container id."""

    def differs(reason: Reason, what: str) -> Finding:
        return Finding(reason, frame.segment, frame.seq, what, REBUILD, mends=True)

    if len(text) != frame.plain:
        yield differs("length", f"its text has {len(text)} bytes, {frame.plain} in the catalog")
    try:
        found = Counter(document.container.decode() for document in documents(text))
    except Malformed as malformed:
        yield Finding("documents", frame.segment, frame.seq, str(malformed), COPY)
        return
    if found.total() != frame.events:
        yield differs("events", f"it has {found.total()} events, {frame.events} in the catalog")
    told = Counter[str]()
    for container, events in parts.items():
        told[container[:12]] += events
    for digits in sorted(found.keys() | told.keys()):
        if found[digits] != told[digits]:
            yield differs(
                "parts", f"it has {found[digits]} events of container {digits}, {told[digits]} in the catalog"
            )


@dataclass(frozen=True, slots=True)
class Sums:
    """The catalog's accounts as of one moment, beside what its frames have together.

    `kept` are the events of all frames; `complete` tells that no segment was ever removed; `strays` counts rows of frames and
    parts whose segment or frame is not in the catalog.
    """

    totals: Mapping[tuple[str, str], int]
    outputs: Sequence[Output]
    kept: int
    complete: bool
    strays: int = 0


def corrected(sums: Sums, off: Mapping[int, int]) -> Sums:
    """Set right what frames were found to have more (or less) than the catalog says, by frame: that is told already."""
    waiting = [o.waiting + sum(n for seq, n in off.items() if seq > o.cursor) for o in sums.outputs]
    outputs = [replace(o, waiting=number) for o, number in zip(sums.outputs, waiting, strict=True)]
    return replace(sums, outputs=outputs, kept=sums.kept + sum(off.values()))


def accounts(sums: Sums) -> Iterator[Finding]:
    """Judge what can be: the sums of the accounting, and that no more is kept than was ever stored."""
    by_name = Counter[str]()
    for (name, _), number in sums.totals.items():
        by_name[name] += number
    stored, parts = by_name["stored"], by_name["stored"] + by_name["filtered"] + by_name["dropped"]
    if by_name["read"] != parts:
        yield _sum(f"{by_name['read']} events were read, but stored, filtered and dropped are {parts} together")
    if sums.kept > stored or (sums.complete and sums.kept != stored):
        yield _sum(f"{stored} events were stored, but the frames have {sums.kept}")
    for o in sums.outputs:
        done = o.delivered + o.dead + o.dropped + o.waiting
        if stored - o.origin != done:
            yield _sum(
                f"{stored - o.origin} events are for output {o.name}, but delivered, dead, dropped and waiting are {done}"
            )
    if sums.strays:
        yield _sum(f"{sums.strays} rows belong to no frame or segment")


def _sum(what: str) -> Finding:
    return Finding(
        "accounts", 0, 0, what, f"only the counts are wrong, no line is; to count anew, {REBUILD}", mends=True
    )
