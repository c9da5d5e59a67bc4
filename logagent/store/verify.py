"""Checking a store: every frame of the catalog against the bytes that lie in the segments. It only reads.

It may run beside an agent: what the store's limits remove meanwhile is asked for again before it counts as a problem, and what is
written meanwhile is left to the next time. One frame's text is in memory at a time, and a page of the catalog's rows.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from logagent.errors import Exit, Failure
from logagent.model import Frame
from logagent.store import findings, records
from logagent.store.catalog import Catalog
from logagent.store.findings import Finding, Sums
from logagent.store.member import Broken, Hole, Member, inflate, members, slices
from logagent.store.records import Segment
from logagent.store.segment import Segments

PAGE = 256
COMPLAINTS = 20  # of SQLite's about its own file: more say no more
TABLES = ("identity", "segment", "frame", "container", "part", "source", "total", "output", "dead_letter")


@dataclass(frozen=True, slots=True)
class Condition:
    """How the catalog is: `whole`, `lost` (absent, or empty although there are segments) or `damaged`; and what is wrong with it."""

    kind: Literal["whole", "lost", "damaged"]
    complaints: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What was checked, and all that was found. Without a catalog, frames and events are those that can be read."""

    found: tuple[Finding, ...]
    segments: int
    frames: int
    events: int

    @property
    def problems(self) -> list[Finding]:
        """The findings that need somebody's care."""
        return [finding for finding in self.found if finding.fault]


def condition(folder: Path) -> Condition:
    """Look at the catalog of the store in `folder`. Raises Failure(STORE) when there is no store, or it cannot be read."""
    path = folder / "catalog.db"
    try:
        lying, there = _filled(Segments(folder / "segments")), path.exists()
    except PermissionError as error:
        raise _not_allowed(folder, error) from error
    if not there and not lying:
        raise Failure(f"there is no store at {folder}: name its folder with --store", Exit.STORE)
    if not there:
        return _lost(f"there are {len(lying)} segments, but no catalog.db")
    try:
        complaints = _integrity(path)
    except sqlite3.OperationalError as error:
        raise Failure(
            f"the catalog {path} cannot be read ({error}): check that this user may read it", Exit.STORE
        ) from error
    except sqlite3.DatabaseError as error:
        complaints = [str(error)]
    if complaints:
        return Condition("damaged", tuple(findings.no_catalog(why, lost=False) for why in complaints))
    with closing(Audit(path)) as audit:
        never_used = not audit.newest_segment()
    return _lost(f"there are {len(lying)} segments, but the catalog was begun anew") if lying and never_used else WHOLE


def verify(folder: Path, *, running: bool) -> Report:
    """Check the store in `folder`; `running` tells that an agent uses it. Raises Failure(STORE) when it cannot be read."""
    state = condition(folder)
    segments = Segments(folder / "segments")
    try:
        return _with_catalog(folder, segments, running=running) if state.kind == "whole" else _alone(segments, state)
    except sqlite3.Error as error:
        raise Failure(f"the catalog of {folder} cannot be read ({error}): try again", Exit.STORE) from error
    except PermissionError as error:
        raise _not_allowed(folder, error) from error


