"""The store as its writer sees it: frames, budget, being full and having room again."""

import gzip
import os

import pytest

from logagent.errors import Exit, Failure
from logagent.model import Gap
from logagent.store.retention import Budget
from logagent.store.store import Store
from tests.store.stores import DB, WEB, at, batch, opened, put

DAY = 86400.0


@pytest.fixture
def store(tmp_path):
    """A store with room enough."""
    store = opened(tmp_path)
    yield store
    store.close()


def frames(store):
    """All frames."""
    return store.catalog.frames_after(0, 1000)


def test_a_frame_is_its_batches(store):
    """Batches that are committed together are one gzip member, in the order in which they came."""
    one, two, three = batch(1, 2), batch(2, 3, DB), batch(3)
    assert put(store, one, two, three)
    (frame,) = frames(store)
    plain = one.documents + two.documents + three.documents
    assert plain == gzip.decompress(store.read(frame))
    assert (1, 6, len(plain)) == (frame.seq, frame.events, frame.plain)
    assert (one.first_time, three.last_time) == (frame.first_time, frame.last_time)


def test_what_a_commit_remembers(store):
    """Progress, parts, gaps and the accounting are recorded together with the frame."""
    put(
        store,
        batch(1, 2),
        batch(2, 3, filtered={"debug": 4}, dropped={"rate": 5}, gaps=(Gap("rotated", 5),), problems={"damaged": 1}),
    )
    assert at(2) == store.catalog.progress(WEB.id)
    assert None is store.catalog.progress(DB.id)
    expected = {
        ("read", ""): 14,
        ("stored", ""): 5,
        ("bytes", ""): 50,
        ("gaps", "rotated"): 1,
        ("lost_bytes", ""): 5,
        ("filtered", "debug"): 4,
        ("dropped", "rate"): 5,
        ("problems", "damaged"): 1,
    }
    assert expected == store.catalog.totals()
    (source,) = store.catalog.sources()
    assert (WEB.id, 5, 1, batch(2, 3).last_time) == (source.container, source.events, source.gaps, source.last_time)


def test_progress_without_events(store):
    """A batch without documents is remembered without a frame."""
    put(store, batch(1, 0, filtered={"debug": 3}))
    assert ([], at(1), 3) == (frames(store), store.catalog.progress(WEB.id), store.catalog.totals()["read", ""])


def test_nothing_to_commit(store):
    """Committing an empty store changes nothing and succeeds."""
    assert store.commit(1.0)
    assert ([], False) == (frames(store), store.waiting)


def test_due_by_size(tmp_path):
    """A frame is due as soon as it holds enough documents."""
    store = opened(tmp_path, frame_size=200)
    assert not store.due(1.0)
    store.add(batch(1), 1.0)
    assert not store.due(1.0)
    store.add(batch(2, size=200), 1.0)
    assert store.due(1.0)
    store.close()


def test_due_by_time(store):
    """A frame is due when its oldest batch has waited long enough, or when the clock was set back meanwhile."""
    assert 1.0 == store.remaining(9.0)
    store.add(batch(1), 10.0)
    store.add(batch(2), 10.9)
    assert (False, True, True) == (store.due(10.9), store.due(11.0), store.due(9.9))
    assert 0.25 == store.remaining(10.75)
    assert 0.0 == store.remaining(9.9) == store.remaining(20.0)


def test_segments_are_closed_by_size(tmp_path):
    """A frame that would make the segment larger than wished begins the next one."""
    store = opened(tmp_path, segment_size=1000)
    for n in range(12):
        put(store, batch(n, size=250))
    segments = store.catalog.segments()
    assert [True] * (len(segments) - 1) + [False] == [s.closed for s in segments]
    assert all(0 < s.bytes <= 1000 for s in segments)
    assert len(segments) > 2
    assert [s.bytes for s in segments] == [store.segments.length(s.id) for s in segments]
    whole = b"".join(gzip.decompress(store.segments.path(s.id).read_bytes()) for s in segments)
    assert b"".join(batch(n, size=250).documents for n in range(12)) == whole
    assert sum(s.bytes for s in segments) == sum(f.length for f in frames(store))
    store.close()


def test_a_frame_larger_than_a_segment(tmp_path):
    """A frame larger than the wished size of a segment gets one of its own."""
    store = opened(tmp_path, segment_size=100)
    for n in range(3):
        put(store, batch(n, size=500))
    assert [1, 1, 1] == [s.events for s in store.catalog.segments()]
    store.close()


def filled(folder, budget, count=30, outputs=()):
    """A store of small segments, filled with `count` frames."""
    store = opened(folder, segment_size=2000)
    store.catalog.use_outputs(outputs)
    for n in range(count):
        put(store, batch(n, size=600), now=float(n))
    store.budget = budget
    return store


def budget_now(store, **more):
    """A budget that is used up."""
    return Budget(store.size() + (64 << 10), **more)


def test_without_outputs_the_oldest_goes(tmp_path, caplog):
    """A full store without outputs makes room by its oldest segments and goes on."""
    caplog.set_level("INFO")
    store = filled(tmp_path, Budget(1 << 30))
    store.budget = budget_now(store)
    oldest = store.catalog.segments()[0].id
    assert put(store, batch(100, size=600))
    assert oldest not in store.segments.numbers()
    assert frames(store)[0].seq > 1
    assert "segment 1 removed: the store is full" in caplog.text
    assert 31 == store.catalog.totals()["stored", ""]
    store.close()


