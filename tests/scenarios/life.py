"""A short life of an agent with everything in it that changes its disk, told step by step, so that it can end and begin anew anywhere."""

import gzip
import itertools
import os
import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from logagent.demo.record import PIECE
from logagent.demo.writer import LogWriter
from logagent.model import DeadLetter, Frame
from logagent.store.retention import Budget
from tests.collect.rig import Rig
from tests.scenarios.faults import Killed, Nth

OUTPUT = "es"
AGE = 1000.0  # seconds that the store keeps what is delivered


class Life:
    """Two containers, their lines, an agent, and what its output got by id; `said` has by container and stream what was printed.

    `steps` is the story: Docker's steps never fail; the agent's may be ended by a fault, and are then done again.
    """

    def __init__(self, folder: Path) -> None:
        self.rig = Rig(folder, budget=Budget(1 << 30, max_age=AGE))
        self._homes = (folder / f"store{n}" for n in itertools.count())
        self.rig.folder = next(self._homes)
        self.said: dict[tuple[str, str], list[str]] = {}
        self.indexed: dict[str, tuple[str, str, str]] = {}
        self.writers: dict[str, LogWriter] = {}
        self.alive = False

    def steps(self) -> list[Callable[[], Any]]:
        """The story of a life."""
        return [
            lambda: self.container("web", max_size=1500, max_file=5, compress=True),
            lambda: self.container("db"),
            lambda: self.say("web", "stdout", 4),
            self.read,
            lambda: self.say("db", "stdout", 3),
            lambda: self.begin_long("db"),
            self.look,
            lambda: self.say("web", "stdout", 15),
            self.read,
            lambda: self.say("web", "stdout", 2, "refused"),
            self.read,
            self.deliver,
            lambda: self.end_long("db"),
            self.read,
            self.deliver,
            self.let_go,
            lambda: self.say("web", "stderr", 12),
            self.read,
            lambda: self.remove("web"),
            lambda: self.say("db", "stderr", 2),
            self.read,
            self.deliver,
        ]

    # What Docker does

    def container(self, name: str, **limits: Any) -> None:
        """Make a container."""
        self.writers[name] = self.rig.container(name, **limits)

    def say(self, name: str, stream: Any, count: int, word: str = "line") -> None:
        """Log lines."""
        said = self.said.setdefault((name, stream), [])
        for _ in range(count):
            said.append(f"{word} {len(said)} of {stream} {'y' * 40}")
            self.writers[name].write(stream, said[-1].encode() + b"\n", self.rig.clock())

    def begin_long(self, name: str) -> None:
        """Begin a long line on both streams, crosswise, with other lines between."""
        self._times = (self.rig.clock(), self.rig.clock())
        self.writers[name].write_record(b"o" * PIECE, "stdout", self._times[0])
        self.writers[name].write_record(b"e" * PIECE, "stderr", self._times[1])
        self.writers[name].write_record(b"O" * PIECE, "stdout", self._times[0])

    def end_long(self, name: str) -> None:
        """End what was begun."""
        for stream, text, time in zip(("stdout", "stderr"), (b"1\n", b"2\n"), self._times, strict=True):
            self.writers[name].write_record(text, stream, time)  # type: ignore[arg-type]  # both are streams
        self.said.setdefault((name, "stdout"), []).append("o" * PIECE + "O" * PIECE + "1")
        self.said.setdefault((name, "stderr"), []).append("e" * PIECE + "2")

    def remove(self, name: str) -> None:
        """Remove a container, all of whose lines are stored."""
        self.writers.pop(name).close()
        self.rig.remove(name)

    # What the agent does

    def begin(self) -> None:
        """Start the agent on what its store remembers."""
        vars(self.rig).pop("store", None)
        self.rig.start()
        self.rig.store._segment_size = 1500
        self.rig.store.catalog.use_outputs([OUTPUT])
        self.alive = True

    def look(self) -> None:
        """Read something, and commit nothing."""
        self.rig.collector.refresh()
        self.rig.step()
        self.rig.step()

    def read(self) -> None:
        """Read all that is there, and commit it."""
        self.rig.read()

    def deliver(self) -> None:
        """Ship what is stored, a frame at a time; lines with `refused` are refused for good."""
        catalog = self.rig.store.catalog
        while frames := catalog.frames_after(catalog.cursor(OUTPUT), 1):
            self._ship(frames[0])

    def _ship(self, frame: Frame) -> None:
        documents = documents_of(self.rig.store.read(frame))
        bad = [d for d in documents if "refused" in d["message"]]
        fresh = {d["_id"]: key_of(d) for d in documents if d["_id"] not in self.indexed}
        twice = sum(d["_id"] in self.indexed and d not in bad for d in documents)
        self.indexed |= fresh
        self.rig.store.catalog.advance(
            OUTPUT,
            frame.seq,
            delivered=len(documents) - len(bad),
            duplicates=twice,
            dead=[letter(d, frame) for d in bad],
        )

    def let_go(self) -> None:
        """Let time pass until what is delivered is too old to be kept."""
        self.rig.now += 2 * AGE
        self.rig.store.retain(self.rig.now)

    # Its end

    def die(self) -> None:
        """End the agent as SIGKILL does: what goes on is what lay in the store's folder in this moment, nothing is tidied up."""
        home, self.rig.folder = self.rig.folder, next(self._homes)
        if home.exists():
            shutil.copytree(home, self.rig.folder, ignore=shutil.ignore_patterns("*-shm"))
        self._let_be()

    def _let_be(self) -> None:
        """Give back what a dead agent held in this process."""
        if self.rig._running:
            self.rig.crash()
        elif hasattr(self.rig, "store"):  # it died at its start
            self.rig.store.close()
        vars(self.rig).pop("store", None)
        close_below(self.rig.folder)
        self.alive = False

    def close(self) -> None:
        """Close everything."""
        self._let_be()
        for writer in self.writers.values():
            writer.close()

    # What holds

    def check(self) -> None:
        """Assert that each line came once, in order, and that the sums agree."""
        self.check_sound()
        self.read()
        self.deliver()
        self.check_sound()
        for key, said in self.said.items():
            assert said == [m for _, *k, m in self.shipped() if tuple(k) == key]
        totals, (output,) = self.rig.store.catalog.accounting()
        assert sum(map(len, self.said.values())) == totals["stored", ""] == totals["read", ""]
        assert output.delivered + output.dead + output.dropped + output.waiting == totals["stored", ""] - output.origin
        assert 0 == self.rig.gaps()
        refused = [d.id for d in self.rig.store.catalog.dead_letters(100)]
        assert sorted(refused) == sorted(i for i, *_, m in self.shipped() if "refused" in m)

    def shipped(self) -> list[tuple[str, str, str, str]]:
        """All that the output got, in the order in which it first came: id, container, stream, message."""
        return [(i, *key) for i, key in self.indexed.items()]

    def check_sound(self) -> None:
        """Assert that segments are whole gzip members and what the catalog says, and that its sums agree at any time."""
        store = self.rig.store
        found = [d for n in store.segments.numbers() for d in documents_of(store.segments.path(n).read_bytes())]
        assert self.rig.documents() == found
        assert [] == [i for i, n in Counter(d["_id"] for d in found).items() if n > 1]
        for segment in store.catalog.segments():
            assert segment.bytes == store.segments.length(segment.id)
        totals, outputs = store.catalog.accounting()
        stored = totals.get(("stored", ""), 0)
        assert stored == totals.get(("read", ""), 0)
        for o in outputs:
            assert stored - o.origin == o.delivered + o.dead + o.dropped + o.waiting


