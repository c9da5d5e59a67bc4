"""An output's counters since the start: requests by answer, items by result, bytes, and how long answers took.

Several workers add to them; the metrics read them at scrape. The accounting that survives a restart is the catalog's.
"""

import threading
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

from logagent.ship.bulk import Items

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds of the latency histogram, seconds; one more bucket holds what took longer."""

NO_ANSWER = "none"


@dataclass
class Tally:
    """`requests` by HTTP status or "none", `items` by delivered, duplicate, failure_store, retried and dead; `latency` counts by bucket.

    `accepted` counts requests whose documents were judged one by one. `allowed` is how many requests may be under way now.
    """

    requests: Counter[str] = field(default_factory=Counter)
    items: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    retries: int = 0
    bytes_sent: int = 0
    in_flight: int = 0
    allowed: int = 0
    latency: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    latency_sum: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def sent(self, size: int) -> None:
        """A request of `size` bytes goes out."""
        with self._lock:
            self.in_flight += 1
            self.bytes_sent += size

    def answered(self, status: int | None, seconds: float) -> None:
        """It was answered with `status`, or not at all (None)."""
        with self._lock:
            self.in_flight -= 1
            # The statuses that exist are a few hundred; what a broken server makes up shares one name.
            self.requests[NO_ANSWER if status is None else str(status) if 100 <= status < 600 else "other"] += 1
            if status is not None:
                self.latency[bisect_left(BUCKETS, seconds)] += 1
                self.latency_sum += seconds

    def sorted(self, verdict: Items) -> None:
        """Count what became of a request's items; each has one result: `delivered` counts those that are new and where they belong."""
        with self._lock:
            self.accepted += 1
            self.items["delivered"] += verdict.delivered - verdict.duplicates - verdict.failure_store
            self.items["duplicate"] += verdict.duplicates
            self.items["failure_store"] += verdict.failure_store
            self.items["retried"] += len(verdict.retry)

    def cut(self, number: int) -> None:
        """Count events that were delivered with long texts cut, as the server takes nothing larger."""
        with self._lock:
            self.items["truncated"] += number

    def died(self, number: int) -> None:
        """Count events that were refused for good."""
        with self._lock:
            self.items["dead"] += number

    def retried(self) -> None:
        """Count a wait before another try."""
        with self._lock:
            self.retries += 1
