"""How long a server keeps a data stream: the bodies for each way in which one can be told. Pure.

A stream is cut into backing indices, and what is old goes a whole index at a time: so an index is closed when it is large or
when a fair part of the retention has passed, and is deleted when the retention has passed since then. Without a retention
streams are cut all the same, and nothing is deleted.
"""

from typing import Any

VERSION = 2
"""The version of what we put on a server; raised with each change of it, so that an older one of ours is updated."""

SHARD = "50gb"
DAY = 86400.0
_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def meta(retention: str | None) -> dict[str, Any]:
    """By what we know that something on a server is ours.

    No value may be null: Elasticsearch then takes the template, and fails to make a stream of it (8.15: NullPointerException).
    """
    return {"managed_by": "logagent", "version": VERSION} | ({"retention": retention} if retention else {})


def age(seconds: float) -> str:
    """Write seconds as these servers do, in the largest unit that gives a whole number: `30d`, `36h`."""
    whole = max(1, round(seconds))
    return next(f"{whole // length}{unit}" for unit, length in _UNITS if whole % length == 0)


def kept(retention: float | None) -> str | None:
    """A retention as these servers write it; None for ever."""
    return None if retention is None else age(retention)


def rollover_age(retention: float | None) -> str:
    """At what age an index is closed: the shorter the retention, the smaller the parts in which it is kept."""
    if retention is None or retention > 90 * DAY:
        return "30d"
    return "1h" if retention <= DAY else "1d" if retention <= 14 * DAY else "7d"


def stream(retention: float | None) -> dict[str, Any]:
    """The `lifecycle` of a data stream, and of a template."""
    return {"enabled": True} | ({} if retention is None else {"data_retention": age(retention)})


def ilm(retention: float | None) -> dict[str, Any]:
    """The body of an ILM policy."""
    rollover = {"max_primary_shard_size": SHARD, "max_age": rollover_age(retention)}
    phases: dict[str, Any] = {"hot": {"min_age": "0ms", "actions": {"rollover": rollover}}}
    if retention is not None:
        phases["delete"] = {"min_age": age(retention), "actions": {"delete": {}}}
    return {"policy": {"_meta": meta(kept(retention)), "phases": phases}}


def ism(patterns: list[str], priority: int, retention: float | None) -> dict[str, Any]:
    """The body of an ISM policy, which is attached to the streams of `patterns` when an index of theirs is made.

    These policies have no `_meta`: their description has to say that they are ours.
    """
    rollover = {"rollover": {"min_size": SHARD, "min_index_age": rollover_age(retention)}}
    states: list[dict[str, Any]] = [{"name": "hot", "actions": [rollover], "transitions": []}]
    if retention is not None:
        after = {"state_name": "delete", "conditions": {"min_rollover_age": age(retention)}}
        states[0]["transitions"] = [after]
        states.append({"name": "delete", "actions": [{"delete": {}}], "transitions": []})
    return {
        "policy": {
            "description": describe(kept(retention)),
            "default_state": "hot",
            "states": states,
            "ism_template": [{"index_patterns": patterns, "priority": priority}],
        }
    }


def describe(retention: str | None) -> str:
    """The description of an ISM policy of ours."""
    return f"managed_by=logagent version={VERSION} retention={retention or 'none'}"