def test_block_when_full_of_undelivered(tmp_path):
    """A full store whose frames are undelivered takes nothing, says so, and goes on by itself when some are delivered."""
    store = filled(tmp_path, Budget(1 << 30), outputs=["es"])
    store.budget = budget_now(store)
    store.add(batch(100, size=600), 50.0)
    assert not store.commit(50.0)
    assert not store.commit(51.0)
    assert "full of undelivered frames" in store.full
    assert str(store.budget.max_size) in store.full
    assert (30, 30) == (len(frames(store)), store.catalog.outputs()[0].waiting)
    for frame in frames(store)[:10]:
        store.catalog.advance("es", frame.seq, delivered=1, duplicates=0, dead=[])
    assert store.commit(52.0)
    assert "" == store.full
    assert 31 == frames(store)[-1].seq
    store.close()


def test_drop_oldest_when_full_of_undelivered(tmp_path, caplog):
    """With `drop_oldest` undelivered frames go, and each lost event is counted and told."""
    store = filled(tmp_path, Budget(1 << 30), outputs=["es"])
    store.budget = budget_now(store, when_full="drop_oldest")
    assert put(store, batch(100, size=600))
    (output,) = store.catalog.outputs()
    assert output.dropped > 0
    assert 31 == output.dropped + output.waiting
    assert f"{output.dropped} events were dropped undelivered to es" in caplog.text
    store.close()


def test_too_little_space_on_the_disk(tmp_path, monkeypatch):
    """Below min_free the store is full, says so, and nothing is written; it goes on when there is space."""
    store = opened(tmp_path, Budget(1 << 30, min_free=1000 * 4096))
    store.catalog.use_outputs(["es"])
    real = os.statvfs(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "statvfs", lambda _: os.statvfs_result((4096, 4096, *real[2:4], 1001, *real[5:])))
        assert not put(store, batch(1))
        assert f"has {1001 * 4096} bytes free, below store.min_free {1000 * 4096}" in store.full
        assert [] == store.segments.numbers()
    assert store.commit(2.0)
    store.close()


def test_age(tmp_path):
    """What is older than max_age goes, the segment being written as well, and only then; writing goes on behind it."""
    store = opened(tmp_path, Budget(1 << 30, max_age=8 * DAY))
    put(store, batch(1), now=DAY)
    store.retain(9 * DAY)
    assert 1 == len(frames(store))
    store.retain(9 * DAY + 1)
    assert ([], [], []) == (frames(store), store.segments.numbers(), store.catalog.segments())
    put(store, batch(2), now=10 * DAY)
    assert [2] == [f.seq for f in frames(store)]
    assert [2] == store.segments.numbers()
    store.close()


def test_a_slow_store_does_not_overstay_its_age(tmp_path):
    """A segment that never fills up is closed by time, so that nothing stays much longer than max_age."""
    store = opened(tmp_path, Budget(1 << 30, max_age=8 * DAY))
    for day in range(60):
        put(store, batch(day), now=day * DAY)
        store.retain(day * DAY)
        assert 10 >= len(frames(store))
    assert 8 <= len(frames(store))
    store.close()


def test_a_small_budget_can_be_met(tmp_path):
    """The smallest budget that the settings allow is enough to go on for ever."""
    store = opened(tmp_path, Budget(1 << 20), segment_size=128 << 10)
    for n in range(300):
        assert put(store, batch(n, size=40_000)), store.full
    assert store.size() <= 1 << 20
    wal = tmp_path / "catalog.db-wal"
    assert wal.stat().st_size < 2 << 20
    store.close()


def test_two_agents(tmp_path, store):
    """A second agent on the same store is refused with the first one's pid, and takes nothing from it."""
    with pytest.raises(Failure, match=rf"another agent \(pid {os.getpid()}\) uses the store at") as refused:
        opened(tmp_path)
    assert Exit.STORE == refused.value.status
    assert put(store, batch(1))


def test_the_lock_is_given_back(tmp_path):
    """After closing, and after an opening that failed, the store can be opened again."""
    opened(tmp_path).close()
    good = (tmp_path / "catalog.db").read_bytes()
    (tmp_path / "catalog.db").write_bytes(b"not a database, but long enough to be taken for one" * 100)
    with pytest.raises(Failure, match="damaged"):
        opened(tmp_path)
    (tmp_path / "catalog.db").write_bytes(good)
    opened(tmp_path).close()


def test_a_folder_that_cannot_be_written(tmp_path):
    """A path that cannot be a folder is refused, with the way out."""
    (tmp_path / "file").touch()
    with pytest.raises(Failure, match=r"cannot be written .*--store") as refused:
        Store(tmp_path / "file" / "store", Budget(1 << 30), segment_size=1, frame_size=1, frame_time=1)
    assert Exit.STORE == refused.value.status


def test_shippers_are_woken(store):
    """Each commit wakes who waits for frames."""
    with store.changed:
        woken = []
        store.changed.notify_all = lambda: woken.append(1)
    put(store, batch(1))
    assert [1] == woken
