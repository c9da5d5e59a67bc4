"""The index template of our data streams: how each field of our documents is indexed. Pure.

`@timestamp` keeps nanoseconds, so that lines of one container sort as they were printed. Names and ids are keywords; text
that nobody foresaw becomes a keyword too, cut at 1024 characters, which no value can make too large for the index, and a
number that another line has as a word is passed over instead of refusing the line. What a server may lack is a feature
with a stand-in. The index mode is the server's: where logsdb is on, streams of this name get it without being told to.

A stream of a dataset `docker.…` shares one template with all others of that kind, so that streams by container need no
template each; any other stream has one of its own. Two templates of ours that both match differ in priority, as servers
refuse two of the same: the one for a single stream is the stronger.
"""

from collections.abc import Collection
from typing import Any

from logagent.ship import lifecycle
from logagent.ship.flavor import BEYOND, CONSTANT, ILM, LEARNED, LIFECYCLE, TEXT

SHARED = "logs-docker.*-*"
PRIORITY, SHARED_PRIORITY = 250, 240  # above the built-in template of `logs-*-*` (100) and those of integrations (200)

FEATURES = frozenset({TEXT, CONSTANT, BEYOND})
"""What newer servers have: cheap text, constant fields, and extra fields passed over instead of refused."""


def name(data_stream: str) -> str:
    """The template's name, and its policy's."""
    return "logagent-logs-docker" if _shared(data_stream) else f"logagent-{data_stream}"


def patterns(data_stream: str) -> list[str]:
    """The names of the streams that the template is for."""
    return [SHARED] if _shared(data_stream) else [data_stream]


def priority(data_stream: str) -> int:
    """Its priority over other templates."""
    return SHARED_PRIORITY if _shared(data_stream) else PRIORITY


def template(
    data_stream: str,
    features: Collection[str] = FEATURES,
    *,
    retention: float | None = None,
    policy: str | None = None,
) -> dict[str, Any]:
    """The index template for `data_stream`, made of no more than `features`.

    `retention` is in seconds and told only where something keeps it: the stream's lifecycle, or the ILM `policy`.
    """
    inner: dict[str, Any] = {"settings": _settings(features, policy), "mappings": _mappings(data_stream, features)}
    if LIFECYCLE in features:
        inner["lifecycle"] = lifecycle.stream(retention)
    return {
        "index_patterns": patterns(data_stream),
        "priority": priority(data_stream),
        "data_stream": {},
        "template": inner,
        "_meta": lifecycle.meta(lifecycle.kept(retention)),
    }


def _shared(data_stream: str) -> bool:
    _, _, rest = data_stream.partition("-")
    return data_stream.startswith("logs-docker.") and "-" in rest


def _settings(features: Collection[str], policy: str | None) -> dict[str, Any]:
    beyond = {f"index.mapping.total_fields.{BEYOND}": True} if BEYOND in features else {}
    return beyond | ({ILM: policy} if policy else {})


def _mappings(data_stream: str, features: Collection[str]) -> dict[str, Any]:
    text = {"type": TEXT if TEXT in features else "text"}
    return {
        "date_detection": False,
        "dynamic_templates": _dynamic(),
        "properties": {
            "@timestamp": {"type": "date_nanos"},
            "message": text,
            "stream": _keyword(),
            "log": _object(offset={"type": "long"}, flags=_keyword(), level=_keyword(), file=_object(path=_keyword())),
            "container": _object(
                id=_keyword(),
                name=_keyword(),
                runtime=_keyword(),
                image=_object(name=_keyword(), tag=_keyword(), hash=_object(all=_keyword())),
                labels={"type": "object"},
            ),
            "host": _object(name=_keyword(), hostname=_keyword(), id=_keyword(), os=_object(type=_keyword())),
            "agent": _object(id=_keyword(), name=_keyword(), type=_keyword(), version=_keyword()),
            "service": _object(name=_keyword()),
            "ecs": _object(version=_keyword()),
            "input": _object(type=_keyword()),
            "error": _object(message=text),
            "event": _event(),
            "data_stream": _data_stream(data_stream, features),
        },
    }


def _dynamic() -> list[dict[str, Any]]:
    """Fields that nobody named: labels, and what was parsed out of lines."""
    labels = {"path_match": "container.labels.*", "match_mapping_type": "string", "mapping": _keyword()}
    strings = {"match_mapping_type": "string", "mapping": _keyword()}
    numbers = {kind: {"type": kind, "ignore_malformed": True} for kind in ("long", "double")}
    return [
        {"labels": labels},
        {"strings": strings},
        *({f"{kind}s": {"match_mapping_type": kind, "mapping": mapping}} for kind, mapping in numbers.items()),
    ]


def _event() -> dict[str, Any]:
    original = {"type": "keyword", "index": False, "doc_values": False}
    times = {key: {"type": "date"} for key in ("created", "start", "end")}
    return _object(
        **times, dataset=_keyword(), kind=_keyword(), action=_keyword(), reason=_keyword(), original=original
    )


def _data_stream(data_stream: str, features: Collection[str]) -> dict[str, Any]:
    """The stream's own name in its documents: constant, where the server can have it so."""
    parts = dict(zip(("type", "dataset", "namespace"), data_stream.split("-", 2), strict=False))
    if CONSTANT not in features or len(parts) < 3:
        return _object(type=_keyword(), dataset=_keyword(), namespace=_keyword())
    fields: dict[str, Any] = {key: {"type": CONSTANT, "value": value} for key, value in parts.items()}
    if _shared(data_stream):
        learned = {"type": CONSTANT} if LEARNED in features else _keyword()
        fields |= {"dataset": learned, "namespace": learned}
    return _object(**fields)


def _keyword() -> dict[str, Any]:
    return {"type": "keyword", "ignore_above": 1024}


def _object(**properties: Any) -> dict[str, Any]:
    return {"properties": properties}
