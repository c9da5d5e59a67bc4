"""Power lost anywhere: what was not synced is gone, the next life takes up what is left, and no line is stored twice."""

import gc
import os
import re
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest

from logagent.demo.container import container_id
from logagent.demo.writer import LogWriter
from tests.collect.rig import Rig, check_totals, numbered, say
from tests.scenarios.ext4 import ext4
from tests.scenarios.faults import AFTER, Killed, Nth, Operations
from tests.scenarios.life import Life, survive


class Powered(Life):
    """A life whose store lies on a disk that loses its power when the agent dies. Docker's files stay, and none is deleted."""

    def __init__(self, folder, disk, *, names_kept):
        super().__init__(folder)
        self._disk, self._names_kept = disk, names_kept
        self.rig.folder = disk.place / folder.name

    def container(self, name, **limits):
        """Make a container all of whose files stay."""
        super().container(name, **limits | {"max_file": 50})

    def remove(self, name):
        """Leave the container: what was stored of a removed one and not synced would be lost."""

    def die(self):
        """Lose the power, and get it back."""
        self._disk.cut(names_kept=self._names_kept)
        gc.collect()  # a database that was being opened
        self._let_be()
        self._disk.unmount()
        self._disk.mount()


def live(life, operations, strike):
    """Live through the story."""
    try:
        with operations.installed():
            for step in (life.begin, *life.steps(), life.check):
                survive(life, step, strike)
    except Exception as error:
        error.add_note(f"power lost at moment {strike.number}: {strike.struck}")
        raise
    finally:
        life.close()


@pytest.mark.parametrize("names_kept", [False, True])
def test_a_real_file_system(tmp_path, names_kept):
    """Power lost at any moment on ext4, the agent goes on by itself, loses no line that Docker has, and stores none twice."""
    with ext4(tmp_path) as disk:
        n, step, struck = 2 + names_kept, 7, "begun"
        while struck:
            life, strike = Powered(tmp_path / str(n), disk, names_kept=names_kept), Nth(n, Killed)
            live(life, Operations(life.rig.folder, strike, syncs=True), strike)
            n, struck = n + step, strike.struck


class Unsynced(Life):
    """A life on a disk that remembers what was synced and nothing else: it strikes, and then is what is left.

    Of segments, what was there at their last sync; of their names, those at the folder's last sync, or with `names_kept` all;
    of the catalog, the transactions since the last that was synced up to one by `chance`.
    """

    def __init__(self, folder, strike, chance, *, names_kept):
        super().__init__(folder)
        self.strike, self._chance, self._names_kept = strike, chance, names_kept
        self.operations = Operations(folder / "store", self)
        self._content, self._names = {}, []
        self._catalogs: list[Any] = [{}]

    def container(self, name, **limits):
        """Make a container all of whose files stay."""
        super().container(name, **limits | {"max_file": 50})

    def remove(self, name):
        """Leave the container: what was stored of a removed one and not synced would be lost."""

    def __call__(self, name, phase):
        """Note what is on disk now, and strike."""
        path = Path(self.operations.path)
        if (name, phase) == ("fdatasync", AFTER):
            self._content[path.name] = path.read_bytes()
        if (name, phase) == ("fsync", AFTER):
            self._names = os.listdir(path)
        if (name, phase) == ("COMMIT", AFTER):
            now = {p.name: p.read_bytes() for p in self.rig.folder.glob("catalog.db*") if p.suffix != ".db-shm"}
            self._catalogs = [now] if self.operations.durable else [*self._catalogs, now]
        self.strike(name, phase)

    def die(self):
        """Lose what was not synced."""
        home, self.rig.folder = self.rig.folder, next(self._homes)
        lying = [p.name for p in (home / "segments").glob("*")]
        self._let_be()
        (self.rig.folder / "segments").mkdir(parents=True)
        for name in lying if self._names_kept else self._names:
            (self.rig.folder / "segments" / name).write_bytes(self._content.get(name, b""))
        for name, content in self._chance.choice(self._catalogs).items():
            (self.rig.folder / name).write_bytes(content)


@pytest.mark.parametrize("names_kept", [False, True])
def test_what_was_not_synced_is_gone(tmp_path, names_kept):
    """Power lost at each operation in turn, with only what was synced left, the agent goes on and stores each line once."""
    n, struck = 0, "begun"
    while struck:
        n += 1
        strike = Nth(n, Killed)
        life = Unsynced(tmp_path / str(n), strike, Random(n), names_kept=names_kept)
        live(life, life.operations, strike)
        struck = strike.struck


