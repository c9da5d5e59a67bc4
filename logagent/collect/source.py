"""One container's log as one endless stream of batches: how far it is read, and when to look again.

`step` reads at most one block, so that many sources share one thread fairly. It looks at the directory before it reads: a file
that has a newer one behind it is then final, for its writer closed it first, and is left once it gives nothing more.
"""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from logagent.collect.held import LOST_FILES, LOST_PIECE, Held
from logagent.model import Batch, Container, Position, Progress
from logagent.parse.block import Parsed, Parser
from logagent.parse.resume import Known

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How a source is read: seconds between looks, bytes to a block, bytes of the largest event, seconds that a piece is waited for."""

    poll_min: float = 0.05
    poll_max: float = 1.0
    block_size: int = 128 << 10
    max_event_size: int = 1 << 20
    partial_timeout: float = 5.0

    @property
    def longest_line(self) -> int:
        """Bytes after which a line without end is cut: well above the largest record that dockerd writes."""
        return max(self.max_event_size, 256 << 10) + self.block_size


class Source:
    """Reads the log of `container` from `progress` on, or from `start` when there is none.

    `due` is when it wants to be stepped next; `caught_up` tells that it has once read all that was there; `ended` that the
    container was removed and its log read to the end.
    """

    def __init__(
        self,
        container: Container,
        parser: Parser,
        pace: Pace,
        progress: Progress | None,
        start: Literal["beginning", "end"],
    ) -> None:
        self.container, self._parser, self._pace = container, parser, pace
        directory, live = os.path.split(container.log_path or "")
        self._held = Held(directory, live, keeps_rotated=container.log_options.get("max-file", "1") != "1")
        self._progress, self._start = progress, start
        self._offset = self._rest = 0
        self._look_at, self._interval = 0.0, pace.poll_min
        self._gaps, self._unsaved = 0, False
        self._trouble = ""
        self.due, self.caught_up, self.ended, self.last_time = 0.0, False, False, 0

    @property
    def open_files(self) -> int:
        """How many files it holds open."""
        return len(self._held.tails)

    @property
    def parser(self) -> Parser:
        """What turns its blocks into documents."""
        return self._parser

    def step(self, now: float) -> Batch | None:
        """Read at most one block. None when nothing is to be stored now; `due` says when to come again."""
        try:
            return self._step(now)
        except OSError as error:
            return self._failed(error, now)

    def wake(self) -> None:
        """Look at once: something happened in the directory."""
        self.due = self._look_at = 0.0

    def remove(self) -> None:
        """Take the container as removed: what is held open is read to its end."""
        self._held.removed = True
        self.wake()

    def lag_bytes(self) -> int:
        """Bytes that were there at the last look and are unread; may be called from another thread."""
        return max(0, sum(t.size for t in list(self._held.tails)) - self._offset) if self._held.tails else 0

    def give_up_pieces(self, now: float) -> Batch | None:
        """End the lines whose rest has not come, as at the end of `--once`."""
        return self._batch(self._parser.expire(now, now), 0) if self._parser.pending else None

    def rest(self) -> bool:
        """Close the files of a log that has nothing to read now, so that others may be opened; False when it has."""
        if not self._held.tails or self._held.removed or not self._quiet():
            return False
        # What is unfinished stays with the parser: reading goes on behind it.
        self._progress = Progress(self._progress.read, {}, self._progress.inode) if self._progress else None
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
            data, size = self._block()
        except OSError as error:
            return self._unreadable(error, now)
        if size:
            return self._read(data, size, now)
        return self._next_file(now) if len(tails) > 1 else self._rest_until(now)

    def _attach_or_look(self, now: float) -> None:
        if not self._held.tails and not self._held.removed:
            self._attach(now)
        elif self._held.tails and now >= self._look_at:
            self._look(now)

    def _attach(self, now: float) -> None:
        self._offset, missing = self._held.attach(self._progress, self._start)
        self._unsaved = self._start == "end"
        self._start = "beginning"  # a file that appears later is new
        self._rest, self._look_at = 0, now + self._pace.poll_min
        self._note(missing)

    def _look(self, now: float) -> None:
        missing, anew = self._held.look(self._offset)
        self._look_at = now + self._pace.poll_min
        if anew:
            self._offset = self._rest = 0
        self._note(missing)

    def _quiet(self) -> bool:
        """Tell without reading that the only file has not grown."""
        tails = self._held.tails
        return (
            len(tails) == 1
            and not tails[0].compressed
            and not self._held.removed
            and tails[0].size == self._offset + self._rest
        )

    def _block(self) -> tuple[bytes, int]:
        """Read the next whole lines, and their size in the file; (nothing, 0) when there are none yet. A line without end is cut."""
        tail, size = self._held.tails[0], self._pace.block_size
        while True:
            data = tail.read(self._offset, size)
            end = data.rfind(b"\n") + 1
            if end or len(data) < size:
                self._rest = len(data) - end
                return data[:end], end
            if size >= self._pace.longest_line:
                return data + b"\n", len(data)
            size = min(2 * size, self._pace.longest_line)

    def _read(self, block: bytes, size: int, now: float) -> Batch | None:
        parsed = self._parser.parse(block, self._held.name_first(block), self._offset, now)
        self._offset += size
        self.due, self._interval, self._trouble = now, self._pace.poll_min, ""
        return self._batch(parsed, size)

    def _next_file(self, now: float) -> Batch | None:
        """Leave a file that is final and read, with what is left in it, once the next one has a name to go on at."""
        if self._rest and not self._held.removed and not self._held.follower_named():
            return self._rest_until(now)
        torn, size = self._torn(now)
        damage = self._held.tails[0].damage
        self._drop_first(now)
        if damage:
            return self._incomplete(damage, torn or Parsed(), size)
        return self._batch(torn, size) if torn else None

    def _torn(self, now: float) -> tuple[Parsed | None, int]:
        """Take what is left without a newline at the end of a final file as a damaged line, and its size."""
        rest, self._rest = self._held.tails[0].read(self._offset, self._rest) if self._rest else b"", 0
        if not rest.strip(b"\0 \t\r\n"):
            return None, 0
        parsed = self._parser.parse(rest + b"\n", self._held.name_first(rest + b"\n"), self._offset, now)
        self._offset += len(rest)
        return parsed, len(rest)

    def _batch(self, parsed: Parsed, size: int) -> Batch | None:
        self.last_time = max(self.last_time, parsed.last_time)
        self._progress, self._unsaved = self._advanced(), False
        gaps, self._gaps = self._gaps, 0
        if self._progress is None and not gaps:
            return None
        return Batch(
            self.container.id,
            parsed.documents,
            parsed.events,
            parsed.first_time,
            parsed.last_time,
            self._progress,
            size,
            gaps=gaps,
            problems=parsed.problems,
        )

    def _advanced(self) -> Progress | None:
        if self._parser.resuming:
            return (
                self._progress
            )  # what is read for the second time is no progress: what lies behind it is stored already
        tail = self._held.tails[0] if self._held.tails else None
        if tail is not None and tail.generation is not None:
            return Progress(Position(tail.generation, self._offset), self._parser.pending, tail.inode)
        old = self._progress
        return Progress(old.read, self._parser.pending, old.inode) if old else None

    def _note(self, missing: list[str]) -> None:
        if not {LOST_PIECE, LOST_FILES}.issuperset(missing):
            self._parser.all_is_new()  # else what was read before the restart is still to be passed over
        self._gaps += len(missing)
        for what in missing:
            log.warning("gap in the log of container %s (%s): %s", self.container.name, self.container.id[:12], what)

    def _rest_until(self, now: float) -> Batch | None:
        """Nothing more is there: wait longer each time, and give up unfinished lines after their time."""
        self.caught_up = True
        if self._held.removed:
            return self._end(now)
        self.due = _aligned(now + self._interval, self._interval)
        self._interval = min(self._pace.poll_max, self._interval * 2)
        if self._gaps or self._unsaved:
            return self._batch(Parsed(), 0)
        if not self._parser.pending:
            return None
        parsed = self._parser.expire(now - self._pace.partial_timeout, now)
        return self._batch(parsed, 0) if parsed.events else None

    def _end(self, now: float) -> Batch | None:
        """Give what is left when the container has gone, in at most three batches, of which the last one says so."""
        torn, size = self._torn(now) if self._held.tails else (None, 0)
        if torn is not None:
            return self._batch(torn, size)
        last = self.give_up_pieces(now)
        if last is not None:
            return last
        self.ended, gaps = True, self._gaps
        self.close()
        return Batch(self.container.id, b"", 0, 0, 0, self._progress, gaps=gaps, removed=True)

    def _failed(self, error: OSError, now: float) -> Batch | None:
        """Try again later what cannot be opened or looked at; say it once."""
        self._say(str(error))
        self.caught_up, self.due = True, now + self._pace.poll_max
        return None

    def _unreadable(self, error: OSError, now: float) -> Batch | None:
        """Leave a file that cannot be read when there is a newer one, else try again later."""
        if len(self._held.tails) < 2:
            return self._failed(error, now)
        self._drop_first(now)
        return self._incomplete(str(error), Parsed(), 0)

    def _incomplete(self, why: str, parsed: Parsed, size: int) -> Batch | None:
        """Give what was left of a file that could not be read to its end, as a gap."""
        self._say(why)
        self._note(["a file cannot be read to its end"])
        return self._batch(replace(parsed, problems={**parsed.problems, "unreadable": 1}), size)

    def _drop_first(self, now: float) -> None:
        self._held.drop_first()
        self._offset, self._rest, self.due = 0, 0, now

    def _say(self, why: str) -> None:
        if self._trouble != why:
            log.warning("reading the log of container %s failed: %s", self.container.name, why)
        self._trouble = why


def resume_points(progress: Progress | None) -> Mapping[Known, Position]:
    """Tell from where on each stream's records, and damaged lines, are new when reading goes on at `progress.start`."""
    if progress is None or not progress.pending:
        return {}
    return {
        "stdout": progress.pending.get("stdout", progress.read),
        "stderr": progress.pending.get("stderr", progress.read),
        "read": progress.read,
    }


def _aligned(due: float, interval: float) -> float:
    """Move `due` to a multiple of `interval`, so that idle sources wake the thread together."""
    return (due // interval) * interval
