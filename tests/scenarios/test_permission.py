"""Permission to read a log is lost and given back: it is said once, and then every line is read."""

import errno
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.collect.rig import Rig, numbered, say
from tests.real.servers.process import await_that
from tests.scenarios.lives import Lives
from tests.scenarios.test_file_descriptors import await_stored, settings, tail

NOBODY = 65534


@pytest.mark.parametrize("what", ["open", "scandir", "stat"])
def test_lost_and_given_back(rig, monkeypatch, caplog, what):
    """While a log may not be opened, listed or looked at, what is held open is read on, and all else when it may be again."""
    writer = rig.container("web", max_file=9)
    said = say(rig, writer, numbered(0, 5))
    rig.read()
    real = getattr(os, what)

    def refuse(path, *args, **more):
        if str(path).startswith(os.path.dirname(writer.path)):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return real(path, *args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(os, what, refuse)
        for n in range(5, 30, 5):
            rig.step(2)
            patch.undo()
            said += say(rig, writer, numbered(n, 5))
            if n % 10:
                writer.rotate()
            patch.setattr(os, what, refuse)
            rig.step(2)
            rig.step(2)
    told = [r.getMessage() for r in caplog.records if "Permission denied" in r.getMessage()]
    assert len(set(told)) == len(told)
    rig.read().restart().read()
    assert (said, 0) == (rig.messages(), rig.gaps())
    rig.check()


def test_at_the_start(rig, monkeypatch):
    """A log that may not be read when the agent starts is read from its place when it may be."""
    writer = rig.container("web", max_file=9)
    said = say(rig, writer, numbered(0, 5))
    rig.read().stop()
    said += say(rig, writer, numbered(5, 5))
    real = os.open

    def refuse(path, *args, **more):
        if str(path).startswith(writer.path):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return real(path, *args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        rig.start()
        for _ in range(3):
            rig.step(2)
    rig.read()
    assert (said, 0) == (rig.messages(), rig.gaps())
    rig.check()


def test_of_an_agent_that_is_not_root(tmp_path):
    """An agent without rights reads a log as long as it may, says when it may not, and goes on when it may again."""
    if os.geteuid():
        pytest.skip("giving up rights needs root")
    with home() as folder:
        rig = Rig(folder)
        writer = rig.container("web", max_file=9)
        directory = os.path.dirname(writer.path)
        open_to_all(folder)
        said = say(rig, writer, numbered(0, 5))
        with Lives(tmp_path / "agent.log", settings(rig), user=NOBODY) as lives:
            lives.begin()
            await_stored(rig, 5, lives)
            lives.kill()
            os.chmod(writer.path, 0o600)
            said += say(rig, writer, numbered(5, 5))
            lives.begin()
            await_that(lambda: "Permission denied" in tail(lives), 15, lambda: tail(lives))
            os.chmod(writer.path, 0o644)
            await_stored(rig, 10, lives)
            os.chmod(directory, 0o700)
            said += say(rig, writer, numbered(10, 5))
            writer.rotate()
            said += say(rig, writer, numbered(15, 5))
            os.chmod(directory, 0o755)
            os.chmod(writer.path, 0o644)
            await_stored(rig, 20, lives)
            lives.kill()
        rig.start()
        assert (said, 0) == (rig.messages(), rig.gaps())
        rig.check()
        rig.crash()
        writer.close()


@contextmanager
def home():
    """A folder that everybody can reach."""
    folder = Path(tempfile.mkdtemp(prefix="logagent-", dir="/var/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def open_to_all(folder):
    """Let everybody read and write what is in `folder`."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
