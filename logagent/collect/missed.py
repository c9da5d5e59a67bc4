"""Containers that came and went before their log was opened: pure bookkeeping of what was told and what was read.

A log that was seen to be made is waited for until it was opened, or its container is left out on purpose; gone before that, its
lines are lost. Events may come late: containers that were read to their end are remembered for a while.
"""

from collections import deque
from collections.abc import Callable, Collection

DONE = 4096  # containers that are remembered


class Missed:
    """The logs that were seen to be made and are not opened yet. `made` may be called from any thread."""

    def __init__(self) -> None:
        self._made: set[str] = set()
        self._done: deque[str] = deque(maxlen=DONE)

    def __len__(self) -> int:
        return len(self._made)

    def made(self, container: str) -> None:
        """The log of this container was seen to be made."""
        self._made.add(container)

    def done(self, container: str) -> None:
        """The log of this container was read to its end."""
        self._done.append(container)

    def settle(self, known: Collection[str], present: Callable[[str], bool]) -> list[str]:
        """Give the containers that are gone and were missed, each once; `known` are open, or left out."""
        made = list(self._made)
        settled = {c for c in made if c in known or c in self._done}
        missed = [c for c in made if c not in settled and not present(c)]
        self._made -= settled | set(missed)
        return missed
