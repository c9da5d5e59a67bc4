"""The store as its writer sees it: take batches in, commit frames, keep to the budget, mend at opening.

It owns the segment being written. `commit` either makes a frame and everything it covers remembered, or changes nothing and
says that there is no room; it may be called again at any time.
"""

import logging
import os
import sqlite3
import threading
from pathlib import Path

from logagent.errors import Exit, Failure
from logagent.model import Batch, Frame
from logagent.store.builder import FrameBuilder
from logagent.store.catalog import Catalog
from logagent.store.lock import Lock
from logagent.store.retention import Budget, fits, make_room
from logagent.store.segment import Segments

log = logging.getLogger(__name__)

AGES = 8  # segments that the budget's age is divided into: nothing outstays it by more than that part
OVERHEAD = 64 << 10  # bytes that a commit may add to the catalog: kept free so that recording a frame has room too


class Store:
    """The store in `folder`, made when absent; `segment_size` and `frame_size` are bytes, `frame_time` seconds."""

    def __init__(self, folder: Path, budget: Budget, *, segment_size: int, frame_size: int, frame_time: float) -> None:
        self.folder, self.budget = folder, budget
        self._segment_size, self._frame_size, self._frame_time = segment_size, frame_size, frame_time
        self._lock = _claim(folder)
        try:
            self.catalog = Catalog(folder / "catalog.db")
        except BaseException:
            self._lock.release()
            raise
        self.segments = Segments(folder / "segments")
        self._builder, self._member = FrameBuilder(), b""
        self._current, self._end, self._begun = 0, 0, 0.0
        self.full = ""
        self.changed = threading.Condition()
        try:
            self._recover()
        except BaseException:
            self.close()
            raise

    def add(self, batch: Batch, now: float) -> None:
        """Take `batch` into the open frame; remembered only by the next commit. Nothing may be added to one that waits for room."""
        self._builder.add(batch, now)

    def due(self, now: float) -> bool:
        """Tell whether the open frame is large or old enough to be committed."""
        return self._builder.since is not None and (
            self._builder.plain >= self._frame_size or self.remaining(now) == 0.0
        )

    def remaining(self, now: float) -> float:
        """Seconds until the open frame is old enough; 0 when the clock was set back meanwhile."""
        since = self._builder.since
        if since is None:
            return self._frame_time
        return max(0.0, since + self._frame_time - now) if now >= since else 0.0

    def commit(self, now: float) -> bool:
        """Write and record the open frame. False, with the reason in `full`, when there is no room: call again later."""
        if self._builder.since is None:
            return True
        if not self._member and self._builder.events:
            self._member = self._builder.finish()
        try:
            self.full = self._write(now)
        except (OSError, sqlite3.Error) as error:
            self.full = f"writing to {self.folder} failed: {error}"
        if self.full:
            return False
        self._builder, self._member = FrameBuilder(), b""
        with self.changed:
            self.changed.notify_all()
        return True

    @property
    def waiting(self) -> bool:
        """Whether the open frame has anything that is not committed yet."""
        return self._builder.since is not None

    def read(self, frame: Frame) -> bytes:
        """The gzip member of `frame`: a whole `_bulk` body. Raises OSError."""
        return self.segments.read(frame)

    def retain(self, now: float) -> None:
        """Let go what is older than the budget's age, also while nothing is written."""
        self._let_go(0, now, *self._space())

    def size(self) -> int:
        """Bytes of the store on disk."""
        return self.catalog.size() + self.catalog.segment_bytes()

    def close(self) -> None:
        """Close files and give the store back; what was not committed is read again at the next start."""
        self.segments.close()
        self.catalog.close()
        self._lock.release()

    def _write(self, now: float) -> str:
        if not self._member:
            self.catalog.record(None, self._builder.covered, now)
            return ""
        reason = self._make_room(len(self._member) + OVERHEAD, now)
        if reason:
            return reason
        segment, offset = self._place(len(self._member), now)
        self.segments.append(segment, offset, self._member)
        first, last = self._builder.times
        frame = Frame(0, segment, offset, len(self._member), self._builder.plain, self._builder.events, first, last)
        self.catalog.record(frame, self._builder.covered, now)
        self._end = offset + len(self._member)
        return ""

    def _place(self, length: int, now: float) -> tuple[int, int]:
        if not self._current or (self._end and (self._end + length > self._segment_size or self._long_open(now))):
            with self.catalog.durable():  # else a power cut could leave segments that no catalog knows
                self._current, self._end = self.catalog.new_segment(), 0
            self.segments.cut(self._current, 0)
        self._begun = self._begun if self._end else now
        return self._current, self._end

    def _long_open(self, now: float) -> bool:
        """Tell whether the segment being written holds frames of so long a time that its oldest would outstay the budget's age."""
        return self.budget.max_age is not None and now - self._begun > self.budget.max_age / AGES

    def _space(self) -> tuple[int, int]:
        """Bytes that the store takes, and that its file system has left."""
        disk = os.statvfs(self.folder)
        return self.size(), disk.f_bavail * disk.f_frsize

    def _make_room(self, need: int, now: float) -> str:
        used, free = self._space()
        if fits(self.budget, used=used, free=free, need=need) or self._let_go(need, now, used, free):
            return ""
        return _no_room(self.folder, self.budget, *self._space())

    def _let_go(self, need: int, now: float, used: int, free: int) -> bool:
        cursor = min((o.cursor for o in self.catalog.outputs()), default=None)
        room = make_room(self.catalog.segments(), cursor, self.budget, used=used, free=free, need=need, now=now)
        for segment, reason in room.remove:
            self._remove(segment, reason)
        return room.fits

    def _remove(self, segment: int, reason: str) -> None:
        if segment == self._current:
            self._current, self._end = 0, 0
        with self.catalog.durable():  # else a power cut could leave frames whose segment has gone
            lost = self.catalog.remove_segment(segment)
        self.segments.remove(segment)
        log.info("segment %d removed: %s", segment, reason)
        for output, events in lost.items():
            log.warning(
                "%d events were dropped undelivered to %s: %s. Raise store.max_size, or choose store.when_full: block",
                events,
                output,
                reason,
            )

    def _recover(self) -> None:
        known = {s.id: s for s in self.catalog.segments()}
        lying = self.segments.numbers()
        if lying and not self.catalog.newest_segment():
            _refuse_orphans(self.folder, lying)
        for number in lying:
            if number not in known:
                self.segments.remove(number)  # forgotten by the catalog already, or never recorded
            elif surplus := self.segments.cut(number, known[number].bytes):
                log.info(
                    "segment %d: %d bytes behind the last recorded frame cut off; their lines are read again",
                    number,
                    surplus,
                )
        newest = known.get(max(known, default=0))
        if newest and not newest.closed and self.segments.length(newest.id) == newest.bytes:
            self._current, self._end, self._begun = newest.id, newest.bytes, newest.begun


def _refuse_orphans(folder: Path, lying: list[int]) -> None:
    if not any(Segments(folder / "segments").length(number) for number in lying):
        return
    raise Failure(
        f"{folder} has segments but no catalog of them: catalog.db was lost. `zcat {folder}/segments/*` reads them. To go on, "
        f"run `logagent store verify --store {folder}`: it makes the catalog anew from the segments, and reading goes on where they end",
        Exit.STORE,
    )


def _claim(folder: Path) -> Lock:
    try:
        (folder / "segments").mkdir(parents=True, exist_ok=True, mode=0o750)
        return Lock(folder)
    except OSError as error:
        raise Failure(
            f"the store's folder {folder} cannot be written ({error.strerror}): give a folder that this user may write with --store",
            Exit.STORE,
        ) from error


def _no_room(folder: Path, budget: Budget, used: int, free: int) -> str:
    if budget.min_free and free - OVERHEAD < budget.min_free:
        return f"the file system of {folder} has {free} bytes free, below store.min_free {budget.min_free}"
    return f"the store is full of undelivered frames: {used} bytes of store.max_size {budget.max_size}"
