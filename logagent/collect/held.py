"""The files of one log set that are held open: the one being read, and every newer one that has been seen.

Invariant: `tails` is a contiguous stretch of the set, oldest first, whose last member was the live file at the last look. A
file that is held cannot be taken away: dockerd may rename, compress or delete it, and it is still read to its end.
"""

import os
from collections import deque
from typing import Literal

from logagent.collect.chain import close_all, everything, find, identified, name_all, open_chain
from logagent.collect.logset import LogFile, newer_than
from logagent.collect.tail import FIRST, Tail, generation
from logagent.model import Generation, Position, Progress

LOST_PIECE = "the beginning of a long line went away with its file"
LOST_PLACE = "the file that was being read has gone; lines between it and the oldest that is left may be missing"
LOST_FILES = "files were rotated away faster than they were seen"
TRUNCATED = "the file was truncated by another program; lines that were not read yet may be missing"

NAMELESS = Generation(0, 1)
PASSED = 256  # files that were read or left behind and may still be in the set: more than any sensible max-file
CLOCK_TICK = 10_000_000  # ns: the kernel stamps a change of a file up to one tick late or early


class Held:
    """The held files of the set in `directory` whose live file is named `live`.

    `keeps_rotated` says that dockerd keeps rotated files (max-file above 1). `removed` tells that the directory has gone.
    Methods raise OSError when files cannot be opened.
    """

    def __init__(self, directory: str, live: str, *, keeps_rotated: bool) -> None:
        self._directory, self._live, self._keeps_rotated = directory, live, keeps_rotated
        self._before: Generation | None = None
        self._passed: deque[tuple[int, Generation | None]] = deque(maxlen=PASSED)
        self.tails: list[Tail] = []
        self.removed = False

    def attach(self, progress: Progress | None, start: Literal["beginning", "end"]) -> tuple[int, list[str]]:
        """Open the set and find the place to go on at: an offset into the first of `tails`, and what is missing before it."""
        self.tails = open_chain(self._directory, self._live, everything)
        self.removed = not self.tails and not os.path.isdir(self._directory)
        offset, missing = self._place(progress, start) if self.tails else (0, [])
        name_all(self.tails, None)
        return offset, missing

    def look(self, offset: int) -> tuple[list[str], bool]:
        """Open what is newer than the newest held file; gives what went missing, and whether the first file begins anew.

        `offset` is how far the first file was read. A file that has become shorter was truncated: what it holds now is a new
        generation, to be read from its start.
        """
        try:
            status = os.stat(f"{self._directory}/{self._live}")
        except FileNotFoundError:
            self.removed = not os.path.isdir(self._directory)
            self.tails[-1].grown()  # renamed by hand, perhaps: who has it open still writes to it
            return [], False
        newest, alone = self.tails[-1], len(self.tails) == 1
        if status.st_ino != newest.inode:
            return self._open_newer(newest), False
        truncated = status.st_size < max(newest.size, offset if alone else 0)
        newest.size = status.st_size
        if not truncated:
            return [], False
        newest.generation = None
        self._identify()
        return [TRUNCATED], alone

    def name_first(self, block: bytes) -> Generation:
        """The generation of the first file, which begins with `block` if it has none yet."""
        first = self.tails[0]
        if first.generation is None:
            first.generation = generation(block) or NAMELESS
            name_all(self.tails, self._before)
        return first.generation or NAMELESS

    def follower_named(self) -> bool:
        """Tell whether the file behind the first one has a generation, which it has once its first line is whole."""
        self._identify()
        return self.tails[1].generation is not None

    def drop_first(self) -> None:
        """Close the oldest file: it was read to its end."""
        gone = self.tails.pop(0)
        self._before = gone.generation or self._before
        self._pass([gone])

    def close(self) -> None:
        """Close all files."""
        close_all(self.tails)
        self.tails = []

    def _place(self, progress: Progress | None, start: Literal["beginning", "end"]) -> tuple[int, list[str]]:
        if progress is not None:
            return self._resume(progress)
        if start == "beginning":
            return 0, []
        self._keep_from(len(self.tails) - 1)
        return _end_of_lines(self.tails[0]), []

    def _resume(self, progress: Progress) -> tuple[int, list[str]]:
        """Go on at the oldest unfinished line whose file is there, in the order of the files: times may lie."""
        if find(self.tails, progress.read, progress.inode) is None:
            self._keep_newer(progress.read.generation)
            return 0, [LOST_PLACE]
        wanted = dict.fromkeys((progress.read, *progress.pending.values()))
        found = [(place, p) for p in wanted if (place := find(self.tails, p, progress.inode)) is not None]
        place, position = min(found, key=lambda at: (at[0], at[1].offset))
        missing = [LOST_PIECE] * (len(wanted) - len(found))
        self._keep_from(place)
        first = self.tails[0]
        first.generation = position.generation
        if not first.compressed and first.size < position.offset:
            return _end_of_lines(first), [*missing, TRUNCATED]
        return position.offset, missing

    def _keep_from(self, place: int) -> None:
        self._pass(self.tails[:place])
        self.tails = self.tails[place:]

    def _keep_newer(self, known: Generation) -> None:
        """Keep what may come after `known`; the live file does in any case, whatever the clock said when it was begun."""
        old = [t for t in self.tails[:-1] if not _not_older(t, known)]
        self._pass(old)
        self.tails = [t for t in self.tails if t not in old]

    def _pass(self, tails: list[Tail]) -> None:
        """Close files that are done with, and remember them as long as they may be met again."""
        self._passed.extend((t.inode, t.generation) for t in tails)
        close_all(tails)

    def _was_passed(self, tail: Tail) -> bool:
        own = tail.generation
        return any(own == known and (tail.compressed or tail.inode == inode) for inode, known in self._passed)

    def _open_newer(self, newest: Tail) -> list[str]:
        in_set = True

        def choose(files: list[LogFile]) -> list[LogFile]:
            nonlocal in_set
            newer = newer_than(files, newest.inode)
            in_set = newer is not None
            return files if newer is None else newer

        self._identify()
        tails = open_chain(self._directory, self._live, choose)
        missing: list[str] = []
        if not in_set:
            tails, missing = self._beyond(tails, newest)
        self.tails += tails
        name_all(self.tails, self._before)
        return missing

    def _beyond(self, tails: list[Tail], newest: Tail) -> tuple[list[Tail], list[str]]:
        """Pick what is newer than a held file that has left the set: compressed, renamed by hand, or rotated out of it."""
        own = newest.generation
        place = _compressed_copy(tails, newest)
        held, known = {t.inode for t in self.tails}, own or self._before
        other = [t for t in tails if t.inode not in held]
        if place is not None:
            keep = tails[place + 1 :]
        elif newest.unlinked() is not None:  # the oldest go first: what is left is newer, whatever its first time says
            keep = [t for t in other if not self._was_passed(t)]
        else:
            keep = [t for t in other if _not_older(t, known) or _twin(t, known) or t is tails[-1]]
        close_all([t for t in tails if t not in keep])
        lost = _like_others(newest) if place is not None else self._may_have_lost(newest, keep)
        return keep, [LOST_FILES] if lost else []

    def _may_have_lost(self, newest: Tail, newer: list[Tail]) -> bool:
        """Tell whether files came and went between `newest`, which is not in the set any more, and `newer`.

        dockerd deletes a file in the moment in which it begins the next one (without rotated files), so a first record that
        is later than the deletion tells of another file between them.
        """
        gone = newest.unlinked()
        if gone is None or self._keeps_rotated:
            return gone is not None
        begun = newer[0].generation if newer else None
        return begun is not None and begun.time > gone + CLOCK_TICK

    def _identify(self) -> None:
        for tail in self.tails:
            identified(tail)
        name_all(self.tails, self._before)


