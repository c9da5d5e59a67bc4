"""The files of one log set that are held open: the one being read, and every newer one that has been seen.

Invariant: `tails` is a contiguous stretch of the set, oldest first, whose last member was the live file at the last look. A
file that is held cannot be taken away: dockerd may rename, compress or delete it, and it is still read to its end.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from logagent.collect.chain import (
    close_all,
    everything,
    identified,
    name_all,
    open_chain,
    open_strays_between,
    open_strays_from,
)
from logagent.collect.cut import is_intact, new_from, regrown, time_at
from logagent.collect.kin import (
    compressed_copy,
    find,
    find_begun,
    find_inode,
    is_among,
    is_like_others,
    is_twin,
    merged,
    newer_by_inode,
    not_older,
    same_file,
)
from logagent.collect.logset import LogFile, newer_than
from logagent.collect.passed import Passed
from logagent.collect.place import CUT
from logagent.collect.tail import FIRST, Tail, generation, same_begin
from logagent.collect.unseen import Limits, ended_full, lost_between, lost_if_full
from logagent.engine.options import shifts_compressed
from logagent.model import REBUILT, Gap, Generation, Position, Progress

NAMELESS = Generation(0, 1)


class Held:
    """The held files of the set in `directory` whose live file is named `live`; `options` are the container's for its log.

    `removed` tells that the directory has gone; `rewritten` that the newest file was written to and did not grow. `gone` are the
    generations of a rebuilt catalog's places whose files have gone: all that is there is new to the streams that have them.
    Methods raise OSError when files cannot be opened.
    """

    def __init__(self, directory: str, live: str, options: Mapping[str, str]) -> None:
        self._directory, self._live = directory, live
        self.configure(options)
        self._before: Generation | None = None
        self.rewritten, self._last_time = False, 0
        self._passed = Passed()
        self.tails: list[Tail] = []
        self.removed = False
        self.gone: set[Generation] = set()

    def configure(self, options: Mapping[str, str]) -> None:
        """Take the container's options for its log as they are now."""
        self._limits = Limits.of(options)
        self._compresses = shifts_compressed(options)

    def attach(
        self, progress: Progress | None, start: Literal["beginning", "end"], last_time: int = 0
    ) -> tuple[int, list[Gap]]:
        """Open the set and find the place to go on at: an offset into the first of `tails`, and what is missing before it.

        `last_time` is that of the newest line that was read (ns): it stands in for the time of a file that began with damage.
        """
        self._last_time = last_time
        self.tails = open_chain(self._directory, self._live, everything, compresses=self._compresses)
        self.removed = not self.tails and not os.path.isdir(self._directory)
        offset, missing = self._place(progress, start) if self.tails else (0, [])
        name_all(self.tails, None)
        return offset, missing

    def look(self, offset: int, last_time: int) -> tuple[list[Gap], int | None]:
        """Open what is newer than the newest held file; gives what went missing, and where the first file is to be read anew, if it is.

        `offset` is how far the first file was read, `last_time` the time of the newest line that was. A file that has become
        shorter was truncated: what it holds now is a new generation. What went missing before a later file stands in that file's
        `missing`.
        """
        self._last_time = last_time
        try:
            status = os.stat(f"{self._directory}/{self._live}")
        except FileNotFoundError:
            self.removed = not os.path.isdir(self._directory)
            self.tails[-1].grown()  # renamed by hand, perhaps: who has it open still writes to it
            return [], None
        newest = self.tails[-1]
        moved = status.st_ino != newest.inode
        missing, anew = self._rewritten(newest, offset, newest.status() if moved else status)
        if moved:
            missing += self._reused(newest, offset) + self._open_newer(newest)
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
        self._passed.add_as(tail.inode, old)  # a copy of it may lie about
        name_all(self.tails, self._before)
        return 0

    def begins_as_named(self, block: bytes) -> bool:
        """Tell whether the first file, which begins with `block`, still is what it was named after."""
        return same_begin(self.tails[0].generation, generation(block[:FIRST]))

    def name_first(self, block: bytes) -> Generation:
        """The generation of the first file, which begins with `block` if it has none yet."""
        first = self.tails[0]
        if first.generation is None:
            first.generation = generation(block[:FIRST]) or NAMELESS
            name_all(self.tails, self._before)
        return first.generation or NAMELESS

    def follower_known(self) -> bool:
        """Tell whether a file behind the first one has a generation, which it has once its first line is whole."""
        self._identify()
        return any(t.generation is not None for t in self.tails[1:])

    def drop_first(self) -> list[Gap]:
        """Close the oldest file, which was read to its end; gives what is missing before the next one."""
        gone = self.tails.pop(0)
        self._before = gone.generation or self._before
        self._pass([gone])
        return self.tails[0].missing if self.tails else []

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
        close_all(self.tails)
        self.tails = []

    def _rewritten(self, newest: Tail, offset: int, status: os.stat_result) -> tuple[list[Gap], int | None]:
        """Compare the newest file with what it was: shorter, it was truncated."""
        before, alone = newest.size, len(self.tails) == 1
        self.rewritten = status.st_size == before and status.st_mtime_ns != newest.modified
        newest.size, newest.modified = status.st_size, status.st_mtime_ns
        if status.st_size >= max(before, offset if alone else 0):
            return [], None
        gap = Gap("truncated", max(0, before - offset) if alone else before)
        start = self.name_anew(newest)
        newest.missing += [] if alone else [gap]
        return ([gap], start) if alone else ([], None)

    def _reused(self, newest: Tail, offset: int) -> list[Gap]:
        """Name a file anew that was truncated and written to before it was rotated; who has read of it sees that it is not as it was."""
        if newest.begins_as_named():
            return []
        self.name_anew(newest)
        newest.missing += [Gap("truncated")] if len(self.tails) > 1 else []
        return [Gap("truncated")] if len(self.tails) == 1 and not offset else []

    def _place(self, progress: Progress | None, start: Literal["beginning", "end"]) -> tuple[int, list[Gap]]:
        if progress is not None:
            return self._resume(progress)
        if start == "beginning":
            return 0, []
        self._keep_from(len(self.tails) - 1)
        return self.tails[0].end_of_lines(), []

    def _resume(self, progress: Progress) -> tuple[int, list[Gap]]:
        """Go on at the oldest unfinished line whose file is there, in the order of the files: times may lie."""
        if progress.read.generation.ordinal == CUT:
            return self._resume_cut(progress)
        missing = self._find_astray(progress) if find(self.tails, progress.read, progress.inode) is None else []
        read = find(self.tails, progress.read, progress.inode)
        if read is None:
            self._keep_newer(progress.read.generation, newer_by_inode(self.tails, progress))
            self.tails = merged(self._strays_between(progress.read.generation, self.tails), self.tails)
            return 0, [Gap("lost_place", max(0, (self._limits.size or 0) - progress.read.offset))]
        if not is_intact(self.tails[read], progress.read.offset, self._newest_read(progress, read)):
            return self._resume_behind(read, progress.read), [*missing, Gap("truncated")]
        wanted = dict.fromkeys((progress.read, *progress.pending.values()))
        found = [(i, p) for p in wanted if (i := find_begun(self.tails, p, progress.read, read)) is not None]
        place, position = min(found, key=lambda at: (at[0], at[1].offset))
        gone = wanted.keys() - {p for _, p in found}
        if gone and progress.inode == REBUILT:
            self.gone = {p.generation for p in gone}
            return 0, missing
        missing += [Gap("lost_piece")] * len(gone)
        self._keep_from(place)
        self.tails[1:] = merged(self._strays_between(progress.read.generation, self.tails), self.tails[1:])
        self.tails[0].generation = position.generation
        if progress.inode == REBUILT and position.offset:
            # At the record itself: its line may have more pieces, which are stored too.
            return position.offset - 1, missing
        return position.offset, missing

    def _newest_read(self, progress: Progress, read: int) -> int:
        """The time of the newest record that was read: those of unfinished lines gave no document."""
        begun = [(find_begun(self.tails, p, progress.read, read), p.offset) for p in progress.pending.values()]
        return max([self._last_time, *(time_at(self.tails[i], offset) for i, offset in begun if i is not None)])

    def _resume_behind(self, place: int, known: Position) -> int:
        """Go on in a file that lost its end, with what is new in it; what was unfinished went with the end."""
        self._keep_from(place)
        self.tails[0].generation = regrown(known.generation)
        return new_from(self.tails[0], self._last_time)

    def _resume_cut(self, progress: Progress) -> tuple[int, list[Gap]]:
        """Begin the file that was truncated and empty then; or what is newer than its old content, when it is not to be found."""
        place = find_inode(self.tails, progress.inode)
        if place is not None:
            self._keep_from(place)
            return 0, []
        self._keep_newer(progress.read.generation)
        return 0, [Gap("lost_place")]

    def _find_astray(self, progress: Progress) -> list[Gap]:
        """Look for the file that was being read under a name that dockerd does not give; if it is there, nothing older is left to read.

        What is only a copy of it was made to truncate it (logrotate's copytruncate): lines written in between are lost.
        """
        keep = open_strays_from(self._directory, self._live, progress)
        if not keep:
            return []
        self._keep_newer(progress.read.generation)
        if self.tails:
            self.tails[0].missing = lost_if_full(self.tails, self._limits)
        self._join_strays(keep)
        return [] if keep[0].inode == progress.inode else [Gap("truncated")]

    def _join_strays(self, strays: list[Tail]) -> None:
        """Put `strays` before the set's files, but those that are copies of one of them."""
        copies = [t for t in strays if any(same_file(t.generation, own.generation) for own in self.tails)]
        close_all(copies)
        self.tails = merged([t for t in strays if t not in copies], self.tails)

    def _keep_from(self, place: int) -> None:
        self._pass(self.tails[:place])
        self.tails = self.tails[place:]

    def _keep_newer(self, known: Generation, also: Sequence[Tail] = ()) -> None:
        """Keep what may come after `known`, and `also`; the live file does in any case, whatever the clock said when it was begun."""
        known = known if known.time else replace(known, time=self._last_time)
        old = [t for t in self.tails if not not_older(t, known) and not self._is_live(t) and t not in also]
        self._pass(old)
        self.tails = [t for t in self.tails if t not in old]

    def _pass(self, tails: list[Tail]) -> None:
        """Close files that are done with, and remember them as long as they may be met again."""
        self._passed.add(tails)
        close_all(tails)

    def _open_newer(self, newest: Tail) -> list[Gap]:
        in_set = True

        def choose(files: list[LogFile]) -> list[LogFile]:
            nonlocal in_set
            newer = newer_than(files, newest.inode)
            in_set = newer is not None
            return files if newer is None else newer

        self._identify()
        tails = open_chain(self._directory, self._live, choose, compresses=self._compresses)
        missing: list[Gap] = []
        if not in_set:
            tails, missing = self._beyond(tails, newest)
        if tails and missing:
            tails[0].missing, missing = missing, []
        self.tails += tails
        name_all(self.tails, self._before)
        return missing

    def _beyond(self, tails: list[Tail], newest: Tail) -> tuple[list[Tail], list[Gap]]:
        """Pick what is newer than a held file that has left the set: compressed, renamed by hand, or rotated out of it."""
        place = compressed_copy(tails, newest)
        known = newest.generation or self._before
        candidates = tails if place is None else tails[place + 1 :]
        other = [t for t in candidates if not is_among(t, self.tails) and not self._passed.has(t)]
        if place is None and newest.unlinked() is None:
            other = [t for t in other if not_older(t, known) or is_twin(t, known) or self._is_live(t)]
            lost = lost_between(newest, other, self._limits)
            other = merged(self._strays_between(known, other), other)
        elif place is None:
            lost = lost_between(newest, other, self._limits)
        else:
            lost = [Gap("rotated")] if is_like_others(newest) else []
        # else the oldest went first: what is left is newer, whatever its first time says
        close_all([t for t in tails if t not in other])
        return other, lost

    def _is_live(self, tail: Tail) -> bool:
        return tail.path == f"{self._directory}/{self._live}"

    def _strays_between(self, older: Generation | None, newer: list[Tail]) -> list[Tail]:
        """Files renamed by hand after `older` was, and not seen before that."""

        def known(tail: Tail) -> bool:
            other = any(same_file(tail.generation, t.generation) for t in (*self.tails, *newer))
            return other or self._passed.named(tail.generation) or is_among(tail, self.tails)

        live = newer[-1].generation if newer else None
        return open_strays_between(self._directory, self._live, older, live, known)

    def _identify(self) -> None:
        for tail in self.tails:
            identified(tail)
        name_all(self.tails, self._before)
