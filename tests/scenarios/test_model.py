"""The whole way from log file to store against a model of dockerd: any order of writing, rotating, damaging, reading and crashing.

Every line that was still on disk, or in a file held open, when the agent looked is stored exactly once, in order; for what is missing a gap
is counted, and for nothing else. The few losses that nobody can know of are named in `model.py`.
"""

import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from logagent.demo.record import PIECE
from tests.collect.rig import PACE
from tests.scenarios.model import Log, ModelRig, check_store

EXAMPLES = os.environ.get("MODEL_EXAMPLES", "")
FAST = "/dev/shm"  # a folder in memory: what is tested is not how a disk keeps what it was given

pytestmark = pytest.mark.timeout(3600)

STREAMS = st.sampled_from(["stdout", "stderr"])
WHO = st.integers(0, 2)


class Model(RuleBasedStateMachine):
    """Up to three containers, the first known to the agent before anything can get lost, and one agent."""

    @initialize(
        max_file=st.sampled_from([1, 2, 5]),
        compress=st.booleans(),
        # An old engine's `.1` may be an orphan: behind a lost place it is left when it begins with a piece of an older line, as a gap.
        old_engine=st.just(False),  # noqa: FBT003 - its own scenarios are in test_rotation.py
        max_size=st.sampled_from([3000, 20_000, None]),
        like_pieces=st.booleans(),
        block_size=st.sampled_from([1000, 4096, 65536]),
        max_open_files=st.sampled_from([4096, 4096, 2]),
        gap_events=st.booleans(),
    )
    def begin(self, *, block_size: int, max_open_files: int, gap_events: bool, **limits: Any) -> None:
        """The first container prints a line, and that is stored."""
        self.folder = tempfile.TemporaryDirectory(dir=FAST if os.path.isdir(FAST) else None)
        pace = replace(PACE, block_size=block_size)
        self.rig = ModelRig(Path(self.folder.name), pace=pace, gap_events=gap_events, max_open_files=max_open_files)
        self.rig.start()
        # Files that are nothing but like pieces cannot be told apart once they were compressed, by nobody.
        limits["like_pieces"] &= limits["max_size"] is None or limits["max_size"] > 3000 or not limits["compress"]
        self.limits = limits
        self.gaps, self.crowded = 0, max_open_files < 8
        self.logs: list[Log] = []
        self.run()
        self.logs[0].line("stdout")
        self.settle()

    def alive(self, who: int) -> Log | None:
        """One of the containers that are there."""
        logs = [log for log in self.logs if not log.removed]
        return logs[who % len(logs)] if logs else None

    def ready(self, who: int, stream: str) -> Log | None:
        """One of the containers, if it may begin a line on `stream`."""
        log = self.alive(who)
        return log if log and stream not in log.open else None

    def step(self, seconds: float) -> None:
        """Let the collector step; an agent that is down is started."""
        if not self.rig.up:
            self.rig.start()
        for log in self.logs:
            log.looks()
        self.rig.step(seconds)

    def learn(self) -> None:
        """Take what was stored into the books."""
        by_id = {log.id[:12]: log for log in self.logs}
        for document in self.rig.new_documents():
            if "-gap-" in document["_id"]:
                continue
            by_id[document["_id"][:12]].stored(document)

    # What containers and dockerd do

    @rule(who=WHO, stream=STREAMS, count=st.integers(1, 30))
    def write(self, who: int, stream: str, count: int) -> None:
        """A container prints lines."""
        log = self.ready(who, stream)
        for _ in range(count):
            if log:
                log.line(stream)

    @rule(
        who=WHO,
        stream=STREAMS,
        size=st.sampled_from([1500, 1500, PIECE]),
        count=st.integers(1, 4),
        now=st.integers(1, 3),
    )
    def begin_long(self, who: int, stream: str, size: int, count: int, now: int) -> None:
        """A container begins a line that is longer than a record."""
        log = self.ready(who, stream)
        if log:
            log.begin(stream, [b"x" * size] * count + [b"x" * 100 + b"\n"])
            for _ in range(now - 1):
                self.go_on(who, stream)

    @rule(who=WHO, stream=STREAMS)
    def go_on(self, who: int, stream: str) -> None:
        """The next piece of a long line comes."""
        log = self.alive(who)
        if log and stream in log.open:
            log.go_on(stream)

    @rule(who=WHO, stream=STREAMS, times=st.integers(1, 3))
    def rotate(self, who: int, stream: str, times: int) -> None:
        """The file is full: it is rotated, and the record that did not fit is written."""
        log = self.ready(who, stream)
        for _ in range(times):
            if log:
                log.rotate(stream)

    @rule(who=WHO, steps=st.integers(1, 3))
    def compress(self, who: int, steps: int) -> None:
        """A part of the compression is done."""
        log = self.alive(who)
        if log:
            log.compress(steps)

    @rule(who=WHO)
    def restart(self, who: int) -> None:
        """The container is restarted."""
        log = self.alive(who)
        if log:
            log.restart()

    @rule(who=WHO, what=st.sampled_from(["garbage", "torn", "nuls"]))
    def damage(self, who: int, what: Any) -> None:
        """The disk or a power cut damages the file."""
        log = self.alive(who)
        begun = log is not None and log.live.begun
        if log is None or (not begun and (what == "torn" or "stdout" in log.open)):
            return
        log.damage(what)
        if not begun:
            log.line("stdout")  # of a file with no record at all nothing tells when it was written

    @rule(who=WHO)
    def truncate(self, who: int) -> None:
        """Another program truncates the live file."""
        log = self.alive(who)
        if log is None or log.akin():  # when nothing tells their order, what is older may be read again
            return
        if self.crowded and "stdout" in log.open:
            return
        log.truncate()
        if self.crowded:
            log.line(
                "stdout"
            )  # behind an empty file nobody may close the one before it: it would not give way to other logs

    @rule(like=st.booleans())
    def run(self, *, like: bool = False) -> None:
        """Another container is started; its first record may be the same as that of the first one."""
        if len(self.logs) < 3:
            log = Log(self.rig, f"web{len(self.logs)}", **self.limits)
            log.line("stdout", self.logs[0].first_time if like and self.logs else 0)
            self.logs.append(log)

    @rule(who=WHO)
    def remove(self, who: int) -> None:
        """A container is removed once it has printed something."""
        log = self.alive(who)
        if log and log.number > 60:
            log.remove()

    # What the agent does, and what happens to it

    @rule(steps=st.integers(1, 5), commit=st.booleans())
    def look(self, steps: int, *, commit: bool) -> None:
        """The collector steps."""
        for _ in range(steps):
            self.step(0.3)
        if commit:
            self.commit()

    @rule()
    def commit(self) -> None:
        """The store commits."""
        if self.rig.up:
            assert self.rig.store.commit(self.rig.now)
            self.learn()

    @rule(again=st.booleans())
    def crash(self, *, again: bool) -> None:
        """The agent is killed, and perhaps started again at once."""
        if self.rig.up:
            self.rig.crash()
            for log in self.logs:
                log.crashed()
        if again:
            self.rig.start()

    @rule(again=st.booleans())
    def stop(self, *, again: bool) -> None:
        """The agent is stopped in order."""
        self.commit()
        self.crash(again=again)

    @rule(part=st.sampled_from(["frame", "catalog"]))
    def die(self, part: str) -> None:
        """The agent is killed while it commits: half of the frame is written, or all of it and it is not recorded."""
        if not self.rig.up:
            return
        store = self.rig.store
        patch: Any
        if part == "catalog":
            patch = mock.patch.object(store.catalog, "record", side_effect=OSError)
        else:
            patch = mock.patch.object(store.segments, "append", half(store.segments.append))
        with patch:
            store.commit(self.rig.now)
        self.learn()
        self.crash(again=True)

    @rule(seconds=st.sampled_from([-3600.0, -5.0, 5.0, 3600.0]))
    def set_clock(self, seconds: float) -> None:
        """The agent's clock is set back or forward."""
        self.rig.now += seconds

    @rule()
    def settle(self) -> None:
        """All that is there is read, and compared with what must be stored."""
        for _ in range(4 if self.crowded else 1):  # then logs are read by turns
            self.step(1.1)
            self.rig.read()
        self.learn()
        gaps = self.rig.gaps()
        missing = [log.compare() for log in self.logs]
        if any(missing):
            assert gaps > self.gaps, "something is missing silently"
        excuses = [log.excuse() for log in self.logs]
        if not any(excuses):
            assert gaps == self.gaps, "a gap was counted though nothing can be missing"
        if all(log.visible for log in self.logs):
            self.gaps = gaps

    def teardown(self) -> None:
        """End all lines, read all that is left, and compare."""
        if not hasattr(self, "logs"):
            return
        try:
            if sys.exc_info()[0]:
                return  # a step has failed already
            for log in self.logs:
                log.end()
            self.settle()
            check_store(self.rig)
        finally:
            self.rig.close()
            for log in self.logs:
                log.close()
            self.folder.cleanup()


def half(append: Callable[[int, int, bytes], None]) -> Callable[[int, int, bytes], None]:
    """Write half of what is to be written, and fail."""

    def torn(segment: int, offset: int, member: bytes) -> None:
        append(segment, offset, member[: len(member) // 2])
        raise OSError("killed")

    return torn


Model.TestCase.settings = settings(
    max_examples=int(EXAMPLES or 2000),
    derandomize=not EXAMPLES,
    database=None,
    stateful_step_count=40,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
TestModel = Model.TestCase
