"""The gate before an output: as many workers as its pace allows go through at a time, in the order in which they came.

The order matters: a worker that holds the oldest frame must not be overtaken for ever by one that always comes back first,
since the cursor waits for that frame.
"""

import threading
from collections import deque

from logagent.ship.bulk import Items, Split, Verdict
from logagent.ship.pace import Pace
from logagent.ship.tally import Tally


class Gate:
    """At most `most` workers at a time, fewer while the server pushes back; `tally` shows how many."""

    def __init__(self, most: int, tally: Tally) -> None:
        self._pace, self._tally = Pace(most), tally
        self._changed = threading.Condition()
        self._row: deque[object] = deque()
        self._inside, self._open = 0, True
        tally.allowed = self._pace.allowed

    def enter(self) -> bool:
        """Wait for the turn; False when the gate was closed instead. Who entered must leave."""
        me = object()
        with self._changed:
            self._row.append(me)
            self._changed.wait_for(lambda: not self._open or self._turn_of(me))
            self._row.remove(me)
            self._inside += self._open
            self._changed.notify_all()
            return self._open

    def leave(self) -> None:
        """Give the place to the next."""
        with self._changed:
            self._inside -= 1
            self._changed.notify_all()

    def close(self) -> None:
        """Let nobody in any more, and those who wait go."""
        with self._changed:
            self._open = False
            self._changed.notify_all()

    def begin(self) -> int:
        """Number a request that goes out."""
        with self._changed:
            return self._pace.begin()

    def judged(self, number: int, verdict: Verdict, size: int, seconds: float) -> None:
        """Learn from what became of request `number` of `size` bytes, answered after `seconds`."""
        with self._changed:
            if isinstance(verdict, Items) and not verdict.retry:
                self._pace.passed(number, size, seconds)
            elif not isinstance(verdict, Split):
                self._pace.pushed_back(number)
            self._tally.allowed = self._pace.allowed
            self._changed.notify_all()

    def _turn_of(self, me: object) -> bool:
        return self._row[0] is me and self._inside < self._pace.allowed
