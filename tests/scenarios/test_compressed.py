"""Rotated files that are compressed before, while and after they are read."""

import gzip
import json
import os

import pytest

from logagent.demo.container import container_id
from logagent.demo.writer import LogWriter
from tests.collect.rig import numbered, say
from tests.scenarios.writing import come_to_rest, fill


def test_half_written_gz_beside_its_plain_file(rig):
    """While dockerd compresses a file, and when it died over it, the plain file is read and the unfinished copy is not."""
    writer = rig.container("web", max_file=3, compress=True, pace="steps")
    said = say(rig, writer, [f"{n} {os.urandom(40).hex()}" for n in range(2000)])
    writer.rotate()
    said += say(rig, writer, ["new"])
    writer.compress_step()
    assert os.path.getsize(f"{writer.path}.1.gz") < os.path.getsize(f"{writer.path}.1")
    rig.read()
    assert (said, 0) == (rig.messages(), rig.gaps())
    rig.restart().read()
    assert (said, 0) == (rig.messages(), rig.gaps())


def test_gz_is_gone_on_with_at_the_place(rig):
    """A file read by half when the agent stopped and compressed meanwhile is gone on with inside the gz."""
    writer = rig.container("web", max_file=3, compress=True)
    said = say(rig, writer, [f"{n} {'z' * 90}" for n in range(500)])
    for _ in range(4):
        rig.step()
    rig.stop()
    stored = rig.start().messages()
    assert 0 < len(stored) < 500
    writer.rotate()
    said += say(rig, writer, ["new"])
    assert os.path.exists(f"{writer.path}.1.gz")
    rig.read()
    assert (said, 0) == (rig.messages(), rig.gaps())
    rig.check()


def test_compressed_while_it_is_read(rig):
    """An open file whose name becomes a .gz in the middle of being read is read on, and its gz is not read again."""
    writer = rig.container("web", max_file=3, compress=True)
    said = say(rig, writer, [f"{n} {'z' * 90}" for n in range(500)])
    for _ in range(3):
        rig.step()
    writer.rotate()
    said += say(rig, writer, ["new"])
    rig.read()
    assert (said, 0) == (rig.messages(), rig.gaps())


def options_of(writer, *, compress: bool) -> None:
    """Write down the container's options, as its hostconfig.json has them."""
    options = {"max-size": "1m", "max-file": "4", "compress": str(compress).lower()}
    with open(f"{os.path.dirname(writer.path)}/hostconfig.json", "w", encoding="utf-8") as file:
        json.dump({"LogConfig": {"Type": "json-file", "Config": options}}, file)


def toggled(writer, *, compress: bool) -> LogWriter:
    """Start the container anew with the other value: the engine takes it up when it opens the log."""
    writer.close()
    options_of(writer, compress=compress)
    return LogWriter(os.path.dirname(writer.path), container_id("web"), max_file=4, compress=compress)


@pytest.mark.parametrize("first", [False, True], ids=["on", "off"])
@pytest.mark.parametrize("down", [False, True], ids=["running", "down"])
def test_compress_toggled(rig, first, down):
    """Files of before and after `compress` was turned on or off lie side by side, a stale `.2` beside a newer `.2.gz`: none is read twice or in a wrong place."""
    writer = rig.container("web", compress=first, max_file=4)
    options_of(writer, compress=first)
    said = fill(rig, writer, 35)
    rig.read()
    if down:
        rig.stop()
    writer = toggled(writer, compress=not first)
    for n in range(35, 75, 10):
        writer.rotate()
        said += say(rig, writer, numbered(n, 10))
        if not down:
            rig.read()
            assert said == rig.messages()
    names = {name.partition("json.log")[2] for name in os.listdir(os.path.dirname(writer.path))}
    assert {".2", ".2.gz", ".3", ".3.gz"} <= names
    if down:
        rig.start()
        found, gaps = come_to_rest(rig)
        assert [m for m in said if m in found] == found
        assert gaps or said == found
    else:
        assert (said, 0) == come_to_rest(rig)
    found = rig.messages()
    for _ in range(2):
        rig.restart().read()
    assert found == rig.messages()


def test_compress_toggled_before_the_first_look(rig, caplog):
    """An agent that finds such a set reads each file once, the stale ones first, and says so once."""
    writer = rig.container("web", compress=False, max_file=4)
    fill(rig, writer, 35)
    writer = toggled(writer, compress=True)
    for n in range(35, 75, 10):
        writer.rotate()
        say(rig, writer, numbered(n, 10))
    found, _ = come_to_rest(rig)
    times = [d["@timestamp"] for d in rig.documents()]
    assert sorted(times) == times
    assert len(set(found)) == len(found)
    assert found[-40:] == numbered(35, 40)
    said = len(caplog.records)
    rig.restart().read()
    assert found == rig.messages()
    assert said <= 1


def test_gz_of_another_maker(rig):
    """A file that an operator compressed by hand is read like dockerd's own, from the place where reading stopped."""
    writer = rig.container("web", max_file=4)
    said = say(rig, writer, numbered(0, 5))
    rig.read().stop()
    said += say(rig, writer, numbered(5, 5))
    writer.rotate()
    with open(f"{writer.path}.1", "rb") as plain, gzip.open(f"{writer.path}.1.gz", "wb") as packed:
        packed.write(plain.read())
    os.unlink(f"{writer.path}.1")
    said += say(rig, writer, numbered(10, 5))
    rig.start()
    assert (said, 0) == come_to_rest(rig)


def test_gz_of_two_members(rig):
    """Members one behind the other, as `cat a.gz b.gz` makes them, are one file."""
    writer = rig.container("web", max_file=4)
    said = say(rig, writer, numbered(0, 10))
    writer.rotate()
    with open(f"{writer.path}.1", "rb") as plain:
        content = plain.read()
    half = content.index(b"\n", len(content) // 2) + 1
    with open(f"{writer.path}.1.gz", "wb") as packed:
        packed.write(gzip.compress(content[:half]) + gzip.compress(content[half:]))
    os.unlink(f"{writer.path}.1")
    said += say(rig, writer, numbered(10, 5))
    assert (said, 0) == come_to_rest(rig)


def test_an_empty_file_is_compressed(rig):
    """A file that was rotated empty, and compressed, between files that are read: none of them is read twice."""
    writer = rig.container("web", max_file=4, compress=True)
    said = say(rig, writer, numbered(0, 5))
    for _ in range(2):
        rig.read()
        writer.rotate()
    rig.read()
    said += say(rig, writer, numbered(5, 5))
    assert (said, 0) == come_to_rest(rig)
