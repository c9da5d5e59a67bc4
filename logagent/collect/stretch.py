"""A stretch of one log set: its open files, and what was closed of them.

Invariant: `tails` is contiguous, oldest first. What was closed is remembered, so that it is not taken for new when it is met again
under another name or compressed. A file that is held cannot be taken away: dockerd may rename, compress or delete it.
"""

from collections.abc import Sequence

from logagent.collect.chain import Choose, close_all, identified, name_all, open_chain, open_strays_between
from logagent.collect.kin import is_among, merged, not_older, same_file
from logagent.collect.passed import Passed
from logagent.collect.tail import Tail
from logagent.model import Generation


class Stretch:
    """The files held of the set in `directory` whose live file is named `live`. `before` is the generation of the file left last."""

    def __init__(self, directory: str, live: str) -> None:
        self.directory, self.live = directory, live
        self.tails: list[Tail] = []
        self.passed = Passed()
        self.before: Generation | None = None

    def open(self, choose: Choose, *, compresses: bool | None) -> list[Tail]:
        """Open the files of the set that `choose` picks; they are the caller's. Raises OSError."""
        return open_chain(self.directory, self.live, choose, compresses=compresses)

    @property
    def path(self) -> str:
        """The live file's path."""
        return f"{self.directory}/{self.live}"

    def is_live(self, tail: Tail) -> bool:
        """Tell whether `tail` had the live file's name when it was opened."""
        return tail.path == self.path

    def identify(self) -> None:
        """Name the files whose first line has become whole."""
        for tail in self.tails:
            identified(tail)
        name_all(self.tails, self.before)

    def keep_from(self, place: int) -> None:
        """Leave the files before `place`."""
        self._leave(self.tails[:place])

    def keep_newer(self, known: Generation, also: Sequence[Tail] = ()) -> None:
        """Keep what may come after `known`, and `also`; the live file does in any case, whatever the clock said when it was begun."""
        self._leave([t for t in self.tails if not not_older(t, known) and not self.is_live(t) and t not in also])

    def drop_first(self) -> None:
        """Leave the oldest file, which was read to its end."""
        self.before = self.tails[0].generation or self.before
        self._leave(self.tails[:1])

    def join(self, strays: Sequence[Tail]) -> None:
        """Put `strays` before the set's files, but those that are copies of one of them."""
        copies = [t for t in strays if any(same_file(t.generation, own.generation) for own in self.tails)]
        close_all(copies)
        self.tails = merged([t for t in strays if t not in copies], self.tails)

    def open_strays(self, older: Generation | None, newer: Sequence[Tail]) -> list[Tail]:
        """Open files that were renamed by hand after `older` was, before `newer` were begun, and were not seen before. Raises OSError."""

        def known(tail: Tail) -> bool:
            other = any(same_file(tail.generation, t.generation) for t in (*self.tails, *newer))
            return other or self.passed.named(tail.generation) or is_among(tail, self.tails)

        live = newer[-1].generation if newer else None
        return open_strays_between(self.directory, self.live, older, live, known)

    def close(self) -> None:
        """Close all files."""
        close_all(self.tails)
        self.tails = []

    def _leave(self, tails: Sequence[Tail]) -> None:
        self.passed.add(tails)
        close_all(tails)
        self.tails = [t for t in self.tails if t not in tails]
