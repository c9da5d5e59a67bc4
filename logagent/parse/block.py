"""A block of one source becomes documents: the fast way when it can, the careful way when it must.

One `Parser` per source keeps what goes from block to block: unfinished lines, the attrs that records carry, the last time, and,
after a restart, from where on each stream's records are new. It does no io; the same blocks give the same documents.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from logagent.model import Generation, Position, Stream
from logagent.parse.document import Constant
from logagent.parse.partial import Joiner, Line, cut
from logagent.parse.record import Damaged, Record, read_line
from logagent.parse.resume import Known, Resume
from logagent.parse.splice import OFFSET, Shape, closing, opening, splice
from logagent.parse.timestamp import rfc3339, time_ns


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a block gave: `_bulk` lines, how many events, their first and last time (ns), and problems by name."""

    documents: bytes = b""
    events: int = 0
    first_time: int = 0
    last_time: int = 0
    problems: Mapping[str, int] = field(default_factory=dict)


class Parser:
    """Parses one container's log. `limit` bounds one event's escaped text in bytes.

    `resume` has, by stream, where new records begin, and as `read` where new damaged lines do; `last_time` (ns) is that of the newest
    line before: a damaged one, which has none, takes the time of the one before it.
    """

    def __init__(
        self,
        container: str,
        constant: Constant,
        *,
        tty: bool,
        limit: int,
        resume: Mapping[Known, Position] | None = None,
        last_time: int = 0,
    ) -> None:
        self.constant = constant
        self._id = container[:12].encode() + b"-"
        self._tty, self._limit = tty, limit
        self._joiner = Joiner(limit)
        self._shape = Shape(ending=b"\\r\\n" if tty else b"\\n")
        self._resume = Resume(resume or {})
        self._stored: dict[Stream, bytes] = {}  # the time of a line whose pieces are stored already
        self._last = last_time

    @property
    def pending(self) -> dict[Stream, Position]:
        """Where each unfinished line began, the oldest first."""
        return self._joiner.pending

    def parse(self, block: bytes, generation: Generation, offset: int, now: float) -> Parsed:
        """Turn `block`, whole lines at `offset` of `generation`, into documents; `now` is when it was read (seconds)."""
        constant = self.constant.at(_created(now))
        if not self.pending and not self._resume and not self._stored and _within(block, self._limit):
            log, index = self.constant.log, self.constant.index
            fast = splice(block, offset, self._prefix(generation), constant, self._shape, log=log, index=index)
            if fast is not None:
                return self._from_spliced(fast.documents, fast.events, fast.first_time, fast.last_time)
        parsed = self._carefully(block, generation, offset, constant, now)
        self._resume.reach(generation, offset + len(block))
        return parsed

    @property
    def last_time(self) -> int:
        """The time of the record that was read last (ns), also of one whose line is not finished."""
        return self._last

    @property
    def resuming(self) -> bool:
        """Whether it still passes over what was taken in before a restart."""
        return bool(self._resume)

    def leave(self, generation: Generation) -> None:
        """Say that the file with this generation was read to its end."""
        self._resume.leave(generation)

    def all_is_new(self) -> None:
        """Say that a file has gone or cannot be read: no place may be waited for any longer."""
        self._resume = Resume({})

    def expire(self, before: float, now: float) -> Parsed:
        """Give up waiting for the rest of lines begun at or before `before`."""
        lines = self._joiner.expire(before)
        encoder = _Encoder(self, self.constant.at(_created(now)))
        for line in lines:
            encoder.line(line)
        return encoder.parsed()

    def _from_spliced(self, documents: bytes, events: int, first: bytes, last: bytes) -> Parsed:
        try:
            self._last = time_ns(last)
            return Parsed(documents, events, time_ns(first), self._last)
        except ValueError:  # a time that only looked like one: the documents stand, Elasticsearch judges it
            return Parsed(documents, events, self._last, self._last)

    def _carefully(self, block: bytes, generation: Generation, offset: int, constant: bytes, now: float) -> Parsed:
        encoder = _Encoder(self, constant)
        for raw in block.split(b"\n")[:-1]:
            for found in read_line(raw, offset):
                if isinstance(found, Damaged):
                    if not self._resume.seen("read", generation, found.offset):
                        encoder.damaged(found, generation, self._last or int(now * 1e9))
                    continue
                self._shape = Shape(self._shape.ending, found.attrs)
                self._last = found.ns
                if not self._passes(found, generation):
                    for line in self._joiner.add(found, generation, now):
                        encoder.line(line)
            offset += len(raw) + 1
        return encoder.parsed()

    def _passes(self, record: Record, generation: Generation) -> bool:
        """Tell whether `record` was taken in before the restart: it lies before its stream's place, or is a piece of the line there."""
        stream = record.stream
        if self._resume.seen(stream, generation, record.offset):
            if not record.ending and self._resume.holds(stream, generation, record.offset):
                self._stored[stream] = record.time
            return True
        piece = self._stored.get(stream) == record.time
        if not piece or record.ending:
            self._stored.pop(stream, None)
        return piece

    def _prefix(self, generation: Generation) -> bytes:
        return self._id + generation.token.encode() + b"-"

    def open_document(self, generation: Generation, offset: int) -> bytes:
        """Give what stands before the text of the document of the record at `offset`."""
        return opening(self._prefix(generation), self.constant.index) % offset

    def flags(self, ending: bytes, *, truncated: bool) -> list[str]:
        """Give the marks that let the line be printed again as it was."""
        marks = {b"": "partial", b"\\n": "bare_newline"} if self._tty else {b"": "partial"}
        found = [marks[ending]] if ending in marks else []
        return [*found, "truncated"] if truncated else found

    @property
    def limit(self) -> int:
        """The largest event, in bytes of escaped text."""
        return self._limit

    @property
    def tty(self) -> bool:
        """Whether lines of this container end with a carriage return and a newline."""
        return self._tty


