"""How large a request may be, learned from what the server refuses as too large (413) and from what passes. Pure.

Nobody tells this size: it is a setting of the server, or of a proxy before it. So the first refusal halves, what passed since
is the measure at the next one, and the size grows again slowly, since a server's setting may be raised. Sizes are bytes of the
plain body, which is what Elasticsearch counts.
"""

import math

FALL = 0.9  # share of what passed last that is sent after a refusal: growing back to it takes a hundred requests
GROWTH = 1.001  # with each request that passes near the limit
NEAR = 0.5  # share of the limit from which a request says something about it


class Limit:
    """The size of the largest request; without bound until something was refused."""

    def __init__(self) -> None:
        self.bytes = math.inf
        self._passed = 0

    def passed(self, size: int) -> None:
        """A request of `size` bytes was taken."""
        self._passed = max(self._passed, size)
        if size > self.bytes * NEAR:
            self.bytes *= GROWTH

    def refused(self, size: int, *, alone: bool) -> None:
        """A request of `size` bytes was too large; `alone` says that it was a single document."""
        if alone and size <= self._passed:
            return  # larger ones pass: it is something about that document
        known = FALL * self._passed if self._passed < size else 0.0
        self.bytes = min(self.bytes, max(size / 2, known))
        self._passed = min(self._passed, int(self.bytes))