def close_below(folder: Path) -> None:
    """Close what this process has open below `folder`: the kernel does it for a process that ends."""
    for fd in map(int, os.listdir("/proc/self/fd")):
        with suppress(OSError):
            if os.readlink(f"/proc/self/fd/{fd}").startswith(str(folder)):
                os.close(fd)


def survive(life: Life, step: Callable[[], Any], strike: Nth) -> None:
    """Do a step; after each death begin again, and look at once at what is there."""
    while not _survived(life, step):
        strike.resting = True
        life.die()
        strike.resting = False


def _survived(life: Life, step: Callable[[], Any]) -> bool:
    try:
        if not life.alive:
            life.begin()
            life.check_sound()
        if step != life.begin:
            step()
    except Killed:
        return False
    return True


def documents_of(members: bytes) -> list[dict[str, Any]]:
    """The documents in whole gzip members."""
    lines = gzip.decompress(members).splitlines()
    pairs = zip(lines[::2], lines[1::2], strict=True)
    return [orjson.loads(document) | {"_id": orjson.loads(create)["create"]["_id"]} for create, document in pairs]


def key_of(document: dict[str, Any]) -> tuple[str, str, str]:
    """Container, stream and message."""
    return document["container"]["name"], document["stream"], document["message"]


def letter(document: dict[str, Any], frame: Frame) -> DeadLetter:
    """The document as a dead letter."""
    return DeadLetter(OUTPUT, frame.seq, 0, document["_id"], 400, "refused", 0.0, orjson.dumps(document))
