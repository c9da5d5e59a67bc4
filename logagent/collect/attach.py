"""Where to go on in a log set that was read before, and what is missing there.

Invariant: nothing that was stored is read again, and what may lie between the remembered place and the one that is gone on at is a
gap. Names and inodes say little after a downtime, so that the place is sought by what files begin with.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

from logagent.collect.chain import everything, name_all, open_strays_from
from logagent.collect.cut import ends_later, is_intact, new_from, regrown, time_at
from logagent.collect.kin import find, find_begun, find_inode, merged, newer_by_inode
from logagent.collect.place import CUT
from logagent.collect.stretch import Stretch
from logagent.collect.unseen import Limits, lost_if_full
from logagent.model import REBUILT, Gap, Generation, Position, Progress


@dataclass(frozen=True, slots=True)
class Attached:
    """A place: `offset` in the first file of the stretch, and what is `missing` before it.

    `gone` are the generations of a rebuilt catalog's places whose files have gone: all that is there is new to the streams that have them.
    """

    offset: int = 0
    missing: list[Gap] = field(default_factory=list)
    gone: frozenset[Generation] = frozenset()


def attach(
    stretch: Stretch, limits: Limits, progress: Progress | None, start: Literal["beginning", "end"], last_time: int
) -> Attached:
    """Open all of the set and find the place. `last_time` (ns) is that of the newest line that was read. Raises OSError."""
    stretch.tails = stretch.open(everything, compresses=limits.compresses)
    found = Attached()
    if stretch.tails and progress is not None:
        found = _Resumption(stretch, limits, progress, last_time).resume()
    elif stretch.tails and start == "end":
        stretch.keep_from(len(stretch.tails) - 1)
        found = Attached(stretch.tails[0].end_of_lines())
    name_all(stretch.tails, None)
    return found


class _Resumption:
    """Goes on at `progress`."""

    def __init__(self, stretch: Stretch, limits: Limits, progress: Progress, last_time: int) -> None:
        self._stretch, self._limits, self._progress, self._last_time = stretch, limits, progress, last_time
        self._known = progress.read.generation

    def resume(self) -> Attached:
        """Go on at the oldest unfinished line whose file is there, in the order of the files: times may lie."""
        if self._known.ordinal == CUT:
            return self._begin_cut()
        missing = self._find_astray() if self._find() is None else []
        read = self._find()
        if read is None:
            return self._behind_lost()
        if not is_intact(self._stretch.tails[read], self._progress.read.offset, self._newest_read(read)):
            return self._behind_cut(read, missing)
        return self._at_unfinished(read, missing)

    def _find(self) -> int | None:
        return find(self._stretch.tails, self._progress.read, self._progress.inode)

    def _at_unfinished(self, read: int, missing: list[Gap]) -> Attached:
        stretch, progress = self._stretch, self._progress
        wanted = dict.fromkeys((progress.read, *progress.pending.values()))
        found = [(i, p) for p in wanted if (i := self._find_begun(p, read)) is not None]
        place, position = min(found, key=lambda at: (at[0], at[1].offset))
        gone = wanted.keys() - {p for _, p in found}
        if gone and progress.inode == REBUILT:
            return Attached(0, missing, frozenset(p.generation for p in gone))
        stretch.keep_from(place)
        stretch.tails[1:] = merged(stretch.open_strays(self._known, stretch.tails), stretch.tails[1:])
        stretch.tails[0].generation = position.generation
        # At a rebuilt place's record itself: its line may have more pieces, which are stored too.
        back = 1 if progress.inode == REBUILT and position.offset else 0
        return Attached(position.offset - back, [*missing, *[Gap("lost_piece")] * len(gone)])

    def _newest_read(self, read: int | None) -> int:
        """The time of the newest record that was read: those of unfinished lines gave no document."""
        tails, pending = self._stretch.tails, self._progress.pending.values()
        begun = [(self._find_begun(p, read), p.offset) for p in pending]
        return max([self._last_time, *(time_at(tails[i], offset) for i, offset in begun if i is not None)])

    def _find_begun(self, begun: Position, read: int | None) -> int | None:
        tails = self._stretch.tails
        return find(tails, begun, 0) if read is None else find_begun(tails, begun, self._progress.read, read)

    def _behind_cut(self, read: int, missing: list[Gap]) -> Attached:
        """Go on in a file that lost its end, with what is new in it; what was unfinished went with the end."""
        self._stretch.keep_from(read)
        first = self._stretch.tails[0]
        first.generation = regrown(self._known)
        return Attached(new_from(first, self._last_time), [*missing, Gap("truncated")])

    def _behind_lost(self) -> Attached:
        """Begin what may be newer than a file that has gone; one that began with damage is as old as the newest line read."""
        stretch = self._stretch
        self._keep_newer()
        stretch.tails = merged(stretch.open_strays(self._known, stretch.tails), stretch.tails)
        return Attached(0, [Gap("lost_place", max(0, (self._limits.size or 0) - self._progress.read.offset))])

    def _begin_cut(self) -> Attached:
        """Begin the file that was truncated and empty then; or what is newer than its old content, when it is not to be found."""
        place = find_inode(self._stretch.tails, self._progress.inode)
        if place is not None:
            self._stretch.keep_from(place)
            return Attached()
        self._keep_newer()
        return Attached(0, [Gap("lost_place")])

    def _find_astray(self) -> list[Gap]:
        """Look for the file that was being read under a name that dockerd does not give; if it is there, nothing older is left to read.

        What is only a copy of it was made to truncate it (logrotate's copytruncate): lines written in between are lost.
        """
        stretch = self._stretch
        keep = open_strays_from(stretch.directory, stretch.live, self._progress)
        if not keep:
            return []
        self._keep_newer()
        if stretch.tails:
            stretch.tails[0].missing = lost_if_full(stretch.tails, self._limits)
        stretch.join(keep)
        return [] if keep[0].inode == self._progress.inode else [Gap("truncated")]

    def _keep_newer(self) -> None:
        """Leave what is older than the file that has gone: it began earlier, and ends with nothing that is later than what was read."""
        known = self._known if self._known.time else replace(self._known, time=self._last_time)
        tails, newest = self._stretch.tails, self._newest_read(None)
        later = [t for t in tails if ends_later(t, newest)] if newest else []
        self._stretch.keep_newer(known, [*later, *newer_by_inode(tails, self._progress)])
