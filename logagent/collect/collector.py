"""The collector: the loop that reads all sources, a block of each in turn, and hands batches on.

It owns all open log files. It knows the containers from the inventory, every few seconds anew whatever was missed, and the
places to go on at from the catalog. Handing on blocks while the store has no room: then nothing is read.
"""

import logging
import threading
from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol

from logagent.collect.missed import Missed
from logagent.collect.pace import Pace
from logagent.collect.source import Source
from logagent.collect.weigh import EVERY, keep_within
from logagent.engine.inventory import Changes
from logagent.engine.select import Selection, unreadable
from logagent.model import Batch, Container, Target
from logagent.parse.block import Parser
from logagent.parse.document import Choice, Origin, constant
from logagent.parse.gap import WORDS
from logagent.parse.resume import resume_points
from logagent.parse.target import Targets
from logagent.store.catalog import Catalog

log = logging.getLogger(__name__)


class Containers(Protocol):
    """Where the collector learns what containers there are."""

    def refresh(self, now: float) -> Changes:
        """Look again, and tell what changed."""

    def present(self, container_id: str) -> bool:
        """Tell whether the container is there, whatever else is known of it."""


class Lag(NamedTuple):
    """How far behind a source is: bytes unread as of its last look, and seconds since the last line that was read when any are."""

    container: str
    name: str
    bytes: int
    seconds: float


