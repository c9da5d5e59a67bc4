"""The order of frames: several are under way at once and end in any order; the cursor may move over the finished head only. Pure.

"An unfinished frame is never passed" and "not too much is finished ahead of it" are one structure: when the head takes long,
the window fills up, and no further frame is taken until the head is done.
"""

from collections import deque
from dataclasses import dataclass, field

from logagent.model import DeadLetter


@dataclass(slots=True)
class Outcome:
    """What became of frame `seq`; `done` once nothing of it is left to be sent. `delivered` includes `duplicates`."""

    seq: int
    delivered: int = 0
    duplicates: int = 0
    dead: list[DeadLetter] = field(default_factory=list)
    done: bool = False


class Window:
    """Frames between taking and forgetting, in the order of taking: at most `frames`, and `dead_bytes` of dead letters."""

    def __init__(self, after: int, *, frames: int, dead_bytes: int) -> None:
        self.taken = after
        self._frames, self._dead_bytes = frames, dead_bytes
        self._row: deque[Outcome] = deque()

    def __len__(self) -> int:
        return len(self._row)

    @property
    def open(self) -> bool:
        """Whether one more frame may be taken."""
        held = sum(len(letter.document) for outcome in self._row for letter in outcome.dead)
        return not self._row or (len(self._row) < self._frames and held < self._dead_bytes)

    def take(self, seq: int) -> Outcome:
        """Take frame `seq`, a newer one than all before; its outcome is filled in by who sends it."""
        if seq <= self.taken:
            raise ValueError(f"frame {seq} comes after {self.taken}")
        self.taken = seq
        self._row.append(Outcome(seq))
        return self._row[-1]

    def head(self) -> Outcome | None:
        """The oldest frame if it is done: the next one for the cursor."""
        return self._row[0] if self._row and self._row[0].done else None

    def forget(self) -> None:
        """Let the head go: the cursor is behind it now."""
        self._row.popleft()
