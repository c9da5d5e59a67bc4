"""Dead letters: the documents that an output refused for good, kept with their reason, within a budget.

They are written in the transaction that moves the cursor, so that each event is either delivered, dead or still waiting.
"""

import logging
from collections.abc import Mapping, Sequence

import orjson

from logagent.model import DeadLetter
from logagent.ship.bulk import Refusal
from logagent.store.catalog import Catalog

log = logging.getLogger(__name__)

SLACK = 16  # the budget is looked at each time that a sixteenth of it was added


def letters(
    output: str, frame: int, dead: Sequence[Refusal], pairs: Mapping[int, bytes], now: float
) -> list[DeadLetter]:
    """The dead letters of a frame: `pairs` has each refused item's two lines, none for one that cannot be read from disk."""
    return [
        DeadLetter(
            output,
            frame,
            r.item,
            _id(pairs.get(r.item, b""), frame, r.item),
            r.status,
            _reason(r),
            now,
            pairs.get(r.item, b""),
        )
        for r in dead
    ]


class DeadLetters:
    """Keeps the catalog's dead letters within `budget` bytes of documents: the oldest go first."""

    def __init__(self, catalog: Catalog, budget: int) -> None:
        self._catalog, self._budget = catalog, budget
        self._added = budget  # what earlier runs left is looked at with the first one

    def trim(self, added: Sequence[DeadLetter]) -> None:
        """Take note of `added`, and let the oldest go when the budget may be passed."""
        self._added += sum(len(letter.document) for letter in added)
        if not added or self._added * SLACK < self._budget:
            return
        self._added = 0
        if gone := self._catalog.trim_dead_letters(self._budget):
            log.warning(
                "%d of the oldest dead letters were dropped: dead_letters.max_size is %d bytes", gone, self._budget
            )


def _id(pair: bytes, frame: int, item: int) -> str:
    try:
        return str(orjson.loads(pair.partition(b"\n")[0])["create"]["_id"])
    except (ValueError, KeyError, TypeError):
        return f"frame-{frame}-{item}"


def _reason(refusal: Refusal) -> str:
    return f"{refusal.kind}: {refusal.reason}" if refusal.reason else refusal.kind