class Audit(Catalog):
    """The catalog at `path`, with the questions that only a check asks; for reading only."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, read_only=True)

    def extent(self, segment: int) -> tuple[int, bool] | None:
        """How long the catalog takes `segment` to be now, and whether it is closed; None when it does not know it."""
        rows = self._rows("SELECT bytes, closed FROM segment WHERE id=?", segment)
        return (int(rows[0][0]), bool(rows[0][1])) if rows else None  # type: ignore[call-overload]  # INTEGER columns

    def frames_of_segment(self, segment: Segment) -> Iterator[Frame]:
        """The frames that `segment` had when it was asked for, in their order."""
        after = 0
        while rows := self._rows(
            "SELECT seq, segment, offset, length, plain, events, first_time, last_time FROM frame WHERE segment=? AND seq>? AND seq<=? ORDER BY seq LIMIT ?",
            segment.id,
            after,
            segment.last_seq,
            PAGE,
        ):
            yield from (frames := [records.frame(row) for row in rows])
            after = frames[-1].seq

    def parts(self, frame: int) -> dict[str, int]:
        """How many events of which container (by its id) the frame with this number has."""
        rows = self._rows(
            "SELECT coalesce(id, 'no container'), part.events FROM part LEFT JOIN container ON key=container WHERE frame=?",
            frame,
        )
        return {str(cid): int(events) for cid, events in rows}  # type: ignore[call-overload]  # an INTEGER column

    def has_frame(self, frame: int) -> bool:
        """Tell whether the frame with this number is still stored."""
        return bool(self._rows("SELECT 1 FROM frame WHERE seq=?", frame))

    def sums(self) -> Sums:
        """The accounts and what the frames have together, as of one moment."""
        with self._transaction("DEFERRED"):
            kept = self._number("SELECT coalesce(sum(events), 0) FROM frame")
            gone = self._number("SELECT (SELECT coalesce(max(seq), 0) FROM frame) - (SELECT count(*) FROM frame)")
            strays = self._number(
                "SELECT (SELECT count(*) FROM part WHERE frame NOT IN (SELECT seq FROM frame)) "
                "+ (SELECT count(*) FROM frame WHERE segment NOT IN (SELECT id FROM segment))"
            )
            complete = not gone and self._number("SELECT count(*) FROM segment") == self.newest_segment()
            return Sums(self.totals(), self.outputs(), kept, complete, strays)


class Check:
    """One check of `segments` against `audit`; counts what it has checked."""

    def __init__(self, audit: Audit, segments: Segments, *, running: bool) -> None:
        self._audit, self._segments, self._running = audit, segments, running
        self._off: dict[int, int] = {}
        self.segments = self.frames = self.events = 0

    def findings(self, lying: list[int]) -> Iterator[Finding]:
        """Find all that is wrong; `lying` are the segments that lay there before the catalog is asked."""
        known = self._audit.segments()
        for segment in known:
            self.segments += 1
            yield from self._segment(segment)
        for number in sorted(set(lying) - {segment.id for segment in known}):
            if (size := self._segments.length(number)) and self._audit.extent(number) is None:
                yield findings.unknown(number, size)
        yield from findings.accounts(findings.corrected(self._audit.sums(), self._off))

    def _segment(self, segment: Segment) -> Iterator[Finding]:
        path = self._segments.path(segment.id)
        if segment.bytes and not path.exists():
            if self._audit.extent(segment.id) is not None:
                yield findings.missing(segment, sum(1 for _ in self._audit.frames_of_segment(segment)))
            return
        end = 0
        for frame in self._audit.frames_of_segment(segment):
            found = [*self._layout(frame, end)]
            if frame.offset >= end:  # else it is not where the catalog says, and what lies there is another's
                found += self._frame(frame)
            if found and not self._audit.has_frame(frame.seq):
                return  # the store's limits removed the segment meanwhile
            self.frames, self.events = self.frames + 1, self.events + frame.events
            yield from found
            end = max(end, frame.offset + frame.length)
        yield from self._end(segment, end)

    def _layout(self, frame: Frame, end: int) -> Iterator[Finding]:
        if frame.offset > end:
            yield self._hole(frame.segment, frame.seq, end, frame.offset)
        if frame.offset < end:
            yield findings.place(frame, end)

    def _frame(self, frame: Frame) -> Iterator[Finding]:
        try:
            member = self._segments.read(frame)
            text, length = inflate(slices(member))
        except PermissionError:
            raise
        except (OSError, Broken) as error:
            yield findings.damaged(frame, str(error))
            return
        if length != len(member):
            yield findings.damaged(frame, f"its gzip member has {length} bytes, {len(member)} in the catalog")
            return
        found = list(findings.judge(frame, self._audit.parts(frame.seq), text))
        if any(finding.reason == "events" for finding in found):
            self._off[frame.seq] = text.count(b"\n") // 2 - frame.events
        yield from found

    def _end(self, segment: Segment, end: int) -> Iterator[Finding]:
        if end > segment.bytes:
            yield findings.short(segment, end)
        if end < segment.bytes <= self._segments.length(segment.id):
            yield self._hole(segment.id, 0, end, segment.bytes)
        length = self._segments.length(segment.id)
        size, closed = self._audit.extent(segment.id) or (length, True)
        written_to = self._running and not closed
        if not written_to and length > max(end, size):
            yield findings.surplus(segment.id, length - max(end, size))

    def _hole(self, segment: int, frame: int, start: int, end: int) -> Finding:
        try:
            whole = sum(isinstance(m, Member) for m in members(self._segments.path(segment), start, end))
        except OSError:
            whole = 0
        return findings.hole(segment, frame, start, end - start, whole)


WHOLE = Condition("whole")


def _lost(why: str) -> Condition:
    return Condition("lost", (findings.no_catalog(why, lost=True),))


def _filled(segments: Segments) -> list[int]:
    """The segments that lie there with anything in them; one that is empty was only begun."""
    return [number for number in segments.numbers() if segments.length(number)]


def _integrity(path: Path) -> list[str]:
    """What SQLite has to say against the file at `path`. Raises sqlite3.Error."""
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)
    try:
        complaints = [str(row[0]) for row in db.execute(f"PRAGMA integrity_check({COMPLAINTS})")]
        there = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type='table'")}
    finally:
        db.close()
    if complaints != ["ok"]:
        return [" ".join(complaint.split()) for complaint in complaints]
    absent = [table for table in TABLES if table not in there]
    return [f"it has no table {', '.join(absent)}"] if absent else []


def _not_allowed(folder: Path, error: PermissionError) -> Failure:
    return Failure(
        f"the store at {folder} cannot be read ({error}): run this as the agent's user or as root", Exit.STORE
    )


def _with_catalog(folder: Path, segments: Segments, *, running: bool) -> Report:
    lying = _filled(segments)
    with closing(Audit(folder / "catalog.db")) as audit:
        check = Check(audit, segments, running=running)
        found = tuple(check.findings(lying))
    return Report(found, check.segments, check.frames, check.events)


def _alone(segments: Segments, state: Condition) -> Report:
    """Tell what the segments have by themselves, without a catalog."""
    found, frames, events = list(state.complaints), 0, 0
    lying = _filled(segments)
    for number in lying:
        size = segments.length(number)
        for one in members(segments.path(number)):
            if isinstance(one, Hole):
                last = number == lying[-1] and one.offset + one.length == size
                found.append(findings.unreadable(number, one, last=last))
            else:
                frames, events = frames + 1, events + one.text.count(b"\n") // 2
    return Report(tuple(found), len(lying), frames, events)
