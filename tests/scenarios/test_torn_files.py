"""Files whose last record was not written whole: it is completed once, or kept once as damaged."""

import os

from logagent.demo.container import container_id
from logagent.demo.writer import LogWriter
from tests.collect.rig import numbered, say


def test_torn_end_of_a_rotated_file(rig):
    """Half a record at a final file's end becomes one damaged event, once, even when killed right behind it."""
    writer = rig.container("web", max_file=3)
    say(rig, writer, numbered(0, 2))
    os.write(writer._fd, b'{"log":"torn')
    rig.read()
    writer.rotate()
    rig.read()
    assert numbered(0, 2) == rig.messages()
    say(rig, writer, ["new"])
    rig.step()
    for _ in range(3):
        rig.step()
        assert rig.store.commit(rig.now)
        rig.restart()
    rig.read()
    assert [*numbered(0, 2), '{"log":"torn', "new"] == rig.messages()
    assert rig.documents()[2]["error"]["message"]
    rig.check()


def test_file_of_nothing_but_a_torn_record(rig):
    """A rotated file that holds half a record only has no name, and is stored once all the same."""
    writer = rig.container("web", max_file=4)
    say(rig, writer, ["one"])
    writer.rotate()
    os.write(writer._fd, b'{"log":"torn')
    rig.read()
    writer.rotate()
    say(rig, writer, ["two"])
    for _ in range(8):
        rig.step()
        assert rig.store.commit(rig.now)
        rig.restart()
    rig.read()
    assert ["one", '{"log":"torn', "two"] == rig.messages()
    assert rig.gaps() == 0
    rig.check()


def test_line_written_in_two_parts(rig):
    """A record of which only the first part is there yet is one event when the rest has come, also after a restart."""
    writer = rig.container("web")
    say(rig, writer, ["one"])
    record = b'{"log":"i am not a full line until now\\n","stream":"stdout","time":"2030-01-01T00:00:00Z"}\n'
    os.write(writer._fd, record[:30])
    rig.read()
    assert ["one"] == rig.messages()
    os.write(writer._fd, record[30:60])
    rig.restart().read()
    assert ["one"] == rig.messages()
    os.write(writer._fd, record[60:])
    rig.read()
    assert ["one", "i am not a full line until now"] == rig.messages()


def test_a_damaged_head_whose_file_has_gone(rig):
    """When the file that was read began with damage, so that it has no time, and has gone, what is older is not read again."""
    writer = rig.container("web", max_file=2)
    said = say(rig, writer, ["one"])
    rig.read()
    writer.rotate()
    os.write(writer._fd, b"garbage\n")
    said += ["garbage", *say(rig, writer, ["two"])]
    rig.read().stop()
    os.unlink(writer.path)
    writer.close()
    writer = LogWriter(os.path.dirname(writer.path), container_id("web"), max_file=2)
    said += say(rig, writer, ["three"])
    rig.start().read()
    assert (said, 1) == (rig.messages(), rig.gaps())
    rig.check()
