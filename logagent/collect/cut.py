"""Files that lost their end: the power failed before the kernel had written it, or somebody cut them to a part of what they were.

They still begin as they did, so that their name says nothing; the times of what stands in them do. Invariant: reading goes on at the
first record that is later than all that was read, and what stands now where something else stood gets other ids.
"""

from dataclasses import replace

from logagent.collect.place import CUT
from logagent.collect.tail import FIRST, Tail
from logagent.model import Generation
from logagent.parse.record import Record, read_line

LONGEST = 2 * FIRST  # bytes that hold any record and the end of the one before


def is_intact(tail: Tail, offset: int, last_time: int) -> bool:
    """Tell whether what was read up to `offset` still stands in a plain file: no record there is later than all that was read (ns)."""
    if tail.compressed:
        return True
    if tail.size < offset or not offset or not last_time:
        return tail.size >= offset
    start = max(0, offset - 1 - LONGEST)
    around = tail.read(start, 2 * LONGEST)
    begin = around.rfind(b"\n", 0, offset - 1 - start) + 1
    return not _is_later(around[begin:].partition(b"\n")[0], last_time)


def time_at(tail: Tail, offset: int) -> int:
    """The time of the record at `offset` (ns); 0 when none is there. Raises OSError."""
    found = read_line(tail.read(offset, FIRST).partition(b"\n")[0], 0)
    return found[0].ns if found and isinstance(found[0], Record) else 0


def ends_later(tail: Tail, last_time: int) -> bool:
    """Tell whether a record near the end of a file is later than `last_time` (ns), whatever it begins with. Raises OSError."""
    start = max(0, tail.plain_size() - LONGEST)
    return any(_is_later(line, last_time) for line in tail.read(start, LONGEST).splitlines())


def new_from(tail: Tail, last_time: int) -> int:
    """Where the first record begins that is later than `last_time` (ns), sought from the end; the end of the last line when there is none. Raises OSError."""
    found = tail.end_of_lines()
    while found > 0:
        start = max(0, found - LONGEST)
        lines = tail.read(start, found - start).splitlines(keepends=True)
        first = start + (len(lines.pop(0)) if start and len(lines) > 1 else 0)
        at = first
        for line in lines:
            if _is_later(line, last_time):
                break
            at += len(line)
        if at > first:
            return at
        found = first if first < found else start
    return 0


def regrown(known: Generation) -> Generation:
    """The name of a file that lost its end, so that the ids of what it gets are new. What begins with a piece of a long line has another use for the ordinal."""
    return known if known.checksum else replace(known, ordinal=min(known.ordinal + 1, CUT - 1))


def _is_later(line: bytes, last_time: int) -> bool:
    return any(isinstance(r, Record) and r.ns > last_time for r in read_line(line.rstrip(b"\n"), 0))
