"""How much is unread, from the files alone."""

import os

import pytest

from logagent.collect.lag import lag_bytes
from tests.collect.rig import numbered, say


@pytest.mark.parametrize("compress", [False, True])
def test_lag_is_what_was_not_read(rig, compress):
    """What lies behind the place that was read counts, over rotated and compressed files; after reading, nothing does."""
    writer = rig.container("web", max_file=4, compress=compress)
    say(rig, writer, numbered(0, 50))
    rig.read()
    (known,) = rig.store.catalog.containers()

    def lag():
        return lag_bytes(known.container, rig.store.catalog.progress(known.container.id))

    assert 0 == lag()
    before = os.path.getsize(writer.path)
    say(rig, writer, numbered(50, 50))
    unread = os.path.getsize(writer.path) - before
    assert unread == lag()
    writer.rotate()
    say(rig, writer, ["new"])
    assert unread + os.path.getsize(writer.path) == lag()
    rig.read()
    assert 0 == lag()


def test_lag_without_progress(rig):
    """Of a log that was never read all is unread; of a container without a file, or that has gone, nothing is."""
    writer = rig.container("web", max_file=2)
    say(rig, writer, numbered(0, 5))
    rig.collector._reconcile(rig.now)
    (known,) = rig.store.catalog.containers()
    assert os.path.getsize(writer.path) == lag_bytes(known.container, None)
    rig.remove("web")
    assert 0 == lag_bytes(known.container, None)


def test_lag_when_the_place_has_gone(rig):
    """When the file that was read has gone, what is newer counts."""
    writer = rig.container("web", max_file=2)
    say(rig, writer, numbered(0, 5))
    rig.read()
    for n in range(3):
        writer.rotate()
        say(rig, writer, numbered(n, 1))
    (known,) = rig.store.catalog.containers()
    both = os.path.getsize(writer.path) + os.path.getsize(f"{writer.path}.1")
    assert both == lag_bytes(known.container, rig.store.catalog.progress(known.container.id))


def test_lag_of_a_file_that_became_shorter(rig):
    """A file shorter than what was read of it has no lag, never less than none."""
    writer = rig.container("web")
    say(rig, writer, numbered(0, 5))
    rig.read()
    os.truncate(writer.path, os.path.getsize(writer.path) - 5)
    (known,) = rig.store.catalog.containers()
    assert 0 == lag_bytes(known.container, rig.store.catalog.progress(known.container.id))


def test_lag_of_the_running_collector(rig):
    """The collector tells each source's unread bytes of its last look, and since when in seconds."""
    writer = rig.container("web")
    say(rig, writer, [f"{n} {'z' * 90}" for n in range(200)])
    rig.step()
    (lag,) = rig.collector.sources(rig.now)
    assert ("web", True) == (lag.name, 0 < lag.bytes < os.path.getsize(writer.path))
    assert 0 <= lag.seconds < 10
    rig.read()
    (lag,) = rig.collector.sources(rig.now)
    assert (0, 0.0) == (lag.bytes, lag.seconds)
