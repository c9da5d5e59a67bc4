"""The whole way from log file to store against a model of dockerd: any order of writing, rotating, reading and crashing."""

import os
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from logagent.demo.record import PIECE
from tests.collect.rig import Rig

STREAMS = st.sampled_from(["stdout", "stderr"])
LONG = b"x" * (3 * PIECE + 100)


class Model(RuleBasedStateMachine):
    """One container; what it printed is in `said` by stream, and each line begins with its number."""

    @initialize(
        max_file=st.sampled_from([1, 2, 5]),
        compress=st.booleans(),
        old_engine=st.booleans(),
        max_size=st.sampled_from([3000, 20_000, None]),
    )
    def begin(self, *, max_file: int, compress: bool, old_engine: bool, max_size: int | None) -> None:
        """The agent knows the container before anything can get lost."""
        self.folder = tempfile.TemporaryDirectory()
        self.rig = Rig(Path(self.folder.name)).start()
        if compress and max_size:
            max_size = (
                100_000  # so small that files are nothing but like pieces, compressed ones could not be told apart
            )
        limits: Any = {"max_size": max_size, "max_file": max_file, "compress": compress, "old_engine": old_engine}
        self.writer = self.rig.container("web", pace="steps", **limits)
        self.max_file, self.number = max_file, 0
        self.said: dict[str, list[str]] = {"stdout": [], "stderr": []}
        self.open: dict[str, tuple[list[bytes], int]] = {}
        self.files: list[
            tuple[int, int]
        ] = []  # inode of each rotated file, and lines begun before its end; oldest first
        self.live = os.stat(self.writer.path).st_ino
        self.may_lose = self.held_only = self.removed = False
        self.line("stdout")
        self.rig.read()

    def record(self, stream: Any, data: bytes, time: int) -> None:
        """Write a record, and see whether that deleted what is not stored yet."""
        before = self.writer.rotations
        self.writer.write_record(data, stream, time)
        self.rotated(self.writer.rotations - before)

    def rotated(self, times: int) -> None:
        """Keep count of the files that are there: one that goes takes with it what is not stored, unless it is held open."""
        for _ in range(times):
            self.files.append((self.live, self.number))
            self.live = os.stat(self.writer.path).st_ino
            if len(self.files) >= self.max_file:
                inode, lines = self.files.pop(0)
                unstored = self.stored() < lines
                self.held_only = self.held_only or unstored
                self.may_lose = self.may_lose or (unstored and inode not in self.held())

    def held(self) -> set[int]:
        """Inodes of the files that the collector holds open."""
        return {t.inode for s in self.rig.collector._sources.values() for t in s._held.tails}

    def stored(self) -> int:
        """Up to which number all lines are stored."""
        numbers = {int(message.split()[0]) for message in self.rig.messages() if message[0] != "x"}
        return next(n for n in range(self.number + 1) if n + 1 not in numbers)

    def line(self, stream: str) -> None:
        """Print a line."""
        self.number += 1
        text = f"{self.number} {'y' * (self.number * 37 % 300)}"
        self.said[stream].append(text)
        self.record(stream, text.encode() + b"\n", self.rig.clock())

    def usable(self, stream: str) -> bool:
        """Whether a line may begin on this stream."""
        return not self.removed and stream not in self.open

    @rule(stream=STREAMS, count=st.integers(1, 30))
    def write(self, stream: str, count: int) -> None:
        """The container prints lines."""
        if self.usable(stream):
            for _ in range(count):
                self.line(stream)

    @rule(stream=STREAMS)
    def begin_long(self, stream: str) -> None:
        """The container begins a line that is longer than a record."""
        if self.usable(stream):
            self.number += 1
            data = b"%d " % self.number + LONG + b"\n"
            self.open[stream] = ([data[i : i + PIECE] for i in range(0, len(data), PIECE)], self.rig.clock())
            self.said[stream].append(data.decode()[:-1])
            self.go_on(stream)

    @rule(stream=STREAMS)
    def go_on(self, stream: str) -> None:
        """The next piece of a long line comes."""
        if not self.removed and stream in self.open:
            pieces, time = self.open[stream]
            self.record(stream, pieces.pop(0), time)
            if not pieces:
                del self.open[stream]

    @rule(stream=STREAMS)
    def rotate(self, stream: str) -> None:
        """The file is full: it is rotated, and the record that did not fit is written."""
        if self.usable(stream):
            self.writer.rotate()
            self.rotated(1)
            self.line(stream)

    @rule(steps=st.integers(1, 3))
    def compress(self, steps: int) -> None:
        """A part of the compression is done."""
        for _ in range(0 if self.removed else steps):
            self.writer.compress_step()

    @rule(steps=st.integers(1, 5))
    def look(self, steps: int) -> None:
        """The collector steps."""
        for _ in range(steps):
            self.rig.step(0.3)

    @rule()
    def commit(self) -> None:
        """The store commits."""
        assert self.rig.store.commit(self.rig.now)

    @rule()
    def crash(self) -> None:
        """The agent is killed and started again: what only an open file held is lost."""
        self.may_lose = self.may_lose or (self.held_only and self.stored() < self.number)
        self.rig.restart()

    @rule()
    def stop(self) -> None:
        """The agent is stopped in order and started again."""
        assert self.rig.store.commit(self.rig.now)
        self.crash()

    @precondition(lambda self: getattr(self, "number", 0) > 60)
    @rule()
    def remove(self) -> None:
        """The container is removed; what was not read before may be lost."""
        if not self.removed:
            self.may_lose = self.may_lose or self.stored() < self.number
            self.removed = True
            self.writer.close()
            self.rig.remove("web")

    def teardown(self) -> None:
        """Read all that is left, and compare."""
        if not hasattr(self, "writer"):
            return
        try:
            self.compare()
        finally:
            self.rig.crash()
            if not self.removed:
                self.writer.close()
            self.folder.cleanup()

    def compare(self) -> None:
        """Each line is stored once, in order; what is missing was deleted unread, and a gap is counted."""
        for stream in list(self.open):
            while stream in self.open and not self.removed:
                self.go_on(stream)
        self.rig.read()
        self.rig.check()
        for stream, said in self.said.items():
            stored = self.rig.messages(stream=stream)
            if not self.may_lose:
                assert said == stored
            whole = [m for m in stored if m in set(said)]
            assert whole == [m for m in said if m in set(whole)]
            if len(whole) < len(said) and not self.removed and self.max_file > 1:
                assert self.rig.gaps()


Model.TestCase.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
TestModel = Model.TestCase
