"""The loop over all containers: who is read, when, from where, and what it costs."""

import os
import time

import pytest

from logagent.collect.pace import Pace
from logagent.demo.container import container_id, create_container
from logagent.demo.record import PIECE
from logagent.demo.writer import LogWriter
from logagent.engine.inventory import Changes
from logagent.engine.select import Selection, Selector
from tests.collect.rig import Rig, numbered, say


def test_files_in_order(rig):
    """Two containers with five lines each, an empty line among them: ten events and the empty one, each with its container."""
    said = {name: say(rig, rig.container(name), [*numbered(0, 4), "", f"{name} last"]) for name in ("a", "b")}
    rig.read()
    assert said == {name: rig.messages(name) for name in said}
    assert {"busybox"} == {d["container"]["image"]["name"] for d in rig.documents()}
    rig.check()


def test_blocks_are_read_by_turns(rig):
    """A large log does not keep a small one waiting: each gives a block in turn."""
    say(rig, rig.container("large"), [f"{n} {'z' * 90}" for n in range(1000)])
    said = say(rig, rig.container("small"), numbered(0, 3))
    rig.step()
    assert rig.store.commit(rig.now)
    assert said == rig.messages("small")
    assert 0 < len(rig.messages("large")) < 100


def test_new_and_removed_containers(rig):
    """A container that comes later is read from its beginning; one that goes is forgotten when it has been read."""
    said = say(rig, rig.container("a"), numbered(0, 3))
    rig.read()
    late = say(rig, rig.container("b"), numbered(0, 3))
    rig.read()
    assert (said, late) == (rig.messages("a"), rig.messages("b"))
    rig.remove("a")
    rig.read()
    assert [container_id("b")] == list(rig.collector._sources)
    assert {"a": True, "b": False} == {k.container.name: k.removed is not None for k in rig.store.catalog.containers()}


def test_a_log_file_that_appears_later(rig):
    """A container whose directory is seen before its metadata, and its metadata before its log, is read as soon as each comes."""
    identity = container_id("web")
    rig.step()
    os.makedirs(f"{rig.root}/containers/{identity}")
    rig.collector.touch(identity)
    rig.step(0.1)
    assert [] == list(rig.collector._sources)
    create_later = rig.root + "2"
    create_container(create_later, "web", "busybox")
    for name in ("config.v2.json", "hostconfig.json"):
        os.rename(f"{create_later}/containers/{identity}/{name}", f"{rig.root}/containers/{identity}/{name}")
        rig.collector.touch(identity)
        rig.step(0.01)
    assert [identity] == list(rig.collector._sources)
    path = f"{rig.root}/containers/{identity}/{identity}-json.log"
    with open(path, "wb") as file:
        file.write(b'{"log":"hello\\n","stream":"stdout","time":"2030-01-01T00:00:00Z"}\n')
    rig.collector.touch(identity)
    rig.step(0.01)
    assert rig.store.commit(rig.now)
    assert ["hello"] == rig.messages()


def test_removed_before_its_log_was_opened(rig):
    """A container that goes before it had a log, and one whose directory is empty, end quietly."""
    create_container(rig.root, "web", "busybox")
    rig.step()
    rig.remove("web")
    rig.collector.touch(container_id("web"))
    rig.step()
    rig.read()
    assert ({}, 0) == (rig.collector._sources, rig.gaps())
    assert [True] == [k.removed is not None for k in rig.store.catalog.containers()]


def test_from_the_end(tmp_path):
    """`from: end` passes over what is there at the first start, also after a crash before anything was written; later containers are read whole."""
    rig = Rig(tmp_path, start="end").start()
    writer = rig.container("web", max_file=3)
    say(rig, writer, numbered(0, 5))
    writer.rotate()
    say(rig, writer, numbered(5, 5))
    os.write(writer._fd, b'{"log":"half')
    rig.read().restart()
    os.write(writer._fd, b'\\n","stream":"stdout","time":"2030-01-01T00:00:00Z"}\n')
    say(rig, writer, ["new"])
    late = rig.container("late")
    say(rig, late, ["late"])
    rig.read().restart().read()
    assert (["half", "new"], ["late"], 0) == (rig.messages("web"), rig.messages("late"), rig.gaps())
    rig.crash()