class Collector:
    """Reads the containers that `selection` wants and hands each batch to `put`.

    `start` is where reading begins in containers that are there when a store is used for the first time; later ones are read
    from their beginning. `reconcile` is in seconds, `max_deleted` in bytes: of files that are deleted and still held to be read.
    """

    def __init__(
        self,
        containers: Containers,
        catalog: Catalog,
        put: Callable[[Batch], None],
        *,
        selection: Selection,
        origin: Origin,
        choice: Choice,
        pace: Pace,
        start: Literal["beginning", "end"] = "beginning",
        reconcile: float = 10.0,
        max_open_files: int = 4096,
        max_deleted: int = 1 << 30,
    ) -> None:
        self._containers, self._catalog, self._put = containers, catalog, put
        self._selection, self._origin, self._choice, self._pace = selection, origin, choice, pace
        self.targets = Targets(choice.dataset, choice.namespace, labels=choice.stream_labels, most=choice.max_streams)
        self._start: Literal["beginning", "end"] = start
        self._reconcile_every, self._max_open_files, self._max_deleted = reconcile, max_open_files, max_deleted
        self._sources: dict[str, Source] = {}
        self._left_out: dict[str, str] = {}
        self._reconcile_at = 0.0
        self._last, self._elapsed = 0.0, 0.0
        self._open, self._crowded = 0, False
        self._seen_before: set[str] | None = None
        self._touched: set[str] = set()
        self._missed = Missed()
        self._weigh_at, self.deleted_bytes = 0.0, 0
        self._new: dict[str, Container] = {}
        self.wake = threading.Event()
        self.stepped = 0.0

    def step(self, now: float) -> float:
        """Read one block of each source that is due; returns seconds until something is due again (0: at once)."""
        if now < self._last:
            self._wake_all()  # the clock was set back: what was due at a time that is far away now is due at once
        self._elapsed += max(0.0, now - self._last)
        self._last = self.stepped = now
        self._heed()
        if now >= self._reconcile_at:
            self._reconcile(now)
        self._weigh(now)
        self._open = self.open_files
        for source in [s for s in self._sources.values() if s.due <= now]:
            if self._sources.get(source.container.id) is source:
                before = source.open_files
                self._step_source(source, now)
                self._open += source.open_files - before
            self._greet(now)
        due = min((s.due for s in self._sources.values()), default=self._reconcile_at)
        return max(0.0, min(due, self._reconcile_at) - now)

    def attend(self, now: float) -> None:
        """Open what is new, and read nothing, while nothing can be taken: what is deleted meanwhile is not lost then."""
        for source in self._heed():
            source.hold(now)
        self._greet(now)
        self._weigh(now)

    def touch(self, container: str, name: str = "") -> None:
        """Something happened in this container's directory, where the file `name` is new; may be called from any thread."""
        source = self._sources.get(container)
        if name.endswith("-json.log") and (source is None or not source.opened):
            self._missed.made(container)
        self._touched.add(container)
        self.wake.set()

    def refresh(self) -> None:
        """Compare everything with what is there at the next step; may be called from any thread."""
        self._reconcile_at = 0.0
        self.wake.set()

    def finish(self, now: float) -> bool:
        """Tell whether all that was there has been read once; unfinished lines are ended then. For `--once`."""
        if not all(s.caught_up for s in self._sources.values()):
            return False
        for source in self._sources.values():
            last = source.give_up_pieces(now)
            if last is not None:
                self._put(last)
        return True

    def sources(self, now: float) -> list[Lag]:
        """How far behind each source is; may be called from another thread."""
        found = [(s, s.lag_bytes()) for s in list(self._sources.values())]
        return [
            Lag(s.container.id, s.container.name, n, max(0.0, now - s.last_time / 1e9) if n else 0.0) for s, n in found
        ]

    @property
    def open_files(self) -> int:
        """How many log files are held open."""
        return sum(s.open_files for s in list(self._sources.values()))

    @property
    def left_out(self) -> dict[str, str]:
        """The containers that are not read, by id, and why."""
        return dict(self._left_out)

    def close(self) -> None:
        """Close all files."""
        for source in self._sources.values():
            source.close()

    def _step_source(self, source: Source, now: float) -> None:
        if not source.open_files and self._full_of_files() and not self._rest_one(source):
            source.due = now + self._pace.poll_max
            return
        try:
            batch = source.step(now)
        except Exception:
            # The border of the source: its trouble is not that of the others, and nothing is lost by reading on later.
            log.exception("reading the log of container %s failed; it is tried again", source.container.name)
            source.due = now + self._reconcile_every
            return
        if batch is not None:
            self._put(batch)
        if source.ended:
            del self._sources[source.container.id]
            if source.opened:
                self._missed.done(source.container.id)

    def _full_of_files(self) -> bool:
        crowded = self._open >= self._max_open_files
        if crowded and not self._crowded:
            log.warning("collect.max_open_files (%d) is reached: logs are read by turns", self._max_open_files)
        self._crowded = crowded
        return crowded

    def _rest_one(self, newcomer: Source) -> bool:
        """Close the files of a log that has nothing to read, the first in the row, which then goes to the row's end."""
        resting = next((s for s in self._sources.values() if s is not newcomer and s.rest()), None)
        if resting is not None:
            self._sources[resting.container.id] = self._sources.pop(resting.container.id)
            self._open = self.open_files
        return resting is not None

    def _heed(self) -> list[Source]:
        """Wake what was touched, and give it; a directory that is unknown may be a new container's."""
        woken = []
        while self._touched:
            source = self._sources.get(container := self._touched.pop())
            if source is not None:
                source.wake()
                woken.append(source)
            elif container not in self._left_out:
                self._reconcile_at = 0.0
        return woken

    def _greet(self, now: float) -> None:
        """Open the logs of new containers at once, for they may be gone in a moment."""
        for source in self._heed():
            if not source.opened:
                source.hold(now)
        if not self._reconcile_at:
            known = set(self._sources)
            self._reconcile(now)
            for container in self._sources.keys() - known:
                self._sources[container].hold(now)

    def _weigh(self, now: float) -> None:
        if now < self._weigh_at:
            return
        self._weigh_at = now + EVERY
        self.deleted_bytes = keep_within(self._sources.values(), self._max_deleted, now)

    def _look_for_missed(self) -> None:
        opened = {container for container, s in self._sources.items() if s.opened}
        for container in self._missed.settle(opened | self._left_out.keys(), self._containers.present):
            log.warning("container %s: lines are missing: %s", container[:12], WORDS["missed"])
            self._catalog.count("gaps", "missed", 1)

    def _wake_all(self) -> None:
        self._reconcile_at = self._weigh_at = 0.0
        for source in self._sources.values():
            source.wake()

    def _reconcile(self, now: float) -> None:
        self._reconcile_at = now + self._reconcile_every
        new_store = self._seen_before is None and not self._last_known()
        changes = self._containers.refresh(self._elapsed)
        # Kept until they are taken: a catalog that cannot be written now is asked again at the next step.
        self._new |= {c.id: c for c in (*changes.added, *changes.changed)}
        if self._new:
            self._catalog.remember(self._new.values())
        while self._new:
            self._take(self._new.pop(next(iter(self._new))), new_store=new_store)
        for gone in changes.removed:
            self._remove(gone, now)
        self._forget_gone(now)
        self._look_for_missed()

    def _last_known(self) -> set[str]:
        return {k.container.id for k in self._catalog.containers() if k.removed is None}

    def _forget_gone(self, now: float) -> None:
        """Note once which containers went while no agent ran, as soon as any can be seen at all."""
        if self._seen_before is None:
            self._seen_before = self._last_known()
        here = self._sources.keys() | self._left_out.keys()
        if self._seen_before and here:
            self._catalog.removed(self._seen_before - here, now)
            self._seen_before = set()

    def _take(self, container: Container, *, new_store: bool) -> None:
        why_not = self._selection.reason(container) or unreadable(container)
        if why_not is not None:
            self._leave_out(container, why_not)
            return
        self._left_out.pop(container.id, None)
        encoded = constant(container, self._origin, self._choice, self._target(container))
        known = self._sources.get(container.id)
        if known is not None:
            known.describe(container, encoded)
            return
        progress, last = self._catalog.progress(container.id), self._catalog.last_time(container.id)
        limit, resume = self._pace.max_event_size, resume_points(progress)
        parser = Parser(container.id, encoded, tty=container.tty, limit=limit, resume=resume, last_time=last)
        start = self._start if new_store else "beginning"
        self._sources[container.id] = Source(container, parser, self._pace, progress, start, last_time=last)

    def _target(self, container: Container) -> Target:
        target = self.targets.of(container)
        if target.wanted:
            names = container.name, target.stream, target.wanted
            log.warning("container %s is sent to %s instead of %s: document.max_streams others are in use", *names)
        return target

    def _leave_out(self, container: Container, reason: str) -> None:
        if self._left_out.get(container.id) != reason:
            log.info("container %s is not collected: %s", container.name, reason)
        self._left_out[container.id] = reason
        source = self._sources.pop(container.id, None)
        if source is not None:
            source.close()

    def _remove(self, container: str, now: float) -> None:
        if self._left_out.pop(container, None):
            self._catalog.removed([container], now)
        if container in self._sources:
            self._sources[container].remove()
