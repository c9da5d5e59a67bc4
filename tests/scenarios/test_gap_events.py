"""Lines that are gone before they could be read: what is told of them, in the accounts, in the log and as an event in the store."""

import os

import pytest

from logagent.model import Gap
from logagent.parse.gap import WORDS, describe
from tests.collect.rig import Rig, numbered, say


@pytest.fixture
def told(tmp_path):
    """A simulated host whose gaps are events."""
    rig = Rig(tmp_path, gap_events=True).start()
    yield rig
    rig.crash()


def lose_files(rig, writer, lines):
    """Rotate so often that files go unread, with the agent down; returns what is still there."""
    rig.stop()
    said = say(rig, writer, lines)
    rig.start().read()
    return said


def test_a_gap_is_an_event_where_the_lines_are_missing(told):
    """Between the line before it and the line after it stands one event on stderr, with reason, span and size at least."""
    writer = told.container("web", max_file=2, max_size=1000)
    first = say(told, writer, numbered(0, 3))
    told.read()
    size = os.path.getsize(writer.path)
    before = told.documents()[-1]
    lose_files(told, writer, numbered(3, 60))
    documents = told.documents()
    gap, behind = documents[3], documents[4]
    assert first == [d["message"] for d in documents[:3]]
    assert ("stderr", {"flags": ["gap"]}, behind["@timestamp"]) == (gap["stream"], gap["log"], gap["@timestamp"])
    event = {k: gap["event"][k] for k in ("kind", "action", "reason", "start", "end", "dataset")}
    assert {
        "kind": "pipeline_error",
        "action": "gap",
        "reason": "lost_place",
        "start": before["@timestamp"],
        "end": behind["@timestamp"],
        "dataset": "docker.container_logs",
    } == event
    assert f"at least {1000 - size:,} bytes, written after {before['@timestamp']} and before" in gap["message"]
    assert (before["container"], before["host"], before["agent"]) == (gap["container"], gap["host"], gap["agent"])
    told.check()
    assert 1 == told.gaps()
    assert 1000 - size == told.store.catalog.totals()["lost_bytes", ""]
    (source,) = told.store.catalog.sources()
    assert (1, 1000 - size) == (source.gaps, source.lost_bytes)


def test_a_gap_found_again_after_a_crash_is_one(told):
    """When the agent is killed before the gap is committed it is found again; when it is killed after that, it is not."""
    writer = told.container("web", max_file=2, max_size=1000)
    say(told, writer, numbered(0, 3))
    told.read().stop()
    say(told, writer, numbered(3, 60))
    for _ in range(3):
        told.start().step()
        told.crash()
    told.start().read()
    told.restart().read()
    assert 1 == told.gaps() == sum("gap" in d["log"].get("flags", []) for d in told.documents())
    told.check()


def test_a_gap_with_nothing_behind_it(told):
    """A file that was cut and to which nothing is written any more gives its event all the same, once."""
    writer = told.container("web")
    say(told, writer, numbered(0, 3))
    told.read()
    os.truncate(writer.path, 0)
    told.read()
    told.restart().read()
    assert [*numbered(0, 3), True] == [
        m if m.startswith("line") else m.startswith("[logagent] lines are missing here") for m in told.messages()
    ]
    told.check()


def test_switched_off(rig, caplog):
    """With `collect.gap_events: false` the gap is counted and told in the agent's log, and the store has lines only."""
    writer = rig.container("web", max_file=2, max_size=1000)
    say(rig, writer, numbered(0, 3))
    rig.read()
    lose_files(rig, writer, numbered(3, 60))
    assert 1 == rig.gaps()
    assert all(m.startswith("line") for m in rig.messages())
    assert 1 == caplog.text.count("container web (")
    assert WORDS["lost_place"] in caplog.text


@pytest.mark.parametrize("reason", sorted(WORDS))
def test_each_reason_has_its_words(reason):
    """What is known is told, and what is not known is said to be unknown."""
    second = 1_790_000_000_000_000_000
    assert describe(Gap(reason)) == f"lines are missing here: {WORDS[reason]} (how much is not known)"
    assert "at least 1,234 bytes, written after 2026-09-21" in describe(Gap(reason, 1234, since=second))
    assert "(at least 5 bytes, written before 2026-09-21" in describe(Gap(reason, 5, until=second))
