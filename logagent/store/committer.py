"""The committer: the loop that takes batches from the collector's queue and commits them as frames.

It is the only writer of the store. When there is no room it stops taking batches, so that the queue fills and the collector
stops reading: Docker's own files are the buffer then. It goes on by itself when there is room again.
"""

import logging
import queue

from logagent.model import Batch
from logagent.store.store import Store

log = logging.getLogger(__name__)

RETRY = 1.0  # seconds between two tries while there is no room
HOUSEKEEPING = 60.0  # seconds between two looks for segments that are too old


class Committer:
    """Moves batches from `batches` into `store`."""

    def __init__(self, store: Store, batches: "queue.Queue[Batch]") -> None:
        self._store, self._batches = store, batches
        self._retained = 0.0

    def step(self, now: float, wait: float) -> float:
        """Take one batch, waiting up to `wait` seconds, and commit when it is time; returns seconds to pause before the next."""
        if self._store.full:
            return 0.0 if self.commit(now) else RETRY
        self._housekeep(now)
        try:
            batch = self._batches.get(timeout=min(wait, self._store.remaining(now)) or 0.001)
        except queue.Empty:
            pass
        else:
            self._store.add(batch, now)
            self._batches.task_done()
        if self._store.due(now):
            self.commit(now)
        return 0.0

    def drain(self, now: float) -> bool:
        """Commit all that is queued. False when there is no room for it."""
        if self._store.full and not self.commit(now):
            return False  # nothing can join the frame that waits
        while True:
            try:
                self._store.add(self._batches.get_nowait(), now)
            except queue.Empty:
                return self.commit(now)
            if self._store.due(now) and not self.commit(now):
                return False

    def commit(self, now: float) -> bool:
        """Commit what was taken, and tell when that begins to fail and when it works again."""
        before = self._store.full
        done = self._store.commit(now)
        if not done and not before:
            log.warning("reading is paused: %s. It goes on by itself when there is room", self._store.full)
        if done and before:
            log.info("there is room again: reading goes on")
        return done

    def _housekeep(self, now: float) -> None:
        if not 0 <= now - self._retained < HOUSEKEEPING:  # or the clock was set back
            self._retained = now
            self._store.retain(now)
