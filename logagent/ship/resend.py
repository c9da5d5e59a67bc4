"""Frames that are sent once more: it stands before a shipper in the store's place, and gives it one load after the other.

A shipper asks its store and the catalog for the next frame, its bytes, and to note what became of it. Asked here, the frames are
loads made for the occasion, numbered as they are taken, and what became of each goes to `settle`: nothing of the real cursor is
touched, and all that shipping knows about answers, waits and the pace holds here as well. At most `rate` events are given out in
a second. Loads come from a generator: only those under way are in memory.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from logagent.model import DeadLetter, Frame
from logagent.ship.body import pack

MAX_KINDS = 100  # kinds of refusal that are counted apart


@dataclass(frozen=True, slots=True)
class Load:
    """A request's worth: a gzip member of `events` documents, and those of them that are dead letters.

    `weight` is how much of the whole it stands for.
    """

    events: int
    member: bytes
    weight: int = 0
    letters: tuple[DeadLetter, ...] = ()


@dataclass(slots=True)
class Account:
    """What became of the events so far; `refused` by status and the server's word, `weight` as in the loads."""

    delivered: int = 0
    duplicates: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    weight: int = 0

    @property
    def sent(self) -> int:
        """How many were answered for good."""
        return self.delivered + self.dead

    @property
    def dead(self) -> int:
        """How many were refused."""
        return self.refused.total()


Settle = Callable[[Load, int, Sequence[DeadLetter]], None]
"""Called with a load that is done, how many of its events were there already, and those that were refused."""


class Resend:
    """Gives `loads` to a shipper, at most `rate` events a second (0: as fast as it takes them). Its `catalog` is itself."""

    def __init__(
        self,
        loads: Iterator[Load],
        *,
        rate: float = 0.0,
        settle: Settle | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.catalog = self
        self.changed = threading.Condition()
        self.account = Account()
        self.error: Exception | None = None
        self._loads, self._rate, self._settle, self._clock = loads, rate, settle, clock
        self._under_way: dict[int, Load] = {}
        self._taken = self._done = 0
        self._exhausted, self._next = False, 0.0
        self._lock = threading.RLock()

    @property
    def done(self) -> bool:
        """Whether everything was taken, and something became of all of it. After `error` nothing more is taken."""
        with self._lock:
            return self._exhausted and self._done == self._taken

    @property
    def open(self) -> bool:
        """Whether one more load may be taken now."""
        with self._lock:
            return not self._exhausted and (not self._rate or self._clock() >= self._next)

    def pulse(self) -> None:
        """Wake who waits for the rate to let the next load through; to be called a few times in a second."""
        if self.open:
            with self.changed:
                self.changed.notify_all()

    # What a shipper asks of the store

    def read(self, frame: Frame) -> bytes:
        """The bytes of a load."""
        with self._lock:
            return self._under_way[frame.seq].member

    def cursor(self, output: str) -> int:
        """The last load that is done."""
        del output
        return self._done

    def last_frame(self) -> int:
        """The number of the newest load that may be taken now."""
        with self._lock:
            return self._taken + self.open

    def frames_after(self, seq: int, limit: int) -> list[Frame]:
        """The next load as a frame; none while the rate does not allow it, and when there is no more."""
        del seq, limit
        with self._lock:
            load = self._pull() if self.open else None
            if load is None:
                return []
            self._taken += 1
            self._under_way[self._taken] = load
            if self._rate:
                self._next = max(self._next, self._clock()) + load.events / self._rate
            return [Frame(self._taken, 0, 0, len(load.member), 0, load.events, 0, 0)]

    def advance(self, output: str, frame: int, *, delivered: int, duplicates: int, dead: Sequence[DeadLetter]) -> None:
        """Note what became of a load. Raises what `settle` raises; then nothing is noted."""
        del output
        with self._lock:
            load = self._under_way[frame]
            if self._settle:
                self._settle(load, duplicates, dead)
            self.account.delivered += delivered
            self.account.duplicates += duplicates
            self.account.weight += load.weight
            for letter in dead:
                self._count(f"{letter.status} {letter.reason.partition(': ')[0]}".rstrip())
            del self._under_way[frame]
            self._done = frame

    def trim_dead_letters(self, budget: int) -> int:
        """Nothing is kept here."""
        del budget
        return 0

    def _pull(self) -> Load | None:
        try:
            load = next(self._loads, None)
        except Exception as error:
            # A generator that failed has ended, too: whoever drives this raises it, so that it is not taken for the end.
            self.error, load = error, None
        self._exhausted = load is None
        return load

    def _count(self, kind: str) -> None:
        counts = self.account.refused
        counts[kind if kind in counts or len(counts) < MAX_KINDS else "other"] += 1


def of_letters(
    pages: Iterable[Sequence[DeadLetter]], change: Callable[[bytes], bytes] = lambda pair: pair
) -> Iterator[Load]:
    """Dead letters as loads, each page one: the line pairs as they were refused, or what `change` makes of them.

    Letters without a document are left out.
    """
    for page in pages:
        if kept := tuple(letter for letter in page if letter.document):
            yield Load(len(kept), pack([change(letter.document) for letter in kept]), len(kept), kept)
