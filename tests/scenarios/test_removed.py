"""Containers whose directory is removed before their log was read: what is held open is read to its end."""

import os

from logagent.demo.container import container_id
from logagent.demo.record import PIECE
from tests.collect.rig import numbered, say
from tests.scenarios.writing import come_to_rest


def test_removed_with_5_mb_unread(rig):
    """5 MB that were not read yet when the directory went, in a rotated and in the live file, are stored; no gap."""
    writer = rig.container("web", max_file=3)
    text = "z" * 1000
    said = say(rig, writer, numbered(0, 5))
    rig.read()
    said += say(rig, writer, [f"{n} {text}" for n in range(2500)])
    writer.rotate()
    said += say(rig, writer, [f"{n} {text}" for n in range(2500, 5000)])
    rig.step()
    assert 2 == rig.collector.open_files
    writer.close()
    rig.remove("web")
    assert (said, 0) == come_to_rest(rig)
    assert 0 == rig.collector.open_files
    assert [True] == [k.removed is not None for k in rig.store.catalog.containers()]


def test_last_line_without_newline(rig):
    """What a container printed last, without a newline, is stored when the container is removed, at once."""
    writer = rig.container("web")
    said = say(rig, writer, numbered(0, 2))
    writer.write("stdout", b"last words", rig.clock())
    writer.write("stderr", b"last error", rig.clock())
    rig.read()
    assert said == rig.messages()
    writer.close()
    rig.remove("web")
    assert ([*said, "last words", "last error"], 0) == come_to_rest(rig)


def test_removed_in_the_middle_of_a_record(rig):
    """Half a record, and a long line of which a piece is missing, are what they are; nothing is waited for."""
    writer = rig.container("web")
    writer.write_record(b"x" * PIECE, "stdout", rig.clock())
    os.write(writer._fd, b'{"log":"half')
    rig.read()
    rig.remove("web")
    assert (['{"log":"half', "x" * PIECE], 0) == come_to_rest(rig)
    assert 0 == rig.collector.open_files


def test_removed_while_the_agent_was_down(rig):
    """What went while nobody looked is gone; the container is marked as removed, and another one is read as ever."""
    writers = {name: rig.container(name) for name in ("a", "b")}
    for name, writer in writers.items():
        say(rig, writer, [f"{name} 1"])
    rig.read().stop()
    for name, writer in writers.items():
        say(rig, writer, [f"{name} 2"])
    rig.remove("a")
    rig.start()
    rig.read()
    assert (["a 1"], ["b 1", "b 2"]) == (rig.messages("a"), rig.messages("b"))
    assert {"a": True, "b": False} == {k.container.name: k.removed is not None for k in rig.store.catalog.containers()}


def test_killed_while_a_removed_container_is_read(rig):
    """Killed before the rest of a removed container was stored: what was stored stays, once, and nothing is waited for."""
    writer = rig.container("web")
    said = say(rig, writer, [f"{n} {'z' * 100}" for n in range(200)])
    rig.step()
    assert rig.store.commit(rig.now)
    rig.remove("web")
    rig.step()
    rig.restart()
    found, _ = come_to_rest(rig)
    assert said[: len(found)] == found
    assert 0 < len(found) < 200
    assert 0 == rig.collector.open_files


def test_removed_and_made_again_with_the_same_name(rig):
    """`docker rm` and `docker run` under one name are two containers: other id, other log, both whole."""
    writer = rig.container("web")
    said = say(rig, writer, numbered(0, 5))
    rig.read()
    said += say(rig, writer, numbered(5, 5))
    rig.remove("web")
    path = f"{rig.root}/containers/{container_id('other')}"
    other = rig.container("other")
    with open(f"{path}/config.v2.json", encoding="utf-8") as file:
        config = file.read()
    with open(f"{path}/config.v2.json.tmp", "w", encoding="utf-8") as file:
        file.write(config.replace('"/other"', '"/web"'))
    os.rename(f"{path}/config.v2.json.tmp", f"{path}/config.v2.json")
    new = say(rig, other, numbered(0, 5))
    rig.read()
    stored = [(d["container"]["id"], d["message"]) for d in rig.documents("web")]
    assert [*((container_id("web"), m) for m in said), *((container_id("other"), m) for m in new)] == stored
    rig.check()


def test_files_that_went_unseen_with_the_directory(rig):
    """A held file that was full was followed by others; when they went with the directory before they were seen, that is a gap."""
    writer = rig.container("web", max_size=2000, max_file=5)
    said = say(rig, writer, numbered(0, 2))
    rig.read()
    while not writer.rotations:
        said += say(rig, writer, numbered(len(said), 1))
    say(rig, writer, numbered(100, 60))
    writer.close()
    rig.remove("web")
    rig.read()
    assert (said[:-1], 1) == (rig.messages(), rig.gaps())
    rig.check()


def test_a_file_that_was_not_full_had_no_follower(rig):
    """A container that is removed while its file is not full yet lost nothing, and no gap is counted."""
    writer = rig.container("web", max_size=2000, max_file=5)
    said = say(rig, writer, numbered(0, 2))
    rig.read()
    said += say(rig, writer, numbered(2, 2))
    writer.close()
    rig.remove("web")
    rig.read()
    assert (said, 0) == (rig.messages(), rig.gaps())


def test_truncated_and_removed_between_two_looks(rig):
    """What a truncated log had when its container was removed is read from its start, though it is shorter than what was read."""
    writer = rig.container("web")
    said = say(rig, writer, numbered(0, 50))
    rig.read()
    os.truncate(writer.path, 0)
    said += say(rig, writer, numbered(50, 5))
    rig.remove("web")
    rig.read()
    assert (said, 1) == (rig.messages(), rig.gaps())
    rig.check()