def test_from_the_end_on_a_host_without_containers(tmp_path):
    """With `from: end`, a container that comes after the agent began is new, even as the first one."""
    rig = Rig(tmp_path, start="end").start()
    rig.step()
    say(rig, rig.container("web"), ["first"])
    rig.read()
    assert ["first"] == rig.messages()
    rig.crash()


def test_from_the_end_of_a_log_that_is_not_there_yet(tmp_path):
    """With `from: end`, a log that is begun after the agent is read from its beginning."""
    rig = Rig(tmp_path, start="end").start()
    directory = create_container(rig.root, "web", "busybox")
    rig.step()
    rig.step()
    with LogWriter(directory, container_id("web")) as writer:
        say(rig, writer, ["first"])
    rig.read()
    assert ["first"] == rig.messages()
    rig.crash()


def test_include_and_exclude(tmp_path, caplog):
    """What is not wanted is not read and named with its reason; one that is renamed out of sight is left."""
    caplog.set_level("INFO")
    rig = Rig(tmp_path).start(selection=Selection((), (Selector(name="no*"),)))
    for name in ("web", "nothing"):
        say(rig, rig.container(name), numbered(0, 2))
    rig.read()
    assert (numbered(0, 2), []) == (rig.messages("web"), rig.messages("nothing"))
    assert [container_id("nothing")] == list(rig.collector.left_out)
    assert 1 == caplog.text.count("container nothing is not collected: ")
    directory = f"{rig.root}/containers/{container_id('web')}"
    with open(f"{directory}/config.v2.json", encoding="utf-8") as file:
        config = file.read()
    with open(f"{directory}/tmp", "w", encoding="utf-8") as file:
        file.write(config.replace('"/web"', '"/no-more"'))
    os.rename(f"{directory}/tmp", f"{directory}/config.v2.json")
    rig.read()
    assert [] == list(rig.collector._sources)
    opened = [os.path.realpath(f"/proc/self/fd/{f}") for f in os.listdir("/proc/self/fd")]
    assert 1 == sum(path.startswith(directory) for path in opened)  # the writer's
    for name in ("web", "nothing"):
        rig.remove(name)
    rig.read()
    assert {} == rig.collector.left_out
    assert [True, True] == [k.removed is not None for k in rig.store.catalog.containers()]
    rig.crash()


def test_a_rename_shows_in_later_documents(rig):
    """After `docker rename` what is read next has the new name."""
    writer = rig.container("web")
    say(rig, writer, ["one"])
    rig.read()
    path = f"{rig.root}/containers/{container_id('web')}/config.v2.json"
    with open(path, encoding="utf-8") as file:
        config = file.read()
    with open(f"{path}.tmp", "w", encoding="utf-8") as file:
        file.write(config.replace('"/web"', '"/shop"'))
    os.rename(f"{path}.tmp", path)
    rig.read()
    say(rig, writer, ["two"])
    rig.read()
    assert [("one", "web"), ("two", "shop")] == [(d["message"], d["container"]["name"]) for d in rig.documents()]


def test_more_containers_than_files_may_be_open(tmp_path, caplog):
    """Beyond max_open_files logs are read by turns: all of them, again and again, with one warning."""
    rig = Rig(tmp_path, max_open_files=3).start()
    writers = {f"c{n}": rig.container(f"c{n}", max_file=3) for n in range(8)}
    said = {name: say(rig, writer, numbered(0, 3)) for name, writer in writers.items()}
    long = rig.clock()
    writers["c0"].write_record(b"p" * PIECE, "stdout", long)
    for _ in range(30):
        rig.step()
        assert 3 >= rig.collector.open_files
    writers["c0"].write_record(b"q\n", "stdout", long)
    said["c0"].append("p" * PIECE + "q")
    for name, writer in writers.items():
        said[name] += say(rig, writer, numbered(3, 3))
        writer.rotate()
        said[name] += say(rig, writer, numbered(6, 1))
    for _ in range(60):
        rig.step()
    assert rig.store.commit(rig.now)
    assert said == {name: rig.messages(name) for name in writers}
    assert (1, 0) == (caplog.text.count("collect.max_open_files (3) is reached"), rig.gaps())
    rig.check()
    rig.crash()