def _compressed_copy(tails: list[Tail], newest: Tail) -> int | None:
    """Tell which of `tails` has the content of `newest`, a plain file that is held: only compressing gives it another inode."""
    own, size = newest.generation, newest.grown()
    copies = [i for i, t in enumerate(tails) if t.compressed and t.plain_size() == size]
    place = find([tails[i] for i in copies], Position(own, 0), 0) if own else None
    return None if place is None else copies[place]


def _like_others(tail: Tail) -> bool:
    """Tell whether `tail` may be nothing but a piece of a long line: its neighbours can then be the same to the byte."""
    return tail.generation is not None and tail.generation.checksum != 0 and tail.size < FIRST


def _twin(tail: Tail, known: Generation | None) -> bool:
    """Tell whether `tail` is a plain file that only begins like `known`, with a piece of the same long line."""
    own = tail.generation
    return (
        own is not None
        and known is not None
        and not tail.compressed
        and (own.time, own.checksum) == (known.time, known.checksum)
    )


def _not_older(tail: Tail, than: Generation | None) -> bool:
    """Tell whether `tail` may hold what comes after the generation `than`: it is another one, and no older."""
    own = tail.generation
    return (
        own is None or than is None or own.time > than.time or (own.time == than.time and own.checksum != than.checksum)
    )


def _end_of_lines(tail: Tail) -> int:
    size = tail.grown()
    start = max(0, size - (256 << 10))
    return start + tail.read(start, size - start).rfind(b"\n") + 1
