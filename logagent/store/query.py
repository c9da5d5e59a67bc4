"""Questions to the store: a container's lines from its beginning, its last ones, those of a span of time, those that come now.

Order: a container's lines always come in the order of its log. Several containers are merged by time, as far as the times within
each log rise; of equal times the container named first comes first. While following, each round (the frames since the last one)
is merged by itself. Memory: one block of lines per container and the texts of a few frames, whatever the store's size.

As with Docker, the last N lines are counted over both streams, before stream and times are looked at. Only the pattern, which
Docker does not have, is asked before: the last ten of the lines that match.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path

from logagent.model import Frame, Stream
from logagent.store.choose import choose, find, is_glob
from logagent.store.index import NEWEST, SLACK, Index
from logagent.store.lines import Line, action, parse, stamp, take
from logagent.store.records import Known
from logagent.store.segment import Segments
from logagent.store.texts import Lost, Texts

BLOCK = 4096  # lines held at a time, over all containers that are merged
LEAST = 16

Run = tuple[Known, Sequence[Line]]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which lines are asked for: times in ns, both included; the last `tail` of each container (None: all)."""

    since: int | None = None
    until: int | None = None
    tail: int | None = None
    stream: Stream | None = None
    grep: re.Pattern[str] | None = None

    def matching(self, lines: Sequence[Line]) -> Sequence[Line]:
        """The lines whose message the pattern is found in."""
        if self.grep is None:
            return lines
        search = self.grep.search
        return [line for line in lines if search(line.text)]

    def within(self, lines: Sequence[Line]) -> Sequence[Line]:
        """The lines of the stream and the times that are asked for."""
        if self.since is not None:
            since = stamp(self.since)
            lines = [line for line in lines if line.stamp >= since]
        if self.until is not None:
            until = stamp(self.until)
            lines = [line for line in lines if line.stamp <= until]
        if self.stream is not None:
            stderr = self.stream == "stderr"
            lines = [line for line in lines if line.stderr == stderr]
        return lines


@dataclass(frozen=True, slots=True)
class Start:
    """Where reading a container begins: behind frame `after`, without the first `skip` (matching) lines of the next one."""

    after: int = 0
    skip: int = 0


class Query:
    """One question to the store in `folder`, while an agent may write to it. Raises Failure(STORE) when it cannot be read.

    `words` are names, ids or globs, `*` all containers; one that means none raises Failure(NO).
    """

    def __init__(self, folder: Path, words: Sequence[str], asked: Filter) -> None:
        self._index = Index(folder / "catalog.db")
        self._texts = Texts(Segments(folder / "segments"))
        self._words, self._asked = words, asked
        self.lost = Lost()
        self.chosen = choose(words, self._index.containers())
        self._shown = self._index.newest()

    def close(self) -> None:
        """Close the catalog."""
        self._index.close()

    def history(self) -> Iterator[Run]:
        """The lines that were stored when the question was asked."""
        tail = self._asked.tail
        starts = [Start() if tail is None else self._tail(known, tail) for known in self.chosen]
        self.lost = Lost()  # what counting could not read is met again by reading
        return self._runs(starts)

    def news(self) -> Iterator[Run]:
        """The lines that were stored since: of the chosen containers, and of those that have come and that the words mean too."""
        before, self._shown = self._shown, self._index.newest()
        if self._shown <= before:
            return iter(())
        self._choose_again()
        self.lost.note_gap(before, self._index.oldest())
        return self._runs([Start(before)] * len(self.chosen))

    def ended(self, now: float, grace: float) -> bool:
        """Tell whether nothing can come any more: `until` is past, or all containers that were named are gone, for `grace` seconds."""
        until = self._asked.until
        if until is not None and now > until / 1e9 + grace:
            return True
        if any(is_glob(word) for word in self._words):
            return False
        self._choose_again()
        return all(known.removed is not None and now > known.removed + grace for known in self.chosen)

    def _choose_again(self) -> None:
        known = self._index.containers()
        found = {one.key: one for word in self._words for one in find(word, known)}
        now = {one.key: one for one in known}
        chosen = {one.key: now.get(one.key, one) for one in self.chosen}
        self.chosen = list((chosen | found).values())

    def _runs(self, starts: Sequence[Start]) -> Iterator[Run]:
        size = max(LEAST, BLOCK // max(1, len(starts)))
        return merged(
            [(known, self._strand(known, start, size)) for known, start in zip(self.chosen, starts, strict=True)]
        )

    def _strand(self, known: Known, start: Start, size: int) -> Iterator[Sequence[Line]]:
        """Blocks of lines of one container as they are asked for."""
        asked, last = self._asked, self._shown
        since, until = asked.since or 0, NEWEST if asked.until is None else asked.until
        for frame, part in self._index.parts(known.key, after=start.after, last=last, since=since, until=until):
            skip = start.skip if frame.seq == start.after + 1 else 0
            for lines in self._blocks(known, frame, part.events, size):
                matching = asked.matching(lines)
                yield asked.within(matching[skip:])
                skip = max(0, skip - len(matching))

    def _blocks(self, known: Known, frame: Frame, events: int, size: int) -> Iterator[list[Line]]:
        """All lines of one container in one frame. What cannot be read is noted in `lost`."""
        prefix, at = action(known.container.id), 0
        while at >= 0:
            try:
                documents, at = take(self._texts.text(frame), prefix, at, size)
            except OSError as error:
                self.lost.note(frame, events, error)
                return
            events -= len(documents)
            yield [parse(document) for document in documents]

    def _tail(self, known: Known, count: int) -> Start:
        """Where the last `count` lines of a container begin: frames are counted from the newest back, and read only for a pattern."""
        if not count:
            return Start(self._shown)
        total = 0
        for frame, part in self._index.parts_back(known.key, self._shown):
            if self._asked.grep is None:
                total += part.events
            elif part.last_time >= (self._asked.since or 0) - SLACK:
                total += sum(len(self._asked.matching(b)) for b in self._blocks(known, frame, part.events, BLOCK))
            if total >= count:
                return Start(frame.seq - 1, total - count)
        return Start()


def merged(strands: Sequence[tuple[Known, Iterator[Sequence[Line]]]]) -> Iterator[Run]:
    """Merge strands by time, each kept in its own order; memory is that of one block of each."""
    if len(strands) == 1:
        known, blocks = strands[0]
        yield from ((known, lines) for lines in blocks)
        return
    rows = merge(*(_dated(number, blocks) for number, (_, blocks) in enumerate(strands)), key=itemgetter(0))
    for number, group in groupby(rows, key=itemgetter(1)):
        while lines := [row[2] for row in islice(group, BLOCK)]:
            yield strands[number][0], lines


def _dated(number: int, blocks: Iterator[Sequence[Line]]) -> Iterator[tuple[bytes, int, Line]]:
    """A strand's lines behind what they are merged by. Where the time steps back in a log, its lines follow at once."""
    return ((line.stamp, number, line) for lines in blocks for line in lines)
