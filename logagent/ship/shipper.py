"""The loop of one output: a few workers send frames, and the cursor follows what is finished.

It owns the output's cursor in the catalog and nothing else that lasts: everything here can be lost at any time, and the frames
after the cursor go out again. At most `workers` frames are in memory, and as many requests under way as the server bears. An output that cannot be reached, or that refuses us,
is tried for ever, with growing waits that end at once when the agent stops.
"""

import logging
import random as chance
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Protocol

from logagent.model import Frame
from logagent.ship import backoff
from logagent.ship.bulk import Again, Fault
from logagent.ship.deadletter import DeadLetters
from logagent.ship.elastic import Elastic, Unreachable
from logagent.ship.gate import Gate
from logagent.ship.limit import Limit
from logagent.ship.tally import Tally
from logagent.ship.trouble import Trouble
from logagent.ship.window import Outcome, Window
from logagent.ship.worker import LATER, REACH, Worker
from logagent.store.catalog import Catalog

log = logging.getLogger(__name__)

IDLE = 5.0  # seconds: how often an idle worker looks by itself; a new frame wakes it at once
AHEAD = 16  # frames finished ahead of the cursor, for each worker
DEAD_AHEAD = 4 << 20  # bytes of dead letters that wait for the cursor


class Source(Protocol):
    """The part of the store that shipping needs."""

    catalog: Catalog
    changed: threading.Condition

    def read(self, frame: Frame) -> bytes:
        """The gzip member of `frame`. Raises OSError."""


