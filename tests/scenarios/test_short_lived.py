"""Containers that live for a moment, and logs that begin late or never."""

import os

import pytest

from logagent.demo.container import container_id, create_container
from logagent.demo.writer import LogWriter
from tests.collect.rig import numbered, say
from tests.scenarios.writing import come_to_rest


def test_a_container_that_lives_for_50_ms(rig):
    """Begun, seen by the event of its directory, ended and removed: all its lines are stored."""
    rig.read()
    writer = rig.container("web")
    said = say(rig, writer, numbered(0, 5))
    rig.collector.touch(container_id("web"))
    rig.step(0.02)
    said += say(rig, writer, numbered(5, 5))
    writer.close()
    rig.remove("web")
    rig.collector.touch(container_id("web"))
    rig.step(0.03)
    assert (said, 0) == come_to_rest(rig)


def test_a_container_that_ended_and_stays(rig):
    """One that printed and ended between two looks is read when it is seen, its last line without newline included."""
    rig.read()
    writer = rig.container("web")
    said = say(rig, writer, numbered(0, 5))
    writer.write("stdout", b"bye", rig.clock())
    writer.close()
    rig.read()
    assert said == rig.messages()
    assert rig.restart().read().collector.finish(rig.now)
    assert rig.store.commit(rig.now)
    assert [*said, "bye"] == rig.messages()


def test_a_hundred_that_come_and_go(rig):
    """Containers that come, print a line and go, one behind the other: each line once, no file stays open, nothing is waited for."""
    said = []
    for n in range(100):
        name = f"job-{n}"
        writer = rig.container(name)
        said += say(rig, writer, [f"{name} done"])
        writer.close()
        rig.collector.touch(container_id(name))
        rig.step(0.02)
        rig.remove(name)
        rig.collector.touch(container_id(name))
        rig.step(0.02)
    assert (said, 0) == come_to_rest(rig)
    assert (0, {}) == (rig.collector.open_files, rig.collector._sources)


@pytest.mark.parametrize("half", [b"", b"\n", b'{"log":"not whole'], ids=["empty", "blank", "half a record"])
def test_a_log_without_a_whole_first_line(rig, half):
    """It has no name yet, and is watched all the same: its first line is stored when it is whole, also after restarts."""
    directory = create_container(rig.root, "web", "busybox")
    with open(f"{directory}/{container_id('web')}-json.log", "xb") as file:
        file.write(half)
    for _ in range(3):
        assert ([], 0) == come_to_rest(rig)
        rig.restart()
    with LogWriter(directory, container_id("web")) as writer:
        rest = b' yet\\n","stream":"stdout","time":"2030-01-01T00:00:00Z"}\n' if half.strip() else b""
        os.write(writer._fd, rest)
        said = [*(["not whole yet"] if rest else []), *say(rig, writer, numbered(0, 5))]
    assert (said, 0) == come_to_rest(rig)
    rig.restart()
    assert (said, 0) == come_to_rest(rig)


def test_an_empty_file_behind_a_full_one(rig):
    """Rotated and not written to since: the empty live file waits, and its first line follows."""
    writer = rig.container("web", max_file=3)
    said = say(rig, writer, numbered(0, 5))
    writer.rotate()
    for _ in range(3):
        assert (said, 0) == come_to_rest(rig)
        rig.restart()
    said += say(rig, writer, numbered(5, 5))
    assert (said, 0) == come_to_rest(rig)
