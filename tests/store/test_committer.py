"""The committer: batches become frames in time; a full store stops it, and room makes it go on."""

import queue

import pytest

from logagent.store.committer import HOUSEKEEPING, RETRY, Committer
from logagent.store.retention import Budget
from tests.store.stores import WEB, at, batch, opened, put


@pytest.fixture
def store(tmp_path):
    """A store whose frames are due after one second."""
    store = opened(tmp_path)
    yield store
    store.close()


@pytest.fixture
def batches():
    """The queue."""
    return queue.Queue(4)


def stored(store):
    """How many events are stored."""
    return store.catalog.totals().get(("stored", ""), 0)


def test_a_batch_is_committed_when_it_is_due(store, batches):
    """A batch is taken at once, and committed when the frame's time is over, also when nothing else comes."""
    committer = Committer(store, batches)
    batches.put(batch(1))
    assert 0.0 == committer.step(10.0, 0.0)
    assert (0, 0, True) == (stored(store), batches.unfinished_tasks, store.waiting)
    committer.step(10.5, 0.0)
    assert 0 == stored(store)
    committer.step(11.0, 0.0)
    assert (1, False) == (stored(store), store.waiting)


def test_a_full_frame_is_committed_at_once(tmp_path, batches):
    """A frame that is large enough does not wait for its time."""
    store = opened(tmp_path, frame_size=10)
    committer = Committer(store, batches)
    batches.put(batch(1))
    committer.step(10.0, 0.0)
    assert 1 == stored(store)
    store.close()


def test_no_room_and_room_again(store, batches, caplog):
    """Without room nothing is taken from the queue, one sentence says so; with room it goes on by itself, and says that too."""
    caplog.set_level("INFO")
    store.catalog.use_outputs(["es"])
    committer = Committer(store, batches)
    store.budget, roomy = Budget(1), store.budget
    for n in range(3):
        batches.put(batch(n))
    committer.step(10.0, 0.0)
    committer.step(10.1, 0.0)
    committer.step(10.2, 0.0)
    for second in range(11, 20):
        pause = committer.step(float(second), 0.0)
    assert (RETRY, 0, 0) == (pause, batches.qsize(), stored(store))
    batches.put(batch(3))
    assert RETRY == committer.step(20.0, 0.0)
    assert 1 == batches.qsize()
    assert 1 == caplog.text.count("reading is paused: the store is full of undelivered frames")
    store.budget = roomy
    for second in range(21, 24):
        committer.step(float(second), 0.0)
    assert (4, at(3)) == (stored(store), store.catalog.progress(WEB.id))
    assert 1 == caplog.text.count("there is room again")


def test_drain(store, batches):
    """At the end everything that is queued is committed."""
    committer = Committer(store, batches)
    for n in range(3):
        batches.put(batch(n))
    assert committer.drain(10.0)
    assert (3, True) == (stored(store), batches.empty())


def test_drain_without_room(store, batches):
    """Stopped while there is no room, it stores nothing and loses nothing: the catalog's place is the one before."""
    store.catalog.use_outputs(["es"])
    put(store, batch(1))
    committer = Committer(store, batches)
    store.budget, roomy = Budget(1), store.budget
    batches.put(batch(2))
    committer.step(10.0, 0.0)
    committer.step(12.0, 0.0)
    assert store.full
    for n in range(3, 6):
        batches.put(batch(n))
    assert not committer.drain(13.0)
    assert (1, at(1), 3) == (stored(store), store.catalog.progress(WEB.id), batches.qsize())
    store.budget = roomy
    assert committer.drain(14.0)
    assert (5, at(5)) == (stored(store), store.catalog.progress(WEB.id))


def test_old_segments_go_also_while_busy(tmp_path, batches):
    """What is too old is let go about once a minute, whether the queue is empty or never is; also after the clock was set back."""
    store = opened(tmp_path, Budget(1 << 30, max_age=100.0))
    committer = Committer(store, batches)
    put(store, batch(1), now=1000.0)
    for moment in (1100.0, 1100.1 + HOUSEKEEPING):
        batches.put(batch(2, 0))
        committer.step(moment, 0.0)
    assert 0 == len(store.catalog.frames_after(0, 9))
    put(store, batch(1), now=0.0)
    committer.step(200.0, 0.0)
    assert 0 == len(store.catalog.frames_after(0, 9))
    store.close()
