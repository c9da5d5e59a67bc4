"""A simulated Docker host, a store and a collector that are stepped by hand: no threads, no sleeps, `now` as the test says."""

import os
import shutil
import time
import zlib
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from logagent.collect.collector import Collector
from logagent.collect.pace import Pace
from logagent.demo.container import container_id, create_container
from logagent.demo.writer import LogWriter
from logagent.engine.inventory import Inventory
from logagent.engine.select import Selection
from logagent.parse.document import Choice, Origin
from logagent.store.catalog import Catalog
from logagent.store.retention import Budget
from logagent.store.store import Store

PACE = Pace(poll_min=0.05, poll_max=1.0, block_size=4096, max_event_size=1 << 20, partial_timeout=1e9, gap_events=False)
BUDGET = Budget(1 << 30)


class Clock:
    """Times of records: each call is later, by the clock that the kernel stamps files with."""

    def __init__(self) -> None:
        self._last = 0

    def __call__(self) -> int:
        self._last = max(time.time_ns(), self._last + 1)
        return self._last


class Rig:
    """Below `folder`: a data root and a store. `start` begins an agent's life; `stop` ends it in order, `crash` at once."""

    def __init__(
        self, folder: Path, *, pace: Pace = PACE, budget: Budget = BUDGET, gap_events: bool = False, **collect: Any
    ) -> None:
        self.root, self.folder = str(folder / "docker"), folder / "store"
        os.makedirs(f"{self.root}/containers")
        self.pace, self.budget, self.collect = replace(pace, gap_events=gap_events), budget, collect
        self.now = time.time()
        self.clock = Clock()
        self._running = False

    def container(self, name: str, **options: Any) -> LogWriter:
        """Make a container and the writer of its log; options of the writer, and `labels` of the container."""
        labels = options.pop("labels", None)
        limits = {"max-file": str(options.get("max_file", 1)), "compress": str(options.get("compress", False))}
        if options.get("max_size"):
            limits["max-size"] = str(options["max_size"])
        directory = create_container(self.root, name, "busybox", labels=labels, log_options=limits)
        return LogWriter(directory, container_id(name), **options)

    def start(self, **collect: Any) -> "Rig":
        """Open the store and a collector on it."""
        given: dict[str, Any] = {"selection": Selection(), "choice": Choice()} | self.collect | collect
        self.store = Store(self.folder, self.budget, segment_size=64 << 10, frame_size=1 << 20, frame_time=1.0)
        self.collector = Collector(
            Inventory(self.root),
            self.store.catalog,
            lambda batch: self.store.add(batch, self.now),
            origin=Origin("n1", "", self.store.catalog.agent_id()),
            pace=self.pace,
            **given,
        )
        self._running = True
        return self

    def step(self, seconds: float = 1.0) -> float:
        """Let time pass and the collector step once."""
        self.now += seconds
        return self.collector.step(self.now)

    def read(self, steps: int = 4000) -> "Rig":
        """Step until nothing is left to read, and commit."""
        self.collector.refresh()
        self.step()
        for _ in range(steps):
            if self.step(0.06) > 0.06:
                break
        else:
            raise AssertionError("the collector never comes to rest")
        assert self.store.commit(self.now)
        return self

    def stop(self) -> None:
        """End in order: what was read is stored."""
        assert self.store.commit(self.now)
        self.crash()

    def crash(self) -> None:
        """End at once: what was not committed is forgotten."""
        if self._running:
            self._running = False
            self.collector.close()
            self.store.close()

    def restart(self, **collect: Any) -> "Rig":
        """Crash, and begin anew."""
        self.crash()
        return self.start(**collect)

    def remove(self, name: str) -> None:
        """Remove a container's directory, as `docker rm` does."""
        shutil.rmtree(f"{self.root}/containers/{container_id(name)}")

    def documents(self, name: str = "") -> list[dict[str, Any]]:
        """All stored documents, or those of one container, in the order of the store; each with its `_id`."""
        found = []
        for frame in self.store.catalog.frames_after(0, 1 << 30):
            lines = zlib.decompress(self.store.read(frame), 31).splitlines()
            assert frame.events * 2 == len(lines)
            found += [
                orjson.loads(document) | {"_id": orjson.loads(create)["create"]["_id"]}
                for create, document in zip(lines[::2], lines[1::2], strict=True)
            ]
        return [d for d in found if not name or d["container"]["name"] == name]

    def messages(self, name: str = "", stream: str = "") -> list[str]:
        """The messages of all stored documents."""
        return [d["message"] for d in self.documents(name) if not stream or d["stream"] == stream]

    def gaps(self) -> int:
        """The gaps that were counted."""
        return sum(n for (name, _), n in self.store.catalog.totals().items() if name == "gaps")

    def check(self) -> None:
        """Assert what holds at all times: ids are unique, and the accounting agrees with what lies in the store."""
        assert self.store.commit(self.now)
        ids = Counter(d["_id"] for d in self.documents())
        assert [] == [i for i, n in ids.items() if n > 1]
        check_totals(self.store.catalog, len(ids))


def check_totals(catalog: Catalog, stored: int) -> None:
    """Assert that what was read is what was stored, filtered or dropped."""
    totals = catalog.totals()
    assert stored == totals.get(("stored", ""), 0)
    parts = sum(n for (name, _), n in totals.items() if name in ("stored", "filtered", "dropped"))
    assert totals.get(("read", ""), 0) == parts


def numbered(first: int, count: int) -> list[str]:
    """Messages with numbers in them."""
    return [f"line {n}" for n in range(first, first + count)]


def say(rig: Rig, writer: LogWriter, messages: list[str], stream: Any = "stdout") -> list[str]:
    """Log each of `messages` as a line; returns them."""
    for message in messages:
        writer.write(stream, message.encode() + b"\n", rig.clock())
    return messages
