"""How a retention is told to each server."""

import orjson
import pytest

from logagent.ship import found, lifecycle

DAY = 86400.0


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(30 * DAY, "30d"), (36 * 3600.0, "36h"), (5400.0, "90m"), (3601.0, "3601s"), (3600.4, "1h"), (0.2, "1s")],
)
def test_age(seconds, expected):
    """The largest unit that gives a whole number."""
    assert expected == lifecycle.age(seconds)


@pytest.mark.parametrize(
    ("days", "expected"), [(None, "30d"), (1, "1h"), (2, "1d"), (14, "1d"), (15, "7d"), (90, "7d"), (91, "30d")]
)
def test_rollover_age(days, expected):
    """The shorter documents are kept, the smaller the parts in which they go."""
    assert expected == lifecycle.rollover_age(None if days is None else days * DAY)


def test_stream():
    """A data stream's own lifecycle cuts it in any case, and deletes with a retention."""
    assert {"enabled": True} == lifecycle.stream(None)
    assert {"enabled": True, "data_retention": "7d"} == lifecycle.stream(7 * DAY)


def test_ilm():
    """ILM deletes an index when the retention has passed since it was rolled over."""
    assert {
        "policy": {
            "_meta": {"managed_by": "logagent", "version": lifecycle.VERSION, "retention": "7d"},
            "phases": {
                "hot": {
                    "min_age": "0ms",
                    "actions": {"rollover": {"max_primary_shard_size": "50gb", "max_age": "1d"}},
                },
                "delete": {"min_age": "7d", "actions": {"delete": {}}},
            },
        }
    } == lifecycle.ilm(7 * DAY)
    assert ["hot"] == list(lifecycle.ilm(None)["policy"]["phases"])


def test_ism():
    """ISM does the same, to the streams that it finds by its own pattern."""
    rollover = {"rollover": {"min_size": "50gb", "min_index_age": "1d"}}
    after = {"state_name": "delete", "conditions": {"min_rollover_age": "7d"}}
    assert {
        "policy": {
            "description": f"managed_by=logagent version={lifecycle.VERSION} retention=7d",
            "default_state": "hot",
            "states": [
                {"name": "hot", "actions": [rollover], "transitions": [after]},
                {"name": "delete", "actions": [{"delete": {}}], "transitions": []},
            ],
            "ism_template": [{"index_patterns": ["logs-x-y"], "priority": 250}],
        }
    } == lifecycle.ism(["logs-x-y"], 250, 7 * DAY)
    states = lifecycle.ism(["logs-x-y"], 250, None)["policy"]["states"]
    assert [("hot", [])] == [(state["name"], state["transitions"]) for state in states]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"null", b'{"x":1}', b'{"index_templates":[]}', b'{"policy":{}}'])
def test_what_cannot_be_read_is_foreign(body):
    """An answer that is none of the kind is somebody else's thing, and no stream."""
    assert ["foreign"] * 3 == [read(body).state for read in (found.template, found.ilm, found.ism)]
    assert () == found.streams(body)


@pytest.mark.parametrize("meta", [None, "x", {"managed_by": "me"}, {"version": 2}, {"managed_by": ["logagent"]}])
def test_only_ours_is_ours(meta):
    """What does not say that it is ours is not."""
    body = {"index_templates": [{"index_template": {"_meta": meta}}]}
    assert "foreign" == found.template(orjson.dumps(body)).state
