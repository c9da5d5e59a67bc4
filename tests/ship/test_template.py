"""The index template: which streams it is for, and how it has their fields indexed."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from logagent.ship import template
from logagent.ship.flavor import BEYOND, CONSTANT, ILM, LEARNED, LIFECYCLE, TEXT

STREAM = "logs-docker.container_logs-default"
EVERY = frozenset({TEXT, CONSTANT, LEARNED, BEYOND, LIFECYCLE, ILM})


def fields(mappings: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """All fields of a mapping with their types."""
    for key, value in mappings["properties"].items():
        if "properties" in value:
            yield from fields(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value["type"]


@pytest.mark.parametrize(
    ("stream", "name", "patterns", "priority"),
    [
        (STREAM, "logagent-logs-docker", ["logs-docker.*-*"], 240),
        ("logs-docker.web-prod", "logagent-logs-docker", ["logs-docker.*-*"], 240),
        ("logs-app-default", "logagent-logs-app-default", ["logs-app-default"], 250),
        ("logs-dockers-default", "logagent-logs-dockers-default", ["logs-dockers-default"], 250),
        ("logs-docker.web", "logagent-logs-docker.web", ["logs-docker.web"], 250),
    ],
)
def test_which_streams(stream, name, patterns, priority):
    """Streams of a dataset docker.… share one template; any other stream has its own, which is the stronger."""
    made = template.template(stream)
    assert (name, patterns, priority, {}) == (
        template.name(stream),
        made["index_patterns"],
        made["priority"],
        made["data_stream"],
    )


def test_fields():
    """Times keep nanoseconds, lines are text, names and ids keywords."""
    known = dict(fields(template.template(STREAM, EVERY)["template"]["mappings"]))
    assert ("date_nanos", "match_only_text", "keyword", "long") == (
        known["@timestamp"],
        known["message"],
        known["container.image.hash.all"],
        known["log.offset"],
    )


def test_dynamic_fields():
    """Strings that nobody named are keywords of bounded length; a number field passes a word over; no text becomes a date."""
    mappings = template.template(STREAM)["template"]["mappings"]
    rules = {name: rule for entry in mappings["dynamic_templates"] for name, rule in entry.items()}
    assert ["labels", "strings", "longs", "doubles"] == list(rules)
    assert [{"type": "keyword", "ignore_above": 1024}] * 2 == [rules[name]["mapping"] for name in ("labels", "strings")]
    assert {"type": "long", "ignore_malformed": True} == rules["longs"]["mapping"]
    assert mappings["date_detection"] is False


@pytest.mark.parametrize(
    ("features", "stream", "expected"),
    [
        (EVERY, "logs-app-prod", [("logs",), ("app",), ("prod",)]),
        (EVERY, STREAM, [("logs",), (), ()]),
        (EVERY - {LEARNED}, STREAM, [("logs",), None, None]),
        (EVERY - {LEARNED}, "logs-app-prod", [("logs",), ("app",), ("prod",)]),
        (EVERY - {CONSTANT}, "logs-app-prod", [None, None, None]),
    ],
)
def test_the_name_in_documents(features, stream, expected):
    """It is constant where the server can have it so: with its value where one is known, else the first document's."""
    made = template.template(stream, features)["template"]["mappings"]["properties"]["data_stream"]["properties"]
    values = [
        (tuple(filter(None, [field.get("value")])) if field["type"] == CONSTANT else None) for field in made.values()
    ]
    assert ["type", "dataset", "namespace"] == list(made)
    assert expected == values


@pytest.mark.parametrize(("stream", "feature"), list(product([STREAM, "logs-app-prod"], sorted(EVERY - {LEARNED}))))
def test_nothing_that_is_lacking(stream, feature):
    """A feature that the server lacks is nowhere in it."""
    made = template.template(stream, EVERY - {feature}, retention=86400.0)
    assert feature.strip("[]") not in str(made)


def test_no_index_mode():
    """Whether it is logsdb is left to the server."""
    assert "index.mode" not in template.template(STREAM, EVERY)["template"]["settings"]
