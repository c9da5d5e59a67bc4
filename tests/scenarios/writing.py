"""How the scenarios write logs, and what others than dockerd do to the files."""

import os
import shutil

from logagent.demo.container import container_id
from logagent.demo.writer import LogWriter
from tests.collect.rig import Rig, numbered, say


def fill(rig, writer, lines, first=0):
    """Log numbered lines, a rotation after each tenth."""
    said = []
    for n in range(first, first + lines):
        if n and n % 10 == 0:
            writer.rotate()
        said += say(rig, writer, numbered(n, 1))
    return said


def spin(rig):
    """Wait until the clock that stamps files has ticked."""
    until = rig.clock() + 15_000_000
    while rig.clock() < until:
        pass


def again(writer: LogWriter, name: str = "web") -> LogWriter:
    """Stop the container and start it: its log is opened anew, and made if it has gone."""
    writer.close()
    return LogWriter(os.path.dirname(writer.path), container_id(name))


def moved(writer: LogWriter, suffix: str, name: str = "web") -> LogWriter:
    """Rename the live file by hand, and let the container write a new one."""
    os.rename(writer.path, writer.path + suffix)
    return again(writer, name)


def copytruncate(writer: LogWriter, suffix: str) -> None:
    """Copy the live file and cut it, as logrotate does."""
    shutil.copyfile(writer.path, writer.path + suffix)
    os.truncate(writer.path, 0)


def come_to_rest(rig: Rig) -> tuple[list[str], int]:
    """Read all that is there; gives all messages, and how many gaps are counted."""
    rig.read()
    rig.check()
    return rig.messages(), rig.gaps()
