"""The files that were read or left behind and may be met again: under another name, compressed, or as a copy that somebody made."""

from collections import deque
from collections.abc import Iterable

from logagent.collect.kin import same_file
from logagent.collect.tail import Tail
from logagent.model import Generation

KEPT = 256  # files that are remembered: more than any sensible max-file


class Passed:
    """What was passed, by inode and generation."""

    def __init__(self) -> None:
        self._files: deque[tuple[int, Generation | None]] = deque(maxlen=KEPT)

    def add(self, tails: Iterable[Tail]) -> None:
        """Remember `tails` as they are named now."""
        self._files.extend((t.inode, t.generation) for t in tails)

    def add_as(self, inode: int, named: Generation | None) -> None:
        """Remember the content that the file with `inode` had when it was `named` so."""
        if named is not None:
            self._files.append((inode, named))

    def has(self, tail: Tail) -> bool:
        """Tell whether `tail` was passed: a plain file keeps its inode."""
        own = tail.generation
        return any(same_file(own, known) and (tail.compressed or tail.inode == inode) for inode, known in self._files)

    def named(self, own: Generation | None) -> bool:
        """Tell whether one of them was named `own`."""
        return any(same_file(own, known) for _, known in self._files)
