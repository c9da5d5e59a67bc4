"""How many requests may be under way: as many as the server bears, found by trying. Pure.

Additive increase, multiplicative decrease: successes allow slowly more, each push-back (429, 5xx, no answer) halves. Answers that
take several times as long as the best are a push-back too, and leave one request, so that the best is measured anew on an
empty line. Requests that were under way when it was lowered say nothing new. There is no clock in it: requests are numbered.
"""

GAIN = 0.2  # of a request, for each round of successes
LATE = 4.0  # times the best time for as many bytes
SOON = 1.0  # seconds: an answer within them is never late
SMOOTH = 0.25  # weight of the newest answer
FORGET = 1.001  # how the best time ages with each answer: a cluster that became slower for good is no reason for ever
FADE = 0.99  # how the size of a full request ages


class Pace:
    """Between one and `most` requests. It begins with one; up to `goal`, half of what was too much last, each success allows one more."""

    def __init__(self, most: int) -> None:
        self._most, self._level, self._goal = most, 1.0, float(most)
        self._number = self._cut = 0
        self._succeeded = False
        self._full = 0.0
        self._best: float | None = None
        self._usual = 0.0

    @property
    def allowed(self) -> int:
        """How many requests may be under way at the same time."""
        return int(self._level)

    def begin(self) -> int:
        """Number a request that goes out."""
        self._number += 1
        return self._number

    def passed(self, number: int, size: int, seconds: float) -> None:
        """Request `number` of `size` bytes was taken after `seconds`."""
        if number <= self._cut:
            return
        if self._late(size, seconds):
            self._lower(1.0)
            return
        self._succeeded = True
        gain = 1.0 if self._level < self._goal else GAIN / self._level
        self._level = min(float(self._most), self._level + gain)

    def pushed_back(self, number: int) -> None:
        """Request `number` was one too many, as far as we know."""
        if number > self._cut:
            self._lower(max(1.0, self._level / 2))

    def _lower(self, level: float) -> None:
        if self._succeeded or self._cut == 0:  # an outage is no reason to forget what went well before it
            self._goal = max(1.0, self._level / 2)
        self._level, self._cut, self._succeeded = level, self._number, False
        self._usual = self._best or 0.0

    def _late(self, size: int, seconds: float) -> bool:
        """Weigh the time of an answer against the best, by bytes; small requests cost more for each byte, and are no measure."""
        self._full = max(float(size), self._full * FADE)
        if size < self._full / 2 or not size:
            return False
        cost = seconds / size
        self._usual = cost if self._best is None else self._usual + SMOOTH * (cost - self._usual)
        self._best = cost if self._best is None else min(cost, self._best * FORGET)
        return seconds > SOON and self._usual > LATE * self._best
