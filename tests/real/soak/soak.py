"""The soak itself: it starts the containers and the agent, does the deeds when their time has come, ends all, and counts.

Everything happens in one thread, one deed after the other, so that a seed gives the same deeds in the same order. A container is
removed only when the agent has looked at it: what is deleted while no agent runs nobody can read.
"""

import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import docker

from logagent.store.catalog import Catalog
from tests.real.agent import RunningAgent
from tests.real.servers.dockerd import Engine
from tests.real.servers.elasticsearch import Elasticsearch
from tests.real.servers.process import await_that
from tests.real.soak import contents
from tests.real.soak.deeds import Deed, deeds
from tests.real.soak.kinds import specs
from tests.real.soak.life import Life
from tests.real.soak.tally import Tally
from tests.real.soak.verdict import Row, Written, accounts, judge

READY = 30.0  # seconds in which a started agent has looked at all logs
DELIVERY = 180.0  # seconds for what waits at the end
AT_A_TIME = 4  # containers that are started or removed together: more is no quicker on two cores
STEP = 0.1  # seconds between two looks at the clock


@dataclass(frozen=True, slots=True)
class Result:
    """The rows of all containers, what is wrong (empty: nothing), how often each deed was done, gaps by reason."""

    rows: list[Row]
    faults: list[str]
    done: dict[str, int]
    reasons: dict[str, int]


