"""How large a request may be, learned from what the server refuses as too large (413) and from what passes. Pure.

Nobody tells this size: it is a setting of the server, or of a proxy before it. So a refusal halves, and what then passes is
remembered. Now and then a request may be twice as large, since the setting may be raised; the more often that is refused, the more
seldom it is tried. Sizes are bytes of the plain body, which is what Elasticsearch counts.
"""

import math

SOONEST, LATEST = 8, 1024  # requests near the limit that pass before a larger one is tried
STRIKES = 3  # refusals in a row of a size that passed before: fewer are chance, as of one node of many
HALF = 0.55  # of a refused request: halves by documents are not quite halves by bytes
NEAR = 0.5  # share of the limit from which a request says something about it


class Limit:
    """The size of the largest request; without bound until something was refused."""

    def __init__(self) -> None:
        self._known, self._passed = math.inf, 0
        self._strikes, self._struck = 0, math.inf
        self._near, self._patience = 0, SOONEST

    @property
    def bytes(self) -> float:
        """How large the next request may be."""
        return self._known * 2 if self._near >= self._patience else self._known

    def passed(self, size: int) -> None:
        """A request of `size` bytes was taken."""
        self._passed = max(self._passed, size)
        if size >= self._struck:
            self._strikes, self._struck = 0, math.inf
        if size > self._known:
            self._known, self._patience, self._near = float(size), SOONEST, 0
        elif size > self._known * NEAR:
            self._near += 1

    def refused(self, size: int, *, alone: bool) -> None:
        """A request of `size` bytes was too large; `alone` says that it was a single document."""
        if size > self._known:
            self._patience, self._near = min(LATEST, self._patience * 2), 0
        elif size > self._passed or (not alone and self._strike(size)):
            self._known, self._near = size * HALF, 0
            self._passed = min(self._passed, int(self._known))
            self._strikes, self._struck = 0, math.inf

    def _strike(self, size: int) -> bool:
        """Note the refusal of a size that passed before; tells whether it is one too many for chance."""
        self._strikes, self._struck = self._strikes + 1, min(self._struck, size)
        return self._strikes >= STRIKES