class Shipper:
    """Ships the frames of `store` to `client` as output `name`, which the catalog knows (`use_outputs`).

    `prepare` is asked before the first frame, until it returns None; waits after failures lie below `backoff_min` doubled
    with each, at most `backoff_max` seconds; `dead_budget` bytes of dead letters are kept, of all outputs together.
    """

    def __init__(
        self,
        store: Source,
        name: str,
        client: Elastic,
        *,
        workers: int = 2,
        backoff_min: float = 0.5,
        backoff_max: float = 60.0,
        dead_budget: int = 100_000_000,
        prepare: Callable[[Elastic], Again | Fault | None] | None = None,
        clock: Callable[[], float] = time.time,
        random: Callable[[], float] = chance.random,
    ) -> None:
        self.name, self.client = name, client
        self.tally, self.trouble = Tally(), Trouble(name)
        self._store, self._clock, self._random = store, clock, random
        self._backoff = (backoff_min, backoff_max)
        self._prepare, self._prepare_tries = prepare, 0
        self._window = Window(store.catalog.cursor(name), frames=AHEAD * workers, dead_bytes=DEAD_AHEAD)
        self._dead = DeadLetters(store.catalog, dead_budget)
        self._lock, self._moved = threading.RLock(), threading.Condition()
        self._gate, limit = Gate(workers, self.tally), Limit()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self.workers = [
            Worker(
                self,
                client,
                self.tally,
                self.trouble,
                gate=self._gate,
                limit=limit,
                shortest=backoff_min,
                longest=backoff_max,
                random=random,
            )
            for _ in range(workers)
        ]

    @property
    def last_error(self) -> str:
        """What went wrong last, while it is not over; else empty."""
        return self.trouble.last_error

    @property
    def paused(self) -> str:
        """Why shipping is paused until somebody corrects something; else empty."""
        return self.trouble.paused

    # The loop

    def start(self) -> None:
        """Start the workers' threads."""
        for index, worker in enumerate(self.workers):
            thread = threading.Thread(target=self._run, args=(worker,), name=f"ship-{self.name}-{index}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self, within: float) -> bool:
        """End the workers within `within` seconds; False when one still waits for an answer, which then counts for nothing."""
        self._stopping.set()
        self._gate.close()
        self._wake()
        end = time.monotonic() + within
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def step(self, now: float) -> float | None:
        """One step of the first worker: seconds to wait before the next, None when there is nothing to send."""
        return self._turn(self.workers[0], now)

    def idle(self) -> bool:
        """Whether every frame that is stored is done with."""
        with self._lock:
            self._settle(self._clock())
            return not len(self._window) and self._store.catalog.last_frame() <= self._window.taken

    def wait_drained(self, seq: int, within: float) -> bool:
        """Wait until all frames up to `seq` are done with, at most `within` seconds; tells whether they are."""
        with self._moved:
            return self._moved.wait_for(lambda: self._store.catalog.cursor(self.name) >= seq, within)

    def _run(self, worker: Worker) -> None:
        while self._gate.enter():
            try:
                wait = self._turn(worker, self._clock())
            except Exception as error:
                # The border of the loop: whatever fails here is tried again.
                wait = self._failed(error)
            finally:
                self._gate.leave()
            if wait is None:
                self._sleep()
            elif wait > 0:
                self._stopping.wait(wait)

    def _turn(self, worker: Worker, now: float) -> float | None:
        if self._prepare is not None:
            return self._set_up(now) if worker is self.workers[0] else None
        return worker.step(now)

    def _sleep(self) -> None:
        with self._store.changed:
            if not self._stopping.is_set() and not self._takeable():
                self._store.changed.wait(IDLE)

    def _wake(self) -> None:
        with self._store.changed:
            self._store.changed.notify_all()

    def _failed(self, error: Exception) -> float:
        if self._stopping.is_set():
            return 0.0
        log.debug("%s: a step failed", self.name, exc_info=error)
        self.trouble.failed(f"a step failed ({type(error).__name__}: {error})", LATER, self._clock())
        return IDLE

    # Before the first frame

    def _set_up(self, now: float) -> float:
        assert self._prepare is not None  # noqa: S101 - asked by _turn
        try:
            verdict = self._prepare(self.client)
        except Unreachable as error:
            verdict = Again(str(error), answered=False)
        if verdict is None:
            self._prepare = None
            self.trouble.over(now)
            self._wake()
            return 0.0
        self._tell(verdict, now)
        self._prepare_tries += 1
        shortest, longest = self._backoff
        return backoff.delay(self._prepare_tries, self._random(), shortest=shortest, longest=longest)

    def _tell(self, verdict: Again | Fault, now: float) -> None:
        if isinstance(verdict, Fault):
            if verdict.access:
                self.client.renew()
            self.trouble.failed(f"{self.client.url} answered {verdict.reason}", verdict.advice, now, paused=True)
        elif verdict.answered:
            self.trouble.failed(f"{self.client.url} answered {verdict.reason}", LATER, now)
        else:
            self.trouble.failed(verdict.reason, REACH, now)

    # What the workers take, and bring back

    def take(self) -> tuple[Frame, Outcome] | None:
        """The next frame after those that were taken; None when there is none, or too much waits for the cursor."""
        with self._lock:
            self._settle(self._clock())
            frames = self._store.catalog.frames_after(self._window.taken, 1) if self._window.open else []
            return (frames[0], self._window.take(frames[0].seq)) if frames else None

    def read(self, frame: Frame) -> bytes | None:
        """The bytes of `frame`; None when the store let it go, and moved the cursor behind it. Raises OSError."""
        try:
            return self._store.read(frame)
        except OSError:
            if self._store.catalog.cursor(self.name) >= frame.seq:
                return None
            raise

    def finish(self, outcome: Outcome) -> None:
        """Note that nothing of a frame is left to be sent, and move the cursor as far as that allows."""
        with self._lock:
            was_open = self._window.open
            outcome.done = True
            self._settle(self._clock())
            opened = self._window.open and not was_open
        if opened:
            self._wake()

    def _takeable(self) -> bool:
        with self._lock:
            free = self._prepare is None and self._window.open
            return free and self._store.catalog.last_frame() > self._window.taken

    def _settle(self, now: float) -> None:
        """Move the cursor behind the finished head. A catalog that cannot be written now is asked again at the next call."""
        moved = False
        while (head := self._window.head()) is not None:
            try:
                self._store.catalog.advance(
                    self.name, head.seq, delivered=head.delivered, duplicates=head.duplicates, dead=head.dead
                )
                self._window.forget()
                moved = True
                self._dead.trim(head.dead)
            except sqlite3.Error as error:
                if not self._stopping.is_set():
                    self.trouble.failed(f"the catalog cannot be written ({error})", "Check the disk of the store", now)
                break
        if moved:
            with self._moved:
                self._moved.notify_all()