class _Encoder:
    """Gathers documents that are made one by one."""

    def __init__(self, parser: Parser, constant: bytes) -> None:
        self._parser, self._constant = parser, constant
        self._pieces: list[bytes] = []
        self._times: list[int] = []
        self._problems: Counter[str] = Counter()

    def line(self, line: Line) -> None:
        """Add the document of a whole line."""
        parser, record, at = self._parser, line.first, line.at
        text, ending = line.whole()
        if not parser.tty and ending == b"\\r\\n":
            text += b"\\r"  # only a terminal adds it; here the program wrote it
        self._problems["truncated"] += line.truncated
        self._times.append(record.ns)
        head = parser.open_document(at.generation, at.offset) + text
        behind = _behind(
            self._constant, record.attrs, at.offset, parser.constant.log, parser.flags(ending, truncated=line.truncated)
        )
        time = record.time if record.time.endswith(b"Z") else rfc3339(record.ns).encode()
        self._pieces += (head, b'","stream":"', record.stream.encode(), b'","@timestamp":"', time[:-1], behind)

    def damaged(self, found: Damaged, generation: Generation, ns: int) -> None:
        """Add the document of bytes that are no record."""
        parser = self._parser
        self._problems["damaged"] += 1
        self._times.append(ns)
        whole = orjson.dumps(found.raw[: parser.limit].decode("utf-8", "replace"))[1:-1]
        text = cut(whole, parser.limit)
        flags = ["truncated"] if len(found.raw) > parser.limit or text != whole else []
        behind = _behind(self._constant, b"", found.offset, parser.constant.log, flags)
        error = b',"error":' + orjson.dumps({"message": found.reason}) + b"}\n"
        self._pieces += (
            parser.open_document(generation, found.offset),
            text,
            b'","stream":"stdout","@timestamp":"',
            rfc3339(ns).encode()[:-1],
            behind[:-3],  # opens the event object again, which the constant part ends with
            b',"original":"' + text + b'"}',
            error,
        )

    def parsed(self) -> Parsed:
        """Give all that was gathered."""
        times = self._times or [0]
        problems = {name: n for name, n in self._problems.items() if n}
        return Parsed(b"".join(self._pieces), len(self._times), min(times), max(times), problems)


def _behind(constant: bytes, attrs: bytes, offset: int, log: bytes, flags: list[str]) -> bytes:
    marks = b'"flags":' + orjson.dumps(flags) if flags else b""
    members = log + b"," + marks if log and marks else log or marks
    return closing(constant, attrs, members) % (offset if OFFSET in members else ())


def _within(block: bytes, limit: int) -> bool:
    """Tell whether no line in `block` can hold a text of more than `limit` bytes."""
    return len(block) <= limit or max(map(len, block.split(b"\n"))) <= limit


def _created(now: float) -> str:
    milliseconds = int(now * 1000)
    return rfc3339(milliseconds * 1_000_000)
