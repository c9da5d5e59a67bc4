"""The wiring: it builds the parts from the settings, starts and stops their loops, and is known by none of them.

The lap: Collector → (a short queue) → Committer → store → Shipper workers. What is stopped in the middle is read or sent
again at the next start: only what the catalog says counts.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path

from logagent import parts
from logagent.collect.watch import Watch
from logagent.config.settings import Settings
from logagent.engine.events import EventFeed, Notice
from logagent.engine.host import data_root
from logagent.errors import Exit, Failure
from logagent.model import Batch
from logagent.ship.carrier import Carrier
from logagent.store.committer import Committer
from logagent.web.health import Beats

log = logging.getLogger(__name__)

QUEUE = 2  # batches between collector and committer: enough to keep both busy
STOP_WITHIN = 5.0  # seconds that requests under way get at the end
GIVE_UP = 30.0  # seconds without progress after which `--once` stops waiting for an output that fails


class _Stopping(Exception):  # noqa: N818 - not an error
    """The agent stops while a batch waits for its place in the queue; it is read again at the next start."""


class Agent:
    """One agent on this host. Building it takes what it needs: data root, store, address; raises Failure when one cannot be had."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._stop = threading.Event()
        self._collected, self._reached = threading.Event(), threading.Event()
        self._once = False
        self._threads: list[threading.Thread] = []
        self._beats = Beats()
        self._engine = parts.engine(settings)
        self.data_root = data_root(_text(settings.data_root), self._engine)
        self._listener = None
        if settings.web.enabled:
            from logagent.web.server import Listener

            self._listener = Listener(settings.web.host, settings.web.port)
        try:
            self._build()
        except BaseException:
            self._release()
            raise

    def _build(self) -> None:
        settings = self.settings
        self.store = parts.store(settings)
        self.store.catalog.use_outputs([o.name for o in settings.outputs])
        self._batches: queue.Queue[Batch] = queue.Queue(QUEUE)
        self.committer = Committer(self.store, self._batches)
        self.collector = parts.collector(settings, self.data_root, self._engine, self.store.catalog, self._put)
        self.shippers = [parts.carrier(self.store, o, settings) for o in settings.outputs]
        self._watch = Watch(f"{self.data_root}/containers", self.collector.touch)
        self._events = EventFeed(self._heard, settings.engine.socket, settings.engine.timeout) if self._engine else None

    @property
    def web_url(self) -> str:
        """Where metrics and health are served; empty when they are not."""
        return self._listener.url if self._listener else ""

    def start(self) -> None:
        """Start all loops."""
        self._watch.start()
        if self._events:
            self._events.start()
        for shipper in self.shippers:
            shipper.start()
        for name, loop in (("collector", self._collect), ("committer", self._commit)):
            thread = threading.Thread(target=self._guarded, args=(name, loop), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()
        if self._listener:
            self._serve()
        log.info("reading %s, storing in %s%s", self.data_root, self.store.folder, _whither(self.shippers))

    def stop(self) -> None:
        """Stop all loops, store what was read, give everything back."""
        self._stop.set()
        self.collector.wake.set()
        self._watch.stop()
        if self._events:
            self._events.stop(1.0)
        for thread in self._threads:
            thread.join()
        if not self.committer.drain(time.time()):
            log.warning(
                "not all that was read could be stored (%s): it is read again at the next start", self.store.full
            )
        for shipper in self.shippers:
            shipper.stop(STOP_WITHIN)
            shipper.client.close()
        self.collector.close()
        self._release()
        log.info("stopped")

    def run_once(self) -> bool:
        """Collect everything that is there, deliver it, stop. False when an output did not take everything."""
        self._once = True
        self.start()
        try:
            while not self._collected.wait(0.1) and not self._stop.is_set():
                pass
            while (self._batches.unfinished_tasks or self.store.waiting) and not self._stop.is_set():
                time.sleep(0.02)
            undelivered = [s.name for s in self.shippers if not self._delivered(s)]
            return not undelivered
        finally:
            self.stop()

    def halt(self) -> None:
        """Ask `run_once` to end early."""
        self._stop.set()

    def unwell(self) -> str:
        """Say which loop has stopped stepping; empty when all do."""
        return self._beats.silent(time.monotonic())

    def unready(self) -> str:
        """Say why lines do not flow; empty when they do."""
        if not self._reached.is_set():
            return "the containers' logs are being looked up"
        paused = [f"{s.name}: {s.paused}" for s in self.shippers if s.paused]
        return self.store.full or "; ".join(paused)

    # Loops

    def _collect(self) -> None:
        self.collector.wake.clear()
        wait = self.collector.step(time.time())
        self._reached.set()
        if self._once and self.collector.finish(time.time()):
            self._collected.set()
            raise _Stopping
        if wait > 0:
            self.collector.wake.wait(wait)

    def _commit(self) -> None:
        self._stop.wait(self.committer.step(time.time(), 1.0))

    def _guarded(self, name: str, step: Callable[[], None]) -> None:
        while not self._stop.is_set():
            self._beats.beat(name, time.monotonic())
            try:
                step()
            except _Stopping:
                break
            except Exception:
                # The border of the loop: what fails is tried again, from what the catalog says and the files hold.
                log.exception("the %s failed in a step; it goes on", name)
                self._stop.wait(1.0)
        self._beats.farewell(name)

    def _put(self, batch: Batch) -> None:
        while not self._stop.is_set():
            try:
                return self._batches.put(batch, timeout=0.1)
            except queue.Full:
                self._attend()
        raise _Stopping

    def _attend(self) -> None:
        """See to new files while a batch waits for room, which is no failure; that batch must not be lost, whatever fails."""
        self._beats.beat("collector", time.monotonic())
        try:
            self.collector.attend(time.time())
        except Exception:
            log.exception("looking for new files failed; it goes on")

    def _heard(self, notice: Notice) -> None:
        kind, _ = notice
        if kind in {"relist", "create", "start", "rename", "destroy"}:
            self.collector.refresh()

    def _delivered(self, shipper: Carrier) -> bool:
        last, seen, since = self.store.catalog.last_frame(), -1, time.monotonic()
        while not shipper.wait_drained(last, 0.2) and not self._stop.is_set():
            cursor = self.store.catalog.cursor(shipper.name)
            if cursor != seen:
                seen, since = cursor, time.monotonic()
            if shipper.paused or (shipper.last_error and time.monotonic() - since > GIVE_UP):
                break
        done = self.store.catalog.cursor(shipper.name) >= last
        if not done and shipper.last_error:
            log.error(
                "%s: not everything was delivered: %s. What is stored is sent at the next run",
                shipper.name,
                shipper.last_error,
            )
        return done

    def _serve(self) -> None:
        from logagent.metrics import Metrics, registry
        from logagent.web.app import make_app
        from logagent.web.server import Web

        assert self._listener is not None  # noqa: S101 - asked by start
        metrics = Metrics(self.store.catalog, self.store, self.collector, self.shippers)
        self._web = Web(
            self._listener, make_app(registry(metrics), self.unwell, self.unready, self.store.catalog.agent_id())
        )
        self._web.start()

    def _release(self) -> None:
        if hasattr(self, "_web"):
            self._web.stop()
        elif self._listener:
            self._listener.socket.close()
        if hasattr(self, "store"):
            self.store.close()
        if self._engine:
            self._engine.close()


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _whither(shippers: list[Carrier]) -> str:
    return f", shipping to {', '.join(s.client.url for s in shippers)}" if shippers else ""


def failure_of(agent: Agent) -> Failure:
    """Tell why `--once` did not deliver everything."""
    errors = [f"{s.name}: {s.last_error}" for s in agent.shippers if s.last_error]
    return Failure(
        f"not everything was delivered ({'; '.join(errors) or 'stopped early'}): what is stored is sent at the next run",
        Exit.NETWORK if errors else Exit.NO,
    )
