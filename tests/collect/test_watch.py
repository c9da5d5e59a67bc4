"""Directory events on a real kernel: who was made, renamed or deleted is told at once, and never that a line was written."""

import os
import threading
import time

import pytest

from logagent.collect.watch import Watch
from logagent.demo.container import container_id
from tests.collect.rig import numbered, say


@pytest.fixture
def touched(tmp_path):
    """What was told of a watched folder, as (queue, wait-for)."""
    folder = tmp_path / "containers"
    folder.mkdir()
    told, news = [], threading.Condition()

    def touch(name, _file):
        with news:
            told.append(name)
            news.notify_all()

    watch = Watch(str(folder), touch)
    watch.start()

    def wait_for(name):
        with news:
            found = news.wait_for(lambda: name in told, 10)
            told.clear()
            return found

    yield folder, told, wait_for
    watch.stop()


def test_names_are_told(touched):
    """A new directory, and what is made, renamed and deleted in it, are told by the directory's name."""
    folder, _, wait_for = touched
    (folder / "abc").mkdir()
    assert wait_for("abc")
    log = folder / "abc" / "abc-json.log"
    log.touch()
    assert wait_for("abc")
    log.rename(f"{log}.1")
    assert wait_for("abc")
    os.unlink(f"{log}.1")
    assert wait_for("abc")
    (folder / "abc").rmdir()
    assert wait_for("abc")


def test_lines_are_not_told(touched):
    """Writing to a file gives no event."""
    folder, told, wait_for = touched
    (folder / "abc").mkdir()
    with open(folder / "abc" / "abc-json.log", "wb", buffering=0) as file:
        assert wait_for("abc")
        (folder / "one").mkdir()
        assert wait_for("one")
        told.clear()
        file.writelines(b"x" * 100 for _ in range(1000))
    (folder / "two").mkdir()
    assert wait_for("two")
    assert "abc" not in told


def test_a_folder_that_is_not_there(tmp_path, caplog):
    """Without a folder to watch, polling has to do, and that is said; stopping works all the same."""
    watch = Watch(str(tmp_path / "none"), lambda *_: None)
    watch.start()
    assert "cannot be watched" in caplog.text
    watch.stop()


def test_containers_that_come_and_go(rig):
    """Each new container is opened at its event, long before the next comparison, and read to its end when it goes at once."""
    ended, deadline = threading.Event(), time.monotonic() + 60
    rig.collector._reconcile_every = 3600.0
    rig.step()

    def opened(name):
        source = rig.collector._sources.get(container_id(name))
        return source is not None and source.open_files

    def host():
        for n in range(10):
            with rig.container(f"short{n}") as writer:
                while not opened(f"short{n}") and time.monotonic() < deadline:
                    ended.wait(0.001)
                say(rig, writer, numbered(0, 20))
            rig.remove(f"short{n}")
        ended.set()

    watch = Watch(f"{rig.root}/containers", rig.collector.touch)
    watch.start()
    docker = threading.Thread(target=host)
    docker.start()
    while time.monotonic() < deadline and not (ended.is_set() and not rig.collector._sources):
        rig.collector.wake.clear()
        rig.now = time.time()
        pause = rig.collector.step(rig.now)
        rig.collector.wake.wait(min(pause, 0.2))
    docker.join()
    watch.stop()
    assert rig.store.commit(rig.now)
    assert {f"short{n}": 20 for n in range(10)} == {f"short{n}": len(rig.messages(f"short{n}")) for n in range(10)}
