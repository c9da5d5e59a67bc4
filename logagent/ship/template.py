"""The index template of our data stream: how each field of our documents is indexed. Pure.

`@timestamp` keeps nanoseconds, so that lines of one container sort as they were printed. Names and ids are keywords; text
that nobody foresaw becomes a keyword too, cut at 1024 characters, which no value can make too large for the index. What a
server may lack is a feature with a stand-in.
"""

from collections.abc import Collection
from typing import Any

from logagent import __version__

PRIORITY = 250  # above the built-in template of `logs-*-*`, which is 100

TEXT, CONSTANT, BEYOND = "match_only_text", "constant_keyword", "ignore_dynamic_beyond_limit"
FEATURES = frozenset({TEXT, CONSTANT, BEYOND})
"""What newer servers have: cheap text, constant fields, and extra fields passed over instead of refused."""


def name(data_stream: str) -> str:
    """The template's name."""
    return f"logagent-{data_stream}"


def template(data_stream: str, features: Collection[str] = FEATURES) -> dict[str, Any]:
    """The index template for exactly `data_stream`, made of no more than `features`."""
    return {
        "index_patterns": [data_stream],
        "priority": PRIORITY,
        "data_stream": {},
        "template": {"settings": _settings(features), "mappings": _mappings(data_stream, features)},
        "_meta": {"managed_by": "logagent", "version": __version__},
    }


def _settings(features: Collection[str]) -> dict[str, Any]:
    return {f"index.mapping.total_fields.{BEYOND}": True} if BEYOND in features else {}


def _mappings(data_stream: str, features: Collection[str]) -> dict[str, Any]:
    text = {"type": TEXT if TEXT in features else "text"}
    return {
        "date_detection": False,
        "dynamic_templates": [{"strings": {"match_mapping_type": "string", "mapping": _keyword()}}],
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


def _event() -> dict[str, Any]:
    original = {"type": "keyword", "index": False, "doc_values": False}
    times = {key: {"type": "date"} for key in ("created", "start", "end")}
    return _object(
        **times, dataset=_keyword(), kind=_keyword(), action=_keyword(), reason=_keyword(), original=original
    )


def _data_stream(data_stream: str, features: Collection[str]) -> dict[str, Any]:
    values = dict(zip(("type", "dataset", "namespace"), data_stream.split("-", 2), strict=False))
    if CONSTANT not in features or len(values) < 3:
        return _object(type=_keyword(), dataset=_keyword(), namespace=_keyword())
    return _object(**{key: {"type": CONSTANT, "value": value} for key, value in values.items()})


def _keyword() -> dict[str, Any]:
    return {"type": "keyword", "ignore_above": 1024}


def _object(**properties: Any) -> dict[str, Any]:
    return {"properties": properties}
