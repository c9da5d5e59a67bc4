"""The loop of an output that takes lines, a file or stdout: one frame after the other, in their order.

Such an output answers at once and refuses no document, so there is no window, no pace and no judging. What it cannot take, for
want of room or of rights, is a pause: the frame is kept, said so, and tried again with growing waits. Only what cannot be read
from the store any more is a dead letter.
"""

import errno
import logging
import random as chance
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Protocol

from logagent.model import Frame
from logagent.ship import backoff
from logagent.ship.bulk import Items, Refusal
from logagent.ship.carrier import Destination
from logagent.ship.deadletter import DeadLetters, letters
from logagent.ship.ndjson import documents
from logagent.ship.parcel import DAMAGED
from logagent.ship.shipper import IDLE, Source
from logagent.ship.tally import Tally
from logagent.ship.trouble import Trouble
from logagent.ship.window import Outcome
from logagent.ship.worker import DISK

log = logging.getLogger(__name__)

CATALOG = "Check the disk of the store"
ADVICE = {
    errno.ENOSPC: "Make room on its file system",
    errno.EDQUOT: "Make room, or raise the quota",
    errno.ENOENT: "Make the folder that it lies in",
    errno.EPIPE: "Whoever read it has gone: start the agent anew with a reader",
}
RIGHTS = "Check the path, and that this user may write there"


class Sink(Destination, Protocol):
    """Takes lines."""

    def write(self, data: bytes) -> None:
        """Take whole lines, and return when they cannot get lost any more. Raises OSError."""


class Appender:
    """Brings the frames of `store` to `client` as output `name`, which the catalog knows (`use_outputs`).

    Waits after failures lie below `backoff_min` doubled with each, at most `backoff_max` seconds; `dead_budget` bytes of dead
    letters are kept, of all outputs together.
    """

    def __init__(
        self,
        store: Source,
        name: str,
        client: Sink,
        *,
        backoff_min: float = 0.5,
        backoff_max: float = 60.0,
        dead_budget: int = 100_000_000,
        clock: Callable[[], float] = time.time,
        random: Callable[[], float] = chance.random,
    ) -> None:
        self.name, self.client = name, client
        self.tally, self.trouble = Tally(), Trouble(name)
        self._store, self._clock, self._random = store, clock, random
        self._backoff, self._attempt = (backoff_min, backoff_max), 0
        self._dead = DeadLetters(store.catalog, dead_budget)
        self._frame: Frame | None = None
        self._outcome: Outcome | None = None
        self._moved, self._stopping = threading.Condition(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"ship-{name}", daemon=True)

    @property
    def last_error(self) -> str:
        """What went wrong last, while it is not over; else empty."""
        return self.trouble.last_error

    @property
    def paused(self) -> str:
        """Why it waits until somebody corrects something; else empty."""
        return self.trouble.paused

    # The loop

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, within: float) -> bool:
        """End the thread within `within` seconds; False when it still writes."""
        self._stopping.set()
        with self._store.changed:
            self._store.changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join(within)
        return not self._thread.is_alive()

    def wait_drained(self, seq: int, within: float) -> bool:
        """Wait until all frames up to `seq` are done with, at most `within` seconds; tells whether they are."""
        with self._moved:
            return self._moved.wait_for(lambda: self._store.catalog.cursor(self.name) >= seq, within)

    def step(self, now: float) -> float | None:
        """Do the next thing. Returns seconds to wait before the next step; None when there is no frame to be taken."""
        if self._frame is None and not self._take():
            return None
        assert self._frame is not None  # noqa: S101 - taken above
        if self._outcome is None and (wait := self._write(self._frame, now)) is not None:
            return wait
        return self._finish(now)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                wait = self.step(self._clock())
            except Exception as error:
                # The border of the loop: whatever fails here is tried again.
                log.debug("%s: a step failed", self.name, exc_info=error)
                wait = self._later(f"a step failed ({type(error).__name__}: {error})", CATALOG, self._clock())
            if wait is None:
                self._sleep()
            elif wait > 0:
                self._stopping.wait(wait)

    def _sleep(self) -> None:
        with self._store.changed:
            catalog = self._store.catalog
            if not self._stopping.is_set() and catalog.last_frame() <= catalog.cursor(self.name):
                self._store.changed.wait(IDLE)

    # A frame

    def _take(self) -> bool:
        catalog = self._store.catalog
        frames = catalog.frames_after(catalog.cursor(self.name), 1)
        self._frame, self._outcome = (frames[0] if frames else None), None
        return self._frame is not None

    def _write(self, frame: Frame, now: float) -> float | None:
        """Write `frame` out. Returns None when it is done, else how long to wait before the next step."""
        try:
            member = self._store.read(frame)
        except OSError as error:
            if self._store.catalog.cursor(self.name) >= frame.seq:
                self._frame = None  # the store let it go, and moved the cursor behind it
                return 0.0
            sentence = f"frame {frame.seq} cannot be read from the store ({error.strerror or error})"
            return self._later(sentence, DISK, now)
        lines, lost = documents(member, frame.events)
        try:
            self.client.write(lines)
        except OSError as error:
            sentence = f"{self.client.url} cannot be written ({error.strerror or error})"
            return self._later(sentence, ADVICE.get(error.errno or 0, RIGHTS), now, paused=True)
        refused = [Refusal(item, 0, DAMAGED, "the frame is damaged on disk") for item in lost]
        dead = letters(self.name, frame.seq, refused, {}, now)
        self._outcome = Outcome(frame.seq, frame.events - len(lost), 0, dead)
        return None

    def _finish(self, now: float) -> float:
        """Move the cursor behind the frame. A catalog that cannot be written now is asked again, and the frame not written again."""
        outcome = self._outcome
        assert outcome is not None  # noqa: S101 - made by _write
        try:
            self._store.catalog.advance(
                self.name, outcome.seq, delivered=outcome.delivered, duplicates=0, dead=outcome.dead
            )
        except sqlite3.Error as error:
            return self._later(f"the catalog cannot be written ({error})", CATALOG, now)
        self._count(outcome, now)
        self._frame, self._outcome, self._attempt = None, None, 0
        with self._moved:
            self._moved.notify_all()
        return 0.0

    def _count(self, outcome: Outcome, now: float) -> None:
        self.trouble.over(now)
        self.tally.sorted(Items(outcome.delivered))
        if outcome.dead:
            self.tally.died(len(outcome.dead))
            self.trouble.refused(len(outcome.dead), DAMAGED, now)
            self._dead.trim(outcome.dead)

    def _later(self, sentence: str, advice: str, now: float, *, paused: bool = False) -> float:
        self.trouble.failed(sentence, advice, now, paused=paused)
        self.tally.retried()
        self._attempt += 1
        shortest, longest = self._backoff
        return backoff.delay(self._attempt, self._random(), shortest=shortest, longest=longest)
