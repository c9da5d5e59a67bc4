"""The files of one log set that are held open: the one being read, and every newer one that has been seen.

Invariant: `tails` is a contiguous stretch of the set, oldest first, whose last member was the live file at the last look. A
file that is held cannot be taken away: dockerd may rename, compress or delete it, and it is still read to its end.
"""

import os
from typing import Literal

from logagent.collect.chain import close_all, everything, find, name_all, open_chain
from logagent.collect.logset import LogFile, newer_than
from logagent.collect.tail import Tail
from logagent.model import Generation, Position, Progress

LOST_PIECE = "the beginning of a long line went away with its file"
LOST_PLACE = "the file that was being read has gone; lines between it and the oldest that is left may be missing"
LOST_FILES = "files were rotated away faster than they were seen"
TRUNCATED = "the file was truncated by another program; lines that were not read yet may be missing"


class Held:
    """The held files of the set in `directory` whose live file is named `live`.

    `keeps_rotated` says that dockerd keeps rotated files (max-file above 1): only then does a missing file mean missing lines.
    `removed` tells that the directory has gone. Methods raise OSError when files cannot be read.
    """

    def __init__(self, directory: str, live: str, *, keeps_rotated: bool) -> None:
        self._directory, self._live, self._keeps_rotated = directory, live, keeps_rotated
        self.tails: list[Tail] = []
        self.removed = False

    def attach(self, progress: Progress | None, start: Literal["beginning", "end"]) -> tuple[int, list[str]]:
        """Open the set and find the place to go on at: an offset into the first of `tails`, and what is missing before it."""
        self.tails = open_chain(self._directory, self._live, everything)
        self.removed = not self.tails and not os.path.isdir(self._directory)
        offset, missing = self._place(progress, start) if self.tails else (0, [])
        name_all(self.tails, None)
        return offset, missing

    def look(self, offset: int) -> list[str]:
        """See whether the live file is still the newest one held, and open what is newer; gives what went missing.

        `offset` is how far the first file was read: one that is shorter was truncated, and begins a new generation.
        """
        try:
            status = os.stat(f"{self._directory}/{self._live}")
        except FileNotFoundError:
            self.removed = not os.path.isdir(self._directory)
            return []
        newest = self.tails[-1]
        if status.st_ino != newest.inode:
            return self._open_newer(newest)
        newest.size = status.st_size
        if len(self.tails) == 1 and status.st_size < offset:
            newest.generation = None
            newest.identify()
            return [TRUNCATED]
        return []

    def drop_first(self) -> None:
        """Close the oldest file: it was read to its end."""
        self.tails.pop(0).close()

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
        for position in dict.fromkeys((progress.start, progress.read)):
            place = find(self.tails, position, progress.inode)
            if place is not None:
                self._keep_from(place)
                self.tails[0].generation = position.generation
                return position.offset, [] if position == progress.start else [LOST_PIECE]
        self._keep_newer(progress.read.generation)
        return 0, [LOST_PLACE]

    def _keep_from(self, place: int) -> None:
        close_all(self.tails[:place])
        self.tails = self.tails[place:]

    def _keep_newer(self, known: Generation) -> None:
        old = [t for t in self.tails if not _not_older(t, known)]
        close_all(old)
        self.tails = [t for t in self.tails if t not in old]

    def _open_newer(self, newest: Tail) -> list[str]:
        in_set = True

        def choose(files: list[LogFile]) -> list[LogFile]:
            nonlocal in_set
            newer = newer_than(files, newest.inode)
            in_set = newer is not None
            return files if newer is None else newer

        tails = open_chain(self._directory, self._live, choose)
        missing: list[str] = []
        if not in_set:
            tails, missing = self._beyond(tails, newest)
        name_all(tails, newest.generation)
        self.tails += tails
        return missing

    def _beyond(self, tails: list[Tail], newest: Tail) -> tuple[list[Tail], list[str]]:
        """Pick what is newer than a held file that has left the set: compressed, renamed by hand, or rotated out of it."""
        own = newest.generation
        place = find(tails, Position(own, 0), newest.inode) if own else None
        held = {t.inode for t in self.tails}
        keep = (
            tails[place + 1 :]
            if place is not None
            else [t for t in tails if t.inode not in held and _not_older(t, own)]
        )
        close_all([t for t in tails if t not in keep])
        lost = place is None and self._keeps_rotated and not newest.linked()
        return keep, [LOST_FILES] if lost else []


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
