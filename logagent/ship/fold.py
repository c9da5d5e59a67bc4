"""A document whose own fields a mapping refuses, made one that no mapping can refuse for them: they become one text. Pure.

What every document of ours has is mapped by our template, and stays. The rest (labels, and what was parsed out of a line) has
names and kinds that whoever started the container chose: it goes as JSON into the text `folded`, which is found by its words only.
"""

from typing import Any

import orjson

OURS = frozenset(
    [
        "@timestamp",
        "message",
        "stream",
        "log",
        "container",
        "host",
        "agent",
        "service",
        "ecs",
        "input",
        "error",
        "event",
        "data_stream",
    ]
)
FIELD = "folded"


def fold(pair: bytes) -> bytes:
    """The line pair with all fields that are not ours in one text; unchanged when there are none, or when it is no document."""
    action, _, line = pair.partition(b"\n")
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError:
        return pair
    if not isinstance(document, dict):
        return pair
    others = {key: document.pop(key) for key in list(document) if key not in OURS} | _labels(document)
    if not others:
        return pair
    return b"\n".join((action, orjson.dumps(document | {FIELD: orjson.dumps(others).decode()}), b""))


def _labels(document: dict[str, Any]) -> dict[str, Any]:
    container = document.get("container")
    labels = container.pop("labels", None) if isinstance(container, dict) else None
    return {} if labels is None else {"container": {"labels": labels}}