@pytest.mark.parametrize("tail", [b"", bytes(300)], ids=["torn", "NULs"])
def test_the_tail_of_a_log_is_damaged(rig, tail):
    """A log whose last line was torn, or became NULs, and that was gone on with behind that, costs this line only, and is told."""
    writer = rig.container("web")
    said = say(rig, writer, numbered(0, 5))
    rig.read().restart()
    said += say(rig, writer, numbered(5, 4))
    damage(writer, 30, tail)
    said[8:] = say(rig, writer, numbered(9, 3))
    rig.read()
    assert said == [m for m in rig.messages() if m.startswith("line")]
    assert 0 < rig.store.catalog.totals()["problems", "damaged"] <= 2
    assert 0 == rig.gaps()
    rig.check()


def test_the_log_ends_before_the_place(rig):
    """When the log lost lines that are stored, that is a gap and not silence, and what comes from then on is stored."""
    writer = rig.container("web")
    say(rig, writer, numbered(0, 10))
    rig.read().crash()
    damage(writer, 200)
    rig.start().step()
    said = say(rig, writer, numbered(10, 3))
    rig.read()
    assert [*numbered(0, 10), *said[1:]] == [m for m in rig.messages() if m != said[0] and not m.startswith("{")]
    assert 1 == rig.gaps()
    check_totals(rig.store.catalog, len(rig.documents()))


def test_lines_in_place_of_lost_ones_have_other_ids(rig):
    """Lines that lie where the log lost others are other lines: Elasticsearch must not take them for those it has."""
    writer = rig.container("web")
    said = say(rig, writer, numbered(10, 5))
    length = os.path.getsize(writer.path)
    said += say(rig, writer, numbered(15, 5))
    rig.read().crash()
    os.truncate(writer.path, length)
    rig.start().step()
    said += say(rig, writer, numbered(20, 5))
    rig.read()
    assert said == rig.messages()
    rig.check()


def damage(writer, count, instead=b""):
    """Cut `count` bytes off the log, and write something instead."""
    os.truncate(writer.path, os.path.getsize(writer.path) - count)
    with open(writer.path, "ab") as file:
        file.write(instead)


class Host:
    """A container and an agent on one disk; what the log lost with the power is not missed, all else is.

    `kept` has the lines that were in the log after each loss of power, or came later.
    """

    def __init__(self, disk, chance):
        self._disk, self._chance = disk, chance
        self.rig = Rig(disk.place)
        self.path = self._open().path
        self._said = 0
        os.sync()  # the engine syncs what it knows of a container, but never its log
        self._start()

    def live(self):
        """Log, read, write some of the log back as the kernel does after a while, log, read."""
        self._say(self._chance.randrange(1, 40))
        self.rig.read()
        if self._chance.random() < 0.5:
            os.fsync(self._writer._fd)
        self._say(self._chance.randrange(1, 40))
        self.rig.read()
        self._say(self._chance.randrange(3))
        self.rig.step()

    def lose_power(self, *, engine_first):
        """Lose the power and get it back; the engine goes on writing before the agent is there again, or after."""
        self._disk.cut(names_kept=self._chance.random() < 0.5)
        self.rig.crash()
        self._writer.close()
        self._disk.unmount()
        self._disk.mount()
        self._open()
        for _ in range(2):
            if engine_first:
                self._say(self._chance.randrange(1, 40))
            else:
                self._start()
            engine_first = not engine_first
        self.rig.read()

    def in_log(self):
        """The whole lines that the log has, between NULs and halves of lines."""
        with open(self.path, "rb") as file:
            return re.findall(r'{"log":"(line [0-9]+)\\n",[^{}]*Z"}\n', file.read().decode())

    def close(self):
        """Close everything."""
        self.rig.crash()
        self._writer.close()

    def _open(self):
        if not os.path.exists(self.rig.root + "/containers/" + container_id("web")):
            self._writer = self.rig.container("web")
        else:
            self._writer = LogWriter(os.path.dirname(self.path), container_id("web"))
        return self._writer

    def _start(self):
        self.rig.start()
        self.rig.store._segment_size = 3000
        self.rig.step()

    def _say(self, count):
        say(self.rig, self._writer, numbered(self._said, count))
        self._said += count


def missing_after_cuts(folder, engine_first):
    """Lose the power ten times; gives the lines that the log has at last and the store has not. None may be stored twice, or out of order."""
    with ext4(folder) as disk, closing(Host(disk, Random(7))) as host:
        for _ in range(10):
            host.live()
            host.lose_power(engine_first=engine_first)
            stored = [m for m in host.rig.messages() if m.startswith("line ")]
            assert sorted(set(stored), key=lambda m: int(m.split()[1])) == stored
            check_totals(host.rig.store.catalog, len(host.rig.documents()))
            missing = set(host.in_log()) - set(stored)
            assert engine_first or not missing or host.rig.gaps()
        return missing


@pytest.mark.parametrize("engine_first", [False, True])
def test_what_the_log_has_after_a_loss_is_stored(tmp_path, engine_first):
    """When the log loses its tail with the power, every line that it still has, or has again, is stored once; what it lacks is a gap, if the agent was there first."""
    assert set() == missing_after_cuts(tmp_path, engine_first)
