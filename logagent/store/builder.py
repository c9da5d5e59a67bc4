"""The frame that is being filled: documents are compressed as they come, so that never more than one block is held plain."""

from collections import Counter

from isal import isal_zlib

from logagent.model import Batch, Gap, Progress
from logagent.store.records import Covered, Part

LEVEL = 1
GZIP = 31  # zlib's name for the gzip format with the largest window


class FrameBuilder:
    """Gathers batches into one gzip member and into what the catalog must remember with it."""

    def __init__(self) -> None:
        self._gzip = isal_zlib.compressobj(LEVEL, wbits=GZIP)
        self._pieces: list[bytes] = []
        self._parts: dict[str, Part] = {}
        self._progress: dict[str, Progress] = {}
        self._gaps: dict[str, list[Gap]] = {}
        self._totals: dict[tuple[str, str], int] = {}
        self._removed: list[str] = []
        self.plain = self.events = 0
        self.since: float | None = None

    def add(self, batch: Batch, now: float) -> None:
        """Take `batch` in; `since` is when the oldest one came."""
        self.since = now if self.since is None else self.since
        if batch.events:
            self._pieces.append(self._gzip.compress(batch.documents))
            self.plain += len(batch.documents)
            self.events += batch.events
            self._parts[batch.container] = _merge(self._parts.get(batch.container), batch)
        if batch.progress is not None:
            self._progress[batch.container] = batch.progress
        if batch.gaps:
            self._gaps.setdefault(batch.container, []).extend(batch.gaps)
        if batch.removed:
            self._removed.append(batch.container)
        self._count(batch)

    def finish(self) -> bytes:
        """End the member and return it whole; nothing may be added after that."""
        self._pieces.append(self._gzip.flush())
        return b"".join(self._pieces)

    @property
    def times(self) -> tuple[int, int]:
        """First and last time in the frame, ns."""
        return min(p.first_time for p in self._parts.values()), max(p.last_time for p in self._parts.values())

    @property
    def covered(self) -> Covered:
        """What the catalog must remember together with the frame."""
        return Covered(self._parts, self._progress, self._gaps, self._totals, self._removed)

    def _count(self, batch: Batch) -> None:
        counts = {
            ("read", ""): batch.read,
            ("stored", ""): batch.events,
            ("bytes", ""): batch.raw_bytes,
            ("lost_bytes", ""): sum(gap.bytes for gap in batch.gaps),
        }
        counts |= {("gaps", reason): n for reason, n in Counter(gap.reason for gap in batch.gaps).items()}
        counts |= {("filtered", reason): n for reason, n in batch.filtered.items()}
        counts |= {("dropped", reason): n for reason, n in batch.dropped.items()}
        counts |= {("problems", reason): n for reason, n in batch.problems.items()}
        for key, number in counts.items():
            if number:
                self._totals[key] = self._totals.get(key, 0) + number


def _merge(old: Part | None, batch: Batch) -> Part:
    if old is None:
        return Part(batch.events, batch.first_time, batch.last_time)
    return Part(old.events + batch.events, min(old.first_time, batch.first_time), max(old.last_time, batch.last_time))
