"""How far a source is read, as the catalog is to remember it with the documents that led there.

It never moves past what is not stored, and names a place by what its file begins with: so one that was truncated and is empty
has its old name, marked as cut.
"""

from dataclasses import replace

from logagent.collect.tail import Tail
from logagent.model import Position, Progress
from logagent.parse.block import Parser

CUT = 0xFFFF  # the ordinal of a generation whose file was truncated, and has nothing in it that it could be named after


class Place:
    """The `progress` of one source; None as long as nothing of it can be named."""

    def __init__(self, progress: Progress | None) -> None:
        self.progress = progress
        self._cut = False

    def cut(self) -> None:
        """The file that is read was truncated: the old offset says nothing any more."""
        self._cut = True

    def leave_unfinished(self) -> None:
        """Go on behind what was read: what is unfinished is known, and need not be read again."""
        if self.progress is not None:
            self.progress = Progress(self.progress.read, {}, self.progress.inode)

    def reach(self, tail: Tail | None, offset: int, parser: Parser) -> Progress | None:
        """Take in that `tail` was read up to `offset`; gives the progress now."""
        if (
            not parser.resuming
        ):  # what is read for the second time is no progress: what lies behind it is stored already
            self.progress = self._reached(tail, offset, parser)
        return self.progress

    def _reached(self, tail: Tail | None, offset: int, parser: Parser) -> Progress | None:
        if tail is not None and tail.generation is not None:
            self._cut = False
            return Progress(Position(tail.generation, offset), parser.pending, tail.inode)
        old = self.progress
        if old is None:
            return None
        if tail is not None and self._cut:  # what was unfinished cannot be read again
            return Progress(Position(replace(old.read.generation, ordinal=CUT), 0), {}, tail.inode)
        return Progress(old.read, parser.pending, old.inode)
