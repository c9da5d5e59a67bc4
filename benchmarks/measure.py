"""One run: start an agent beside a fresh target, watch until every line was counted, and say what it cost.

CPU seconds and memory are those of the agent and all it started, from its start until shortly after the last document
came: reading the last answers and remembering them belongs to the work. Wall time ends with the last document.
"""

import shutil
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks.agents import Agent, Place
from benchmarks.processes import Program, Usage
from benchmarks.targets import Sink, Target

STALL = 30.0  # s without a new document after which a run is given up


@dataclass(frozen=True)
class Run:
    """What one run of one agent cost: seconds, MB, documents; for idling ones, switches a second."""

    wall: float
    cpu: float
    peak: float
    rss: float
    missing: int
    extra: int
    target_cpu: float = 0.0
    requests: int = 0
    wire: int = 0
    switches: float = 0.0


@dataclass(frozen=True)
class Load:
    """The logs to ship: a host, the same lines in one file, and their number."""

    host: Path
    one: Path
    lines: int


def state(work: Path, name: str) -> Path:
    """Where an agent's last run left its files and its output."""
    return work / "state" / name.replace(" ", "-")


def place(agent: Agent, load: Load, target: Target, work: Path) -> Place:
    """An empty folder for the run, on the disk of the work folder."""
    folder = state(work, agent.name)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return Place(load.host, load.one, folder, target.url, target.index)


def start(agent: Agent, where: Place) -> Program:
    """Start the agent; it works in its state folder."""
    command = agent.command(where)
    return Program(command.argv, where.state, command.env)


def watch(program: Program, target: Target, lines: int) -> float:
    """Wait until the target counted all lines, or nothing comes any more; return when the last document came."""
    docs, last = 0, time.monotonic()
    while docs < lines:
        running = program.running()
        program.usage()
        seen, now = target.totals().docs, time.monotonic()
        if seen > docs:
            docs, last = seen, now
        elif now - last > (STALL if running else 1):
            break
        time.sleep(target.pause)
    return last


def ship(agent: Agent, load: Load, target: Target, work: Path, settle: float) -> Run:
    """Measure one agent over one load."""
    where = place(agent, load, target, work)
    begin = time.monotonic()
    with start(agent, where) as program:
        wall = watch(program, target, load.lines) - begin
        spent = target.cpu()
        time.sleep(0.3)
        used = program.usage()
        time.sleep(settle)
        sent, missing, extra = target.totals(), *difference(target, load)
    return Run(wall, used.cpu, used.peak, used.rss, missing, extra, spent, sent.requests, sent.wire)


def difference(target: Target, load: Load) -> tuple[int, int]:
    """How many documents are missing, and how many there are too many."""
    docs = target.settled().docs
    return max(0, load.lines - docs), max(0, docs - load.lines)


@dataclass(frozen=True)
class Wait:
    """How long idle agents are measured, and how long they are left alone before: seconds."""

    settle: float
    seconds: float


def idle(agents: Sequence[Agent], load: Load, sink: Path, work: Path, wait: Wait) -> dict[str, Run]:
    """Measure agents that wait beside quiet containers: all at the same time, each with a sink of its own."""
    with ExitStack() as stack:
        live: list[tuple[Agent, Sink, Program]] = []
        for agent in agents:
            target = stack.enter_context(closing(Sink(sink)))
            live.append((agent, target, stack.enter_context(start(agent, place(agent, load, target, work)))))
        for _, target, program in live:
            watch(program, target, load.lines)
        time.sleep(wait.settle)
        before = [(program.usage(), program.switches()) for _, _, program in live]
        time.sleep(wait.seconds)
        rows = zip(live, before, strict=True)
        return {who.name: idled(program, earlier, wait, target, load) for (who, target, program), earlier in rows}


def idled(program: Program, before: tuple[Usage, int], wait: Wait, target: Sink, load: Load) -> Run:
    """What it cost to wait. An agent that ended meanwhile did not do the work."""
    now, switches = program.usage(), (program.switches() - before[1]) / wait.seconds
    missing, extra = difference(target, load) if program.running() else (load.lines, 0)
    return Run(wait.seconds, now.cpu - before[0].cpu, now.peak, now.rss, missing, extra, switches=switches)
