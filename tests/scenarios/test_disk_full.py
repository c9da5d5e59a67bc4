"""A full disk: nothing is lost, nothing is stored twice, it is told, and all goes on by itself when there is room again."""

import errno
import gc
import os
import sqlite3
import subprocess
from contextlib import closing, suppress

import pytest

from logagent.demo.container import container_id
from logagent.errors import Failure
from logagent.model import Batch
from tests.collect.rig import BUDGET, Rig, numbered, say
from tests.scenarios.ext4 import run
from tests.scenarios.faults import AFTER, Operations
from tests.scenarios.life import Life


class NoRoom:
    """Fails what needs room from the `number`th moment on, until there is room again."""

    def __init__(self, number):
        self._number, self.seen, self.struck, self.room = number, 0, "", False

    def __call__(self, name, phase):
        """Fail, or do nothing."""
        if phase == AFTER or name in ("unlink", "truncate", "ftruncate"):
            return
        self.seen += 1
        if self.seen >= self._number and not self.room:
            self.struck = f"{phase} {name}"
            if name.split()[0] in ("BEGIN", "COMMIT", "PRAGMA"):
                raise sqlite3.OperationalError("database or disk is full")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Patient(Life):
    """A life that tries again what had no room, as the agent's loops do; `told` is what the store said of it."""

    def __init__(self, folder):
        super().__init__(folder)
        self.told = ""

    def attempt(self, step):
        """Do a step; False when there was no room for it."""
        try:
            if not self.alive:
                self.begin()
            if self.rig.store.full and not self.rig.store.commit(self.rig.now):
                return False
            if step != self.begin:
                step()
        except (OSError, sqlite3.Error, Failure) as error:
            self.told = str(error)
        except AssertionError:
            self.told = self.rig.store.full
            if not self.told:
                raise
        else:
            return True
        if not self.alive:
            gc.collect()  # a database that could not be opened
            self._let_be()
        return False


def test_at_every_operation(tmp_path):
    """When the disk is full from any operation on, in segments or in the catalog, that is told, and nothing is lost or stored twice."""
    number, struck = 0, "yes"
    while struck:
        number += 1
        life, strike = Patient(tmp_path / str(number)), NoRoom(number)
        with closing(life), Operations(life.rig.folder, strike).installed():
            for step in (life.begin, *life.steps(), life.check):
                if not life.attempt(step):
                    assert "full" in life.told or "No space left on device" in life.told, strike.struck
                    strike.room = True
                    assert life.attempt(step), (strike.struck, life.told)
            struck = strike.struck
    assert number > 60


def test_a_real_full_disk(tmp_path):
    """On a file system that is filled up before each step, and emptied when that step had no room, all lines are stored once."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid():
        pytest.skip("mounting a file system needs root")
    try:
        run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no file system of our own can be mounted here: {error}")
    life, refused = Patient(tmp_path / "life"), 0
    life.rig.folder = place / "store"
    try:
        for step in (life.begin, *life.steps(), life.check):
            fill(place / "ballast")
            done = life.attempt(step)
            (place / "ballast").unlink()
            refused += not done
            assert done or life.attempt(step), life.told
    finally:
        life.close()
        run("umount", place)
    assert refused > 4


def fill(path):
    """Write until there is no room."""
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while file.write(bytes(1 << 12)):
            pass


def test_no_room_for_a_pid(rig, monkeypatch):
    """On a full disk, where the lock takes no pid, the agent starts all the same."""
    writer = rig.container("web")
    rig.read().stop()
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", broken)
        rig.start()
    said = say(rig, writer, numbered(0, 5))
    rig.read()
    assert said == rig.messages()


def broken(*_args, **_more):
    """Fail as a full disk does."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("what", ["pwrite", "fdatasync"])
def test_disk_full_while_writing(rig, monkeypatch, what):
    """When the segment cannot be written nothing is remembered; the same frame goes through when there is room again."""
    writer = rig.container("web")
    say(rig, writer, numbered(0, 5))
    rig.step()
    with monkeypatch.context() as patch:
        patch.setattr(os, what, broken)
        assert not rig.store.commit(rig.now)
        assert "No space left on device" in rig.store.full
        assert 0 == rig.store.catalog.last_frame()
    assert rig.store.commit(rig.now)
    assert ("", numbered(0, 5)) == (rig.store.full, rig.messages())
    rig.check()


def test_short_writes(rig, monkeypatch):
    """A write that takes only a part is gone on with."""
    writer = rig.container("web")
    say(rig, writer, numbered(0, 50))
    rig.step()
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: real(fd, data[:7], at))
    rig.read()
    assert numbered(0, 50) == rig.messages()


def test_catalog_cannot_be_written(rig):
    """When SQLite has no room the frame is not remembered, and is when it has."""
    writer = rig.container("web")
    say(rig, writer, numbered(0, 5))
    rig.step()
    many = {f"{n} {'x' * 200}": 1 for n in range(500)}
    rig.store.add(Batch(container_id("web"), b"", 0, 0, 0, None, problems=many), rig.now)
    database = rig.store.catalog._db
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    database.execute(f"PRAGMA max_page_count={pages}")
    assert not rig.store.commit(rig.now)
    assert 0 == rig.store.catalog.last_frame()
    assert "database or disk is full" in rig.store.full
    database.execute("PRAGMA max_page_count=1000000")
    rig.read()
    assert numbered(0, 5) == rig.messages()
    rig.check()


def test_store_full_and_room_again(tmp_path):
    """With `block` a full store takes nothing more and forgets nothing; what came meanwhile is stored when there is room."""
    rig = Rig(tmp_path).start()
    rig.store.catalog.use_outputs(["es"])
    writer = rig.container("web")
    said = say(rig, writer, numbered(0, 50))
    rig.read()
    rig.store.budget = type(BUDGET)(1)
    said += say(rig, writer, numbered(50, 50))
    rig.step()
    assert not rig.store.commit(rig.now)
    assert "full of undelivered frames" in rig.store.full
    rig.restart()
    rig.read()
    assert said == rig.messages()
    rig.check()
    rig.crash()
