"""A frame on its way: which of its items are still to be sent, in which requests, and what became of the others. Pure.

The first request is the whole frame as it lies on disk. A verdict then narrows what is left: items to retry, the halves of
a request that was refused as a whole, a document that is too large once more with its long texts cut. The parcel is done when
nothing is left; each item has then been counted once.
"""

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import replace

from logagent.ship.bulk import Fault, Items, Refusal, Split, Verdict

TOO_LARGE = 413
HOPELESS = 16  # documents refused one by one, and none accepted: it is not the documents
ALIKE = "Every document is refused alike: check the output's url, and what stands before the server"
DAMAGED = "unreadable"


class Parcel:
    """The way of a frame's `events` items. `proven` tells that the server accepted something of late, from whomever."""

    def __init__(self, events: int, *, proven: bool) -> None:
        self.events, self.proven = events, proven
        self._begin()

    def _begin(self) -> None:
        self.delivered = self.duplicates = 0
        self.dead: list[Refusal] = []
        self.shortened: set[int] = set()
        self.accepted = False
        self._suspects: list[Refusal] = []
        self._todo: deque[Sequence[int]] = deque([range(self.events)] if self.events else [])

    @property
    def done(self) -> bool:
        """Whether every item was delivered or refused for good."""
        return not self._todo

    @property
    def items(self) -> Sequence[int]:
        """The items of the next request, by their place in the frame."""
        return self._todo[0]

    @property
    def whole(self) -> bool:
        """Whether the next request is the frame as it lies on disk."""
        return len(self._todo[0]) == self.events

    def apply(self, verdict: Verdict) -> Verdict:
        """Take in what became of the request for `items`. Returns the verdict, or the fault that it turned out to be."""
        if isinstance(verdict, Items):
            self._sort(verdict)
        elif isinstance(verdict, Split):
            return self._split(verdict)
        return verdict

    def halve(self) -> None:
        """Make the next request two; one of a single item stays."""
        items = self._todo.popleft()
        middle = len(items) // 2
        self._todo.extendleft(part for part in (items[middle:], items[:middle]) if part)

    def lose(self, items: Collection[int]) -> None:
        """Give up those `items` of the first request that cannot be read from disk."""
        self.dead += [Refusal(item, 0, DAMAGED, "the frame is damaged on disk") for item in items]
        lost, left = frozenset(items), self._todo.popleft()
        if rest := tuple(item for item in left if item not in lost):
            self._todo.appendleft(rest)

    def _sort(self, verdict: Items) -> None:
        items = self._todo.popleft()
        self.accepted = True
        self._todo.extend((suspect.item,) for suspect in self._suspects)
        self._suspects.clear()
        self.delivered += verdict.delivered
        self.duplicates += verdict.duplicates
        dead = [replace(refusal, item=items[refusal.item]) for refusal in verdict.dead]
        large = [d.item for d in dead if d.status == TOO_LARGE and d.item not in self.shortened]
        self.shortened.update(large)
        self.dead += [refusal for refusal in dead if refusal.item not in large]
        if again := (*(items[place] for place in verdict.retry), *large):
            self._todo.appendleft(tuple(sorted(again)))

    def _split(self, verdict: Split) -> Verdict:
        if len(self.items) > 1:
            self.halve()
            return verdict
        item = self.items[0]
        if verdict.status == TOO_LARGE and item not in self.shortened:
            self.shortened.add(item)
            return verdict
        self._todo.popleft()
        refusal = Refusal(item, verdict.status, verdict.reason, "the request with this document alone was refused")
        (self.dead if self.accepted else self._suspects).append(refusal)
        return self._judge_suspects(verdict)

    def _judge_suspects(self, verdict: Split) -> Verdict:
        """Documents refused before any was accepted are tried once more after the first that is; if none is, it was never the documents."""
        if len(self._suspects) >= HOPELESS or (self._suspects and self.done and not self.proven):
            self._begin()
            return Fault(verdict.reason, ALIKE)
        if self.done:
            self._bury_suspects()
        return verdict

    def _bury_suspects(self) -> None:
        self.dead += self._suspects
        self._suspects.clear()
