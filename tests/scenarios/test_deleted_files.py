"""Files that Docker deleted and we still hold: how much disk they may take, and what happens beyond that."""

import os

import pytest

from logagent.demo.container import container_id
from tests.collect.rig import Rig, say
from tests.scenarios.writing import come_to_rest


def pile_up(rig, writer, files=4):
    """Rotate the only kept file away again and again while nothing is read, each time seen by the collector."""
    said = []
    for n in range(files):
        said += say(rig, writer, [f"{n}-{i} {'z' * 90}" for i in range(100)])
        writer.rotate()
        said += say(rig, writer, [f"{n} begun"])
        rig.collector.touch(container_id("web"))
        rig.collector.attend(rig.now)
    return said


def test_held_while_nothing_can_be_taken(rig):
    """Files that are deleted while the collector waits for room are held open, counted, and read when there is room."""
    writer = rig.container("web", max_file=1)
    said = say(rig, writer, ["first"])
    rig.read()
    said += pile_up(rig, writer)
    rig.collector._weigh_at = 0.0
    rig.collector.attend(rig.now)
    assert 4 * 100 * 90 < rig.collector.deleted_bytes
    assert (said, 0) == come_to_rest(rig)
    rig.step(5)
    rig.step(5)
    assert 0 == rig.collector.deleted_bytes


def test_beyond_the_bound_the_oldest_goes(tmp_path):
    """Beyond `collect.max_deleted_size` the oldest file is let go, as a gap of as many bytes as were not read; the rest is read."""
    rig = Rig(tmp_path, max_deleted=40_000).start()
    writer = rig.container("web", max_file=1)
    said = say(rig, writer, ["first"])
    rig.read()
    read = os.path.getsize(writer.path)
    piled = pile_up(rig, writer)
    rig.collector._weigh_at = 0.0
    rig.collector.attend(rig.now)
    assert 0 < rig.collector.deleted_bytes <= 40_000
    stored, gaps = come_to_rest(rig)
    assert gaps == rig.store.catalog.totals()["gaps", "released"] > 0
    assert said + piled[-len(stored) + 1 :] == stored
    lost = piled[: len(said) + len(piled) - len(stored)]
    record = len('{"log":"\\n","stream":"stdout","time":"2026-11-24T09:05:49.523912831Z"}\n')
    bytes_lost = rig.store.catalog.totals()["lost_bytes", ""]
    assert sum(len(line) + record - 9 for line in lost) <= bytes_lost <= sum(len(line) + record for line in lost)
    assert read
    rig.crash()


@pytest.mark.parametrize("size", [0, 1 << 30])
def test_a_removed_container_beyond_the_bound(tmp_path, size):
    """The same for the log of a removed container: within the bound it is read to its end, beyond it is a gap."""
    rig = Rig(tmp_path, max_deleted=size).start()
    with rig.container("web") as writer:
        said = say(rig, writer, ["first"])
        rig.read()
        said += say(rig, writer, [f"{i} {'z' * 90}" for i in range(100)])
    rig.remove("web")
    next(iter(rig.collector._sources.values())).remove()
    rig.collector._weigh_at = 0.0
    rig.collector.attend(rig.now)
    for _ in range(5):
        rig.step(1)
    stored, gaps = come_to_rest(rig)
    assert ((said, 0) if size else (["first"], 1)) == (stored, gaps)
    assert not rig.collector._sources
    rig.crash()


def test_a_deleted_file_behind_one_that_is_not(tmp_path):
    """What is held behind a file that still has its name cannot be given: it stays, however small the bound, and is read."""
    rig = Rig(tmp_path, max_deleted=0).start()
    writer = rig.container("web", max_file=3)
    said = say(rig, writer, ["first"])
    rig.read()
    said += say(rig, writer, [f"{i} {'z' * 90}" for i in range(100)])
    writer.rotate()
    said += say(rig, writer, ["second"])
    rig.collector.touch(container_id("web"))
    rig.collector.attend(rig.now)
    os.unlink(writer.path)
    rig.collector._weigh_at = 0.0
    rig.collector.attend(rig.now)
    assert 0 < rig.collector.deleted_bytes
    for _ in range(20):
        rig.step(0.01)
    assert rig.store.commit(rig.now)
    assert (said, 0) == (rig.messages(), rig.gaps())
    rig.crash()
