"""The bound of what is deleted and still held: such files take disk that no listing shows.

The source that keeps most gives first, its oldest file first; what cannot be given, because an older file stands before it, stays until
that one is read.
"""

from collections.abc import Iterable

from logagent.collect.source import Source

EVERY = 1.0  # seconds between two looks


def keep_within(sources: Iterable[Source], bound: int, now: float) -> int:
    """Let files go until at most `bound` bytes are held of deleted ones; returns how many are."""
    weights = {source: n for source in sources if (n := source.deleted_bytes())}
    able = set(weights)
    while able and sum(weights.values()) > bound:
        largest = max(able, key=weights.__getitem__)
        if not largest.release(now):
            able.discard(largest)
        weights[largest] = largest.deleted_bytes()
    return sum(weights.values())