class Soak:
    """One soak of `seconds` seconds with `containers` containers, on servers that are running; `work` takes the agent's store.

    `say` is told what is being done.
    """

    def __init__(
        self,
        engine: Engine,
        elasticsearch: Elasticsearch,
        work: Path,
        *,
        seconds: float,
        seed: int,
        containers: int = 30,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        chance = random.Random(seed)
        self._engine, self._elasticsearch, self._seconds, self._tell = engine, elasticsearch, seconds, say
        self._since = time.monotonic()
        self._specs = specs(containers, chance)
        live_restore = "--live-restore" in engine.flags
        self._plan = deeds(seconds, containers, chance, live_restore=live_restore)
        self._api = docker.APIClient(base_url=engine.socket, version="auto", timeout=120)
        self._folder = engine.folder / f"soak-{seed}"
        self._folder.mkdir()
        self._namespace = f"soak{seed}x{engine.name.replace('.', '')}"
        self.agent = self._make_agent(work / "store")
        self._lives: list[Life] = []
        self._now: list[Life] = []
        self._done: dict[str, int] = {}
        self._away = False

    def _make_agent(self, store: Path) -> RunningAgent:
        settings = {
            "LOGAGENT_DOCUMENT__NAMESPACE": self._namespace,
            "LOGAGENT_OUTPUTS__0__BACKOFF_MAX": "2s",
            "LOGAGENT_STORE__MAX_SIZE": "50GiB",  # all is counted at the end
        }
        engine = self._engine
        return RunningAgent(engine.data_root, store, self._elasticsearch.url, socket=engine.socket, settings=settings)

    @property
    def stream(self) -> str:
        """The data stream in the index."""
        return f"logs-docker.container_logs-{self._namespace}"

    def run(self) -> Result:
        """Do all of it. An interrupt while deeds are done ends the soak early, and what there is is counted."""
        self._since = time.monotonic()
        self.agent.start()
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            self._now = list(pool.map(lambda place: self._begin(place, 1), range(len(self._specs))))
        self._let_print(self._now)
        self._say("all containers run")
        try:
            self._live()
        except KeyboardInterrupt:
            self._say("interrupted: ending in order")
        self._finish()
        return self._count()

    def close(self) -> None:
        """End the agent and remove the containers; after a whole run there is nothing left to do."""
        if self.agent.process is not None and self.agent.process.poll() is None:
            self.agent.kill()
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            list(pool.map(Life.delete, self._now))
        for life in self._lives:
            life.close()
        self._api.close()

    def _begin(self, place: int, turn: int) -> Life:
        life = Life(f"c{place:02}-{turn}", self._specs[place], self._api, self._folder, self._engine.log_path)
        self._lives.append(life)
        life.hold(wanted=True)
        life.start()
        return life

    def _let_print(self, lives: Sequence[Life]) -> None:
        """Let new containers print once the agent has their files: what was rotated away before its first look nobody knows of."""
        self._await_looking()
        for life in lives:
            life.hold(wanted=False)

    def _live(self) -> None:
        start = time.monotonic()
        for deed in [*self._plan, Deed(self._seconds, "revive")]:
            while (left := start + deed.at - time.monotonic()) > 0:
                time.sleep(min(STEP, left))  # the soak's own pace
            self._do(deed)

    def _say(self, words: str) -> None:
        self._tell(f"{time.monotonic() - self._since:6.1f} s  {words}")

    def _do(self, deed: Deed) -> None:
        acts: dict[str, Callable[[int], None]] = {
            "kill": self._kill,
            "remove": self._remove,
            "restart": lambda place: self._now[place].restart(),
            "outage": self._outage,
            "revive": self._revive,
            "dockerd": self._restart_daemon,
        }
        acts[deed.what](deed.place)
        self._done[deed.what] = self._done.get(deed.what, 0) + 1
        name = self._now[deed.place].name if deed.what in ("remove", "restart") else ""
        self._say(f"{deed.what} {name}".strip())

    def _kill(self, _: int) -> None:
        """Kill the agent, but not while only its open file has the last lines of a container that was removed: nobody else could read them."""
        await_that(
            self._done_with_removed, READY, lambda: f"removed containers are not done with:\n{self.agent.tail()}"
        )
        self.agent.kill()
        self.agent.start()

    def _remove(self, place: int) -> None:
        """Remove one, and start the next in its place."""
        self._await_looking()
        life = self._now[place]
        life.remove()
        self._now[place] = self._begin(place, int(life.name.partition("-")[2]) + 1)
        self._let_print([self._now[place]])

    def _outage(self, _: int) -> None:
        self._elasticsearch.stop()
        self._away = True

    def _revive(self, _: int) -> None:
        if self._away:
            self._elasticsearch.launch()
        self._away = False

    def _restart_daemon(self, _: int) -> None:
        """Restart dockerd while no line is on its way: what it had taken from a pipe and not written yet is lost with it."""
        for life in self._now:
            life.hold(wanted=True)
        await_that(lambda: all(life.held for life in self._now), 10, lambda: "a writer does not wait")
        time.sleep(1.0)  # what is in the pipes goes to the files
        self._engine.restart_daemon()
        for life in self._now:
            life.hold(wanted=False)

    def _await_looking(self) -> None:
        """Wait until the agent has opened all the logs that there are."""
        await_that(self._ready, READY, lambda: f"the agent is not ready:\n{self.agent.tail()}")

    def _ready(self) -> bool:
        known = contents.unread(self.agent.store) if (self.agent.store / "catalog.db").exists() else set()
        return self.agent.ready() and known.issuperset(life.name for life in self._now)

    def _finish(self) -> None:
        """Let all writers end, everything be delivered, and the agent stop."""
        self._revive(0)
        for life in self._now:
            life.hold(wanted=False)
            life.ask_end()
        for life in self._now:
            life.end()
        if self.agent.process is None or self.agent.process.poll() is not None:
            self.agent.start()  # an interrupt from the keyboard ends the agent, too
        self._elasticsearch.await_ready()
        self._say("all writers have ended; awaiting delivery")
        await_that(self._settled, DELIVERY, lambda: f"gone containers are not done with:\n{self.agent.tail()}")
        self._say("removed containers are done with")
        self.agent.await_delivered(DELIVERY)
        self._say("all is delivered")
        status = self.agent.stop()
        assert status == 0, f"the agent stopped with status {status}:\n{self.agent.tail()}"

    def _done_with_removed(self) -> bool:
        known = contents.unread(self.agent.store) if (self.agent.store / "catalog.db").exists() else set()
        return known <= {life.name for life in self._now}

    def _settled(self) -> bool:
        return contents.unread(self.agent.store) == {life.name for life in self._now}

    def _count(self) -> Result:
        self._say("counting")
        written = {life.name: Written(life.spec, life.last) for life in self._lives}
        stored = contents.stored(self.agent.store, self._expected)
        indexed = contents.indexed(self._elasticsearch, self.stream, self._expected)
        gaps = contents.gaps(self.agent.store)
        rows, faults = [], []
        for name, lines in written.items():
            row, wrong = judge(name, lines, gaps.get(name, 0), stored.get(name, Tally()), indexed.get(name, Tally()))
            rows.append(row)
            faults += wrong
        catalog = Catalog(self.agent.store / "catalog.db", read_only=True)
        try:
            totals, outputs = catalog.accounting()
        finally:
            catalog.close()
        reasons = {reason: n for (key, reason), n in totals.items() if key == "gaps"}
        return Result(rows, faults + accounts(totals, outputs), self._done, reasons)

    def _expected(self, container: str, number: int) -> tuple[str, int]:
        spec = self._specs[int(container[1:3])]
        return spec.stream(number), spec.length(number)


def table(rows: Sequence[Row]) -> str:
    """The rows as a table, with their sums."""
    heads = ("container", "kind", "written", "stored", "indexed", "lost", "twice", "gaps", "gap lines")
    lines = [(r.name, r.kind, r.written, r.stored, r.indexed, r.lost, r.twice, r.gaps, r.gap_lines) for r in rows]
    sums = ("sum", f"{len(rows)}", *(sum(column) for column in zip(*[line[2:] for line in lines], strict=True)))
    form = "{:<10} {:<12}" + " {:>10}" * 7
    return "\n".join(form.format(*map(str, line)) for line in (heads, *lines, sums))
