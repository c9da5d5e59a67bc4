"""One container's log as one endless stream of batches: how far it is read, and when to look again.

`step` reads at most one block, so that many sources share one thread fairly. It looks at the directory before it reads: a file
that has a newer one behind it is then final, for its writer closed it first, and is left once it gives nothing more.
"""

import os
from dataclasses import replace
from typing import Literal

from logagent.collect.held import Held
from logagent.collect.notes import Notes
from logagent.collect.pace import Pace
from logagent.collect.place import Place
from logagent.collect.reader import Reader
from logagent.collect.tail import Tail
from logagent.model import Batch, Container, Gap, Progress
from logagent.parse.block import Parsed, Parser
from logagent.parse.document import Constant


class Source:
    """Reads the log of `container` from `progress` on, or from `start` when there is none.

    `due` is when it wants to be stepped next; `caught_up` tells that it has once read all that was there; `ended` that the
    container was removed and its log read to the end; `opened` that its log was there once; `last_time` is that of the newest line (ns).
    """

    def __init__(
        self,
        container: Container,
        parser: Parser,
        pace: Pace,
        progress: Progress | None,
        start: Literal["beginning", "end"],
        *,
        last_time: int = 0,
    ) -> None:
        self.container, self._parser, self._pace = container, parser, pace
        directory, live = os.path.split(container.log_path or "")
        self._held = Held(directory, live, container.log_options)
        self._reader = Reader(pace.block_size, pace.longest_line)
        self._place, self._start = Place(progress), start
        self._look_at, self._interval = 0.0, pace.poll_min
        self._notes = Notes(container.id, events=pace.gap_events)
        self._unsaved = self._ending = self.opened = False
        self.due, self.caught_up, self.ended, self.last_time = 0.0, False, False, last_time

    @property
    def open_files(self) -> int:
        """How many files it holds open."""
        return len(self._held.tails)

    def describe(self, container: Container, constant: Constant) -> None:
        """Take the container as it is now: renamed, with other labels."""
        self.container, self._parser.constant = container, constant
        self._held.configure(container.log_options)

    def step(self, now: float) -> Batch | None:
        """Read at most one block. None when nothing is to be stored now; `due` says when to come again."""
        try:
            return self._step(now)
        except OSError as error:
            return self._failed(error, now)

    def hold(self, now: float) -> None:
        """Open what is there and read nothing: for the time in which nothing can be taken."""
        try:
            self._attach_or_look(now)
        except OSError as error:
            self._failed(error, now)

    def deleted_bytes(self) -> int:
        """Bytes of files that only this source keeps from being given back to the disk."""
        return sum(t.grown() for t in self._held.deleted())

    def release(self, now: float) -> bool:
        """Let go the oldest file if only this source keeps it: what was not read of it is a gap. False when it stays."""
        first = self._first()
        if first is None or first not in self._held.deleted():
            return False
        unread = first.plain_size() - self._reader.offset
        if unread > 0:
            self._note([Gap("released", unread)])
        self._drop_first(now)
        return True

    def wake(self) -> None:
        """Look at once: something happened in the directory."""
        self.due = self._look_at = 0.0

    def remove(self) -> None:
        """Take the container as removed: what is held open is read to its end."""
        self._held.removed = True
        self.wake()

    def lag_bytes(self) -> int:
        """Bytes that were there at the last look and are unread; may be called from another thread."""
        return max(0, sum(t.size for t in list(self._held.tails)) - self._reader.offset) if self._held.tails else 0

    def give_up_pieces(self, now: float) -> Batch | None:
        """End the lines whose rest has not come, as at the end of `--once`."""
        return self._batch(self._parser.expire(now, now), 0, now) if self._parser.pending else None

    def rest(self) -> bool:
        """Close the files of a log that has nothing to read now, so that others may be opened; False when it has."""
        if not self._held.tails or self._held.removed or not self._quiet():
            return False
        self._place.leave_unfinished()  # it stays with the parser
        self.close()
        return True

    def close(self) -> None:
        """Close all files."""
        self._held.close()

    def _step(self, now: float) -> Batch | None:
        self._attach_or_look(now)
        tails = self._held.tails
        if not tails or self._quiet():
            return self._rest_until(now)
        try:
            block, size = self._reader.block(tails[0])
            intact = (not size and not self._held.rewritten) or self._reader.intact(tails[0])
        except OSError as error:
            return self._unreadable(error, now)
        if not intact or (size and self._reader.at_start and not self._held.begins_as_named(block)):
            return self._begin_anew(now)
        if size:
            return self._read(block, size, now)
        return self._next_file(now) if len(tails) > 1 else self._rest_until(now)

    def _attach_or_look(self, now: float) -> None:
        if not self._held.tails and not self._held.removed:
            self._attach(now)
        elif self._held.tails and now >= self._look_at:
            self._look(now)

    def _attach(self, now: float) -> None:
        found = self._held.attach(self._place.progress, self._start, self.last_time)
        self._reader.begin(found.offset)
        for generation in found.gone:
            self._parser.leave(generation)
        if self._held.tails:
            self.opened = True
            self._reader.remember(self._held.tails[0])
        self._unsaved = self._start == "end"
        self._start = "beginning"  # a file that appears later is new
        self._look_at = now + self._pace.poll_min
        self._note(found.missing)

    def _look(self, now: float) -> None:
        missing, start = self._held.look(self._reader.offset, self.last_time)
        self._look_at = now + self._pace.poll_min
        if start is not None:
            self._place.cut()
            self._reader.begin(start)
        self._note(missing)

    def _quiet(self) -> bool:
        """Tell without reading that the only file has not grown."""
        first, *newer = self._held.tails
        if newer or first.compressed or self._held.removed or self._held.rewritten:
            return False
        return first.size == self._reader.offset + self._reader.rest

    def _begin_anew(self, now: float) -> Batch | None:
        """Read a file from its start that was truncated and is longer again: what it holds is another generation."""
        first = self._held.tails[0]
        start = self._held.name_anew(first)
        self._place.cut()
        self._reader.begin(start)
        self._reader.holes = 0  # they are met again
        self._note([Gap("truncated")])
        self.due = now
        return None

    def _read(self, block: bytes, size: int, now: float) -> Batch | None:
        parsed = self._parser.parse(block, self._held.name_first(block), self._reader.offset, now)
        self._reader.advance(size)
        self.due, self._interval = now, self._pace.poll_min
        self._notes.trouble(self.container.name, "")
        return self._batch(parsed, size, now)

    def _next_file(self, now: float) -> Batch | None:
        """Leave a file that is read, with what is left in it, once the next one is really written to: then its writer has left it too."""
        tail = self._held.tails[0]
        if not tail.compressed and tail.grown() < self._reader.offset:
            return self._begin_anew(now)
        if not self._held.removed and not self._held.follower_known():
            return self._rest_until(now)
        torn, size = self._torn(now)
        missing = tail.plain_size() - self._reader.offset
        self._drop_first(now)
        if tail.damage:
            return self._incomplete(tail.damage, missing, torn or Parsed(), size, now)
        return self._batch(torn, size, now) if torn else None

    def _torn(self, now: float) -> tuple[Parsed | None, int]:
        """Take what is left without a newline at the end of a final file as a damaged line, and its size."""
        rest = self._reader.remainder(self._held.tails[0])
        if not rest:
            return None, 0
        parsed = self._parser.parse(rest + b"\n", self._held.name_first(rest + b"\n"), self._reader.offset, now)
        self._reader.offset += len(rest)
        return parsed, len(rest)

    def _batch(self, parsed: Parsed, size: int, now: float) -> Batch | None:
        gaps = self._notes.take(self.container.name, since=self.last_time, until=parsed.first_time or self._begun())
        self.last_time = max(self.last_time, parsed.last_time, self._parser.last_time)
        progress, self._unsaved = self._place.reach(self._first(), self._reader.offset, self._parser), False
        if progress is None and not gaps:
            return None
        holes, self._reader.holes = self._reader.holes, 0
        parsed = self._notes.holes(self.container.name, holes, parsed)
        parsed = self._notes.joined(gaps, parsed, self._parser.constant, now)
        return Batch(
            self.container.id,
            parsed.documents,
            parsed.events,
            parsed.first_time,
            parsed.last_time,
            progress,
            size,
            gaps=gaps,
            problems=parsed.problems,
        )

    def _begun(self) -> int:
        """When the file was begun that is read next (ns), 0 when that is not known."""
        tail = self._first()
        return tail.generation.time if tail and tail.generation and not self._reader.offset else 0

    def _first(self) -> Tail | None:
        return self._held.tails[0] if self._held.tails else None

    def _note(self, missing: list[Gap]) -> None:
        if not {"lost_piece", "rotated"}.issuperset(gap.reason for gap in missing):
            self._parser.all_is_new()  # else what was read before the restart is still to be passed over
        self._notes.gap(missing)

    def _rest_until(self, now: float) -> Batch | None:
        """Nothing more is there: wait longer each time, and give up unfinished lines after their time."""
        self.caught_up = True
        if self._held.removed:
            return self._end(now)
        self.due = (now + self._interval) // self._interval * self._interval  # idle sources wake the thread together
        self._interval = min(self._pace.poll_max, self._interval * 2)
        if self._notes or self._unsaved:
            return self._batch(Parsed(), 0, now)
        if not self._parser.pending:
            return None
        parsed = self._parser.expire(now - self._pace.partial_timeout, now)
        return self._batch(parsed, 0, now) if parsed.events else None

    def _end(self, now: float) -> Batch | None:
        """Give what is left when the container has gone, in at most three batches, of which the last one says so."""
        if not self._ending and self._held.ended_full():
            self._note([Gap("rotated")])
        self._ending = True
        torn, size = self._torn(now) if self._held.tails else (None, 0)
        if torn is not None:
            return self._batch(torn, size, now)
        last = self.give_up_pieces(now) or (self._batch(Parsed(), 0, now) if self._notes else None)
        if last is not None:
            return last
        self.ended = True
        self.close()
        return Batch(self.container.id, b"", 0, 0, 0, self._place.progress, removed=True)

    def _failed(self, error: OSError, now: float) -> Batch | None:
        """Try again later what cannot be opened or looked at; say it once."""
        self._notes.trouble(self.container.name, str(error))
        self.caught_up, self.due = True, now + self._pace.poll_max
        return None

    def _unreadable(self, error: OSError, now: float) -> Batch | None:
        """Leave a file that cannot be read when there is a newer one, else try again later."""
        if len(self._held.tails) < 2:
            return self._failed(error, now)
        missing = self._held.tails[0].plain_size() - self._reader.offset
        self._drop_first(now)
        return self._incomplete(str(error), missing, Parsed(), 0, now)

    def _incomplete(self, why: str, missing: int, parsed: Parsed, size: int, now: float) -> Batch | None:
        """Give what was left of a file that could not be read to its end, as a gap of `missing` bytes."""
        self._notes.trouble(self.container.name, why)
        self._note([Gap("unreadable", max(0, missing))])
        return self._batch(replace(parsed, problems={**parsed.problems, "unreadable": 1}), size, now)

    def _drop_first(self, now: float) -> None:
        left = self._held.tails[0].generation
        self._notes.gap(self._held.drop_first())
        if left is not None:
            self._parser.leave(left)
        self._reader.begin()
        self.due = now
