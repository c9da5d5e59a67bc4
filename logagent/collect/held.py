"""The files of one log set that are held open: the one being read, and every newer one that has been seen.

Invariant: `tails` is a contiguous stretch of the set, oldest first, whose last member was the live file at the last look. A
file that is held cannot be taken away: dockerd may rename, compress or delete it, and it is still read to its end.
"""

import os
from collections.abc import Mapping
from typing import Literal

from logagent.collect.attach import Attached, attach
from logagent.collect.chain import close_all, identified, name_all
from logagent.collect.cut import new_from, regrown
from logagent.collect.kin import compressed_copy, is_among, is_like_others, is_twin, merged, not_older
from logagent.collect.logset import LogFile, newer_than
from logagent.collect.stretch import Stretch
from logagent.collect.tail import FIRST, Tail, generation, same_begin
from logagent.collect.unseen import Limits, ended_full, lost_before, lost_between
from logagent.model import Gap, Generation, Progress

NAMELESS = Generation(0, 1)


class Held:
    """The held files of the set in `directory` whose live file is named `live`; `options` are the container's for its log.

    `removed` tells that the directory has gone; `rewritten` that the newest file was written to and did not grow.
    Methods raise OSError when files cannot be opened.
    """

    def __init__(self, directory: str, live: str, options: Mapping[str, str]) -> None:
        self._stretch = Stretch(directory, live)
        self.configure(options)
        self.rewritten, self._last_time = False, 0
        self.removed = False

    @property
    def tails(self) -> list[Tail]:
        """The open files, oldest first."""
        return self._stretch.tails

    def configure(self, options: Mapping[str, str]) -> None:
        """Take the container's options for its log as they are now."""
        self._limits = Limits.of(options)

    def attach(self, progress: Progress | None, start: Literal["beginning", "end"], last_time: int = 0) -> Attached:
        """Open the set and find the place to go on at; `last_time` (ns) is that of the newest line that was read."""
        self._last_time = last_time
        found = attach(self._stretch, self._limits, progress, start, last_time)
        self.removed = not self.tails and not os.path.isdir(self._stretch.directory)
        return found

    def look(self, offset: int, last_time: int) -> tuple[list[Gap], int | None]:
        """Open what is newer than the newest held file; gives what went missing, and where the first file is to be read anew, if it is.

        `offset` is how far the first file was read, `last_time` the time of the newest line that was. A file that has become
        shorter was truncated: what it holds now is a new generation. What went missing before a later file stands in that file's
        `missing`.
        """
        self._last_time = last_time
        try:
            status = os.stat(self._stretch.path)
        except FileNotFoundError:
            self.removed = not os.path.isdir(self._stretch.directory)
            newest = self.tails[-1]  # renamed by hand, perhaps: who has it open still writes to it
            return self._compared(newest, offset, newest.status(), moved=True)
        newest = self.tails[-1]
        moved = status.st_ino != newest.inode
        missing, anew = self._compared(newest, offset, newest.status() if moved else status, moved=moved)
        if moved:
            missing += self._open_newer(newest)
        return missing, anew

    def name_anew(self, tail: Tail) -> int:
        """Forget what `tail` was named after: it holds something else now; gives where what is new in it begins."""
        old, tail.generation = tail.generation, None
        identified(tail)
        if (
            old is not None
            and tail.generation is not None
            and tail is self.tails[0]
            and old.begins_like(tail.generation)
        ):
            tail.generation = regrown(old)
            return new_from(tail, self._last_time)
        self._stretch.passed.add_as(tail.inode, old)  # a copy of it may lie about
        name_all(self.tails, self._stretch.before)
        return 0

    def begins_as_named(self, block: bytes) -> bool:
        """Tell whether the first file, which begins with `block`, still is what it was named after."""
        return same_begin(self.tails[0].generation, generation(block[:FIRST]))

    def name_first(self, block: bytes) -> Generation:
        """The generation of the first file, which begins with `block` if it has none yet."""
        first = self.tails[0]
        if first.generation is None:
            first.generation = generation(block[:FIRST]) or NAMELESS
            name_all(self.tails, self._stretch.before)
        return first.generation or NAMELESS

    def follower_known(self) -> bool:
        """Tell whether a file behind the first one has a generation, which it has once its first line is whole."""
        self._stretch.identify()
        return any(t.generation is not None for t in self.tails[1:])

    def drop_first(self) -> list[Gap]:
        """Close the oldest file, which was read to its end; gives what is missing before the next one."""
        undecided = self.tails[0].follows  # an empty file told nothing of what came before it: the next one does
        self._stretch.drop_first()
        if not self.tails:
            return []
        first = identified(self.tails[0])
        first.follows = first.follows or undecided
        return [*first.missing, *lost_before(first, self._limits)]

    def deleted(self) -> list[Tail]:
        """The files that nobody else has a name for, the oldest first: what they take up on disk is held by us."""
        if len(self.tails) == 1 and not self.removed:
            return []  # its writer may hold it as well
        return [t for t in self.tails if t.unlinked() is not None]

    def ended_full(self) -> bool:
        """Tell whether another file followed the newest held one, and went with the whole directory."""
        return ended_full(self.tails, self._limits)

    def close(self) -> None:
        """Close all files."""
        self._stretch.close()

    def _compared(
        self, newest: Tail, offset: int, status: os.stat_result, *, moved: bool
    ) -> tuple[list[Gap], int | None]:
        """Compare the newest file with what it was: shorter, or beginning with something else when it is left, it was truncated."""
        before, alone = newest.size, len(self.tails) == 1
        self.rewritten = status.st_size == before and status.st_mtime_ns != newest.modified
        newest.size, newest.modified = status.st_size, status.st_mtime_ns
        shorter = status.st_size < max(before, offset if alone else 0)
        if not shorter and not (moved and not newest.begins_as_named()):
            return [], None
        gone = (max(0, before - offset) if alone else before) if shorter else 0
        start = self.name_anew(newest)
        newest.missing += [] if alone else [Gap("truncated", gone)]
        return ([Gap("truncated", gone)], start) if alone else ([], None)

    def _open_newer(self, newest: Tail) -> list[Gap]:
        in_set = True

        def choose(files: list[LogFile]) -> list[LogFile]:
            nonlocal in_set
            newer = newer_than(files, newest.inode)
            in_set = newer is not None
            return files if newer is None else newer

        self._stretch.identify()
        tails = self._stretch.open(choose, compresses=self._limits.compresses)
        missing: list[Gap] = []
        if not in_set:
            tails, missing = self._beyond(tails, newest)
        if tails and missing:
            tails[0].missing, missing = missing, []
        self._stretch.tails += tails
        name_all(self.tails, self._stretch.before)
        return missing

    def _beyond(self, tails: list[Tail], newest: Tail) -> tuple[list[Tail], list[Gap]]:
        """Pick what is newer than a held file that has left the set: compressed, renamed by hand, or rotated out of it."""
        place = compressed_copy(tails, newest)
        known = newest.generation or self._stretch.before
        candidates = tails if place is None else tails[place + 1 :]
        other = [t for t in candidates if not is_among(t, self.tails) and not self._stretch.passed.has(t)]
        if place is None and newest.unlinked() is None:
            other = [t for t in other if not_older(t, known) or is_twin(t, known) or self._stretch.is_live(t)]
            lost = lost_between(newest, other, self._limits)
            other = merged(self._stretch.open_strays(known, other), other)
        elif place is None:
            lost = lost_between(newest, other, self._limits)
        else:
            lost = [Gap("rotated")] if is_like_others(newest) else []
        # else the oldest went first: what is left is newer, whatever its first time says
        close_all([t for t in tails if t not in other])
        return other, lost
