"""A gap as an event: pure. It stands in the store where the missing lines would, so that who reads the log sees that some are not there.

Its document has the container's fields like any other; `event.kind` and `event.action` tell it from lines, `log.flags` too. Its
id is made of the time at which it was found: the store takes a gap in once, together with the progress beyond it.
"""

from collections.abc import Sequence

import orjson

from logagent.model import Gap, GapReason
from logagent.parse.document import Constant
from logagent.parse.timestamp import rfc3339

WORDS: dict[GapReason, str] = {
    "rotated": "files were rotated away faster than they were read",
    "lost_place": "the file that was being read has gone, and files behind it may have",
    "lost_piece": "the beginning of a long line went away with its file",
    "truncated": "the file was truncated by another program",
    "unreadable": "a file cannot be read to its end",
    "released": "collect.max_deleted_size was reached, and a deleted file was let go before it was read",
    "missed": "the container was gone before its log was opened",
}


def describe(gap: Gap) -> str:
    """Tell in words what is missing, at least, and why."""
    size = f"at least {gap.bytes:,} bytes" if gap.bytes else "how much is not known"
    since = f" after {rfc3339(gap.since)}" if gap.since else ""
    until = f" before {rfc3339(gap.until)}" if gap.until else ""
    span = f", written{' and'.join(filter(None, (since, until)))}" if since or until else ""
    return f"lines are missing here: {WORDS[gap.reason]} ({size}{span})"


def documents(gaps: Sequence[Gap], container: str, constant: Constant, now: float) -> bytes:
    """The `_bulk` lines of `gaps` of the container with id `container`, found at `now` (seconds)."""
    return b"".join(_document(gap, container, constant, int(now * 1e9) + n) for n, gap in enumerate(gaps))


def times(gaps: Sequence[Gap], now: float) -> list[int]:
    """The time of each of `gaps`, as its document has it: that of the first line behind it, else of the last one before it (ns)."""
    return [gap.until or gap.since or int(now * 1e9) for gap in gaps]


def _document(gap: Gap, container: str, constant: Constant, found: int) -> bytes:
    (time,) = times([gap], found / 1e9)
    span = {"start": gap.since, "end": gap.until}
    event = {"kind": "pipeline_error", "action": "gap", "reason": gap.reason}
    event |= {key: rfc3339(ns) for key, ns in span.items() if ns} | {"created": rfc3339(found // 10**6 * 10**6)}
    return (
        b'{"create":{"_id":"%b-gap-%016x"%b}}\n' % (container[:12].encode(), found, constant.index)
        + b'{"message":%b,"stream":"stderr","@timestamp":"%b","log":{"flags":["gap"]},'
        % (orjson.dumps(f"[logagent] {describe(gap)}"), rfc3339(time).encode())
        + constant.shared
        + b","
        + orjson.dumps(event)[1:]
        + b"}\n"
    )