def test_permission_lost_and_given_back(rig, monkeypatch, caplog):
    """A log that may not be read is tried again, said once, and read when it may be."""
    said = say(rig, rig.container("web"), numbered(0, 3))
    real = os.scandir

    def denied(path):
        if str(path).endswith(container_id("web")):
            raise PermissionError(13, "Permission denied")
        return real(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", denied)
        for _ in range(5):
            rig.step(2)
        assert rig.collector.finish(rig.now)
    assert 1 == caplog.text.count("Permission denied")
    rig.read()
    assert said == rig.messages()


def test_once_ends_though_files_grow(rig):
    """`finish` is true once each log was read to its end once, however fast others still grow, and ends unfinished lines."""
    writers = [rig.container(f"c{n}") for n in range(3)]
    writers[0].write_record(b"no newline", "stdout", rig.clock())
    for n in range(100):
        for writer in writers[1:]:
            say(rig, writer, numbered(n * 50, 50))
        rig.step(0.01)
        if rig.collector.finish(rig.now):
            break
    else:
        raise AssertionError("it never ends")
    assert rig.store.commit(rig.now)
    assert ["no newline"] == rig.messages("c0")
    assert numbered(0, 50) == rig.messages("c1")[:50]


def test_once_with_more_logs_than_files_may_be_open(tmp_path):
    """`finish` waits for the turn of each log."""
    rig = Rig(tmp_path, max_open_files=2).start()
    for n in range(6):
        say(rig, rig.container(f"c{n}"), numbered(0, 3))
    for _ in range(50):
        rig.step()
        if rig.collector.finish(rig.now):
            break
    assert rig.store.commit(rig.now)
    assert 18 == len(rig.messages())
    rig.crash()


def test_clock_set_back_does_not_put_off_the_inventory(tmp_path):
    """The inventory is asked with a time that never goes back, and at once when the clock was set back."""
    rig = Rig(tmp_path).start()
    asked: list[float] = []

    class Asked:
        def refresh(self, now):
            asked.append(now)
            return Changes()

        def present(self, _):
            return True

    rig.collector._containers = Asked()
    for seconds in (1, 10, -3600, 10, 10):
        rig.step(seconds)
    assert 5 == len(asked)
    assert sorted(asked) == asked
    assert 30 < asked[-1] - asked[0] + 1
    rig.crash()


def test_a_catalog_that_cannot_be_written_for_a_moment(rig, monkeypatch):
    """A container that could not be remembered is taken at the next comparison."""
    said = say(rig, rig.container("web"), numbered(0, 3))

    def fail(_):
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(rig.store.catalog, "remember", fail)
        with pytest.raises(OSError, match="disk full"):
            rig.step()
    rig.step(20)
    rig.read()
    assert said == rig.messages()


def test_the_pace_of_looking(rig):
    """A busy log is looked at at once, a quiet one after 50 ms, and ever later up to once a second, all at the same moments."""
    writers = [rig.container(f"c{n}") for n in range(3)]
    for writer in writers:
        say(rig, writer, ["one"])
    rig.now = 1_790_000_000.123
    pauses = [rig.collector.step(rig.now)]
    for _ in range(12):
        rig.now += max(pauses[-1], 0.001)
        pauses.append(rig.collector.step(rig.now))
    assert 0.0 == pauses[0]
    assert max(pauses) <= 1.0
    assert [True] * 4 == [pause > 0.9 for pause in pauses[-4:]]
    say(rig, writers[0], ["two"])
    rig.now += pauses[-1]
    assert 0.0 == rig.collector.step(rig.now)
    rig.now += 0.001
    assert rig.collector.step(rig.now) <= 0.05


def test_idle_containers_cost_next_to_nothing(tmp_path):
    """200 idle containers: about one wakeup and one system call for each log in a second, and little CPU."""
    rig = Rig(tmp_path, pace=Pace()).start()
    for n in range(200):
        say(rig, rig.container(f"c{n}", max_file=2), ["one"])
    rig.read()
    for _ in range(10):
        rig.step()
    end, steps, begun = rig.now + 30, 0, time.process_time()
    while rig.now < end:
        rig.now += max(rig.collector.step(rig.now), 0.001)
        steps += 1
    used = time.process_time() - begun
    assert steps < 3 * 30
    assert used / 30 < 0.01  # of a core; 0.1 % on the machine this was written on
    rig.crash()
