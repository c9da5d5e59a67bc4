"""How dead letters look: to people, in lines that steer no terminal whatever is in a document, and as JSON."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from logagent.cli.human import clean, count, size
from logagent.model import DeadLetter
from logagent.ship.target import named
from logagent.store.letters import Choice, Group, Letters


def summary(groups: list[Group], trimmed: int) -> Iterator[str]:
    """What is there, by kind; `trimmed` letters were let go before."""
    for group in groups:
        spans = f"first {_time(group.first)}, last {_time(group.last)}"
        yield clean(f"{group.output}: {count(group.count, 'event')} refused with {group.status} {group.kind}".rstrip())
        yield clean(f"  {spans}, {size(group.bytes)}; the newest: {group.reason}")
    if not groups:
        yield "There are no dead letters."
    if trimmed:
        yield f"{count(trimmed, 'older one')} let go before, to keep within dead_letters.max_size."


def one_a_line(letters: Letters, choice: Choice, *, as_json: bool) -> Iterator[str]:
    """The chosen letters, each in one line."""
    for page in letters.pages(choice):
        for letter in page:
            if as_json:
                yield letter_json(letter)
            else:
                yield clean(f"{letter.id}  {letter.output}  {_time(letter.time)}  {letter.status} {letter.reason}")


def page(letter: DeadLetter) -> str:
    """A letter laid out to read, with its document."""
    head = {
        "id": letter.id,
        "output": letter.output,
        "refused": _time(letter.time),
        "status": letter.status or "none",
        "reason": letter.reason,
        "target": named(letter.document) or "the output's own",
    }
    lines = [f"{key + ':':10}{value}" for key, value in head.items()]
    document = _document(letter.document)
    text = json.dumps(document, indent=2, ensure_ascii=False) if document is not None else "(it could not be read)"
    return clean_lines("\n".join([*lines, *text.splitlines(), ""]))


def group_json(group: Group) -> str:
    """A kind of refusal as an object: bytes, counts, and times in seconds."""
    return json.dumps(asdict(group), ensure_ascii=False)


def letter_json(letter: DeadLetter) -> str:
    """A letter as an object, with its document; null where that could not be read."""
    return json.dumps(
        {
            "id": letter.id,
            "output": letter.output,
            "time": letter.time,
            "status": letter.status,
            "reason": letter.reason,
            "target": named(letter.document),
            "document": _document(letter.document),
        },
        ensure_ascii=False,
    )


def _document(pair: bytes) -> Any:
    try:
        return json.loads(pair.partition(b"\n")[2])
    except ValueError:
        return None


def _time(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, OSError, ValueError):
        return f"{seconds:.0f}"


def clean_lines(text: str) -> str:
    """Each line as it may be shown on a terminal."""
    return "\n".join(map(clean, text.splitlines()))
