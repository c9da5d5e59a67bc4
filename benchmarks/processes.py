"""Programs that the benchmark starts: how they are measured, and that each of them ends.

A program leads a session of its own, so that its children end with it. It is not reaped before its last measurement:
an ended program keeps its CPU time in /proc until then. Memory is resident, the sum over the program and its descendants.
"""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """What a program used so far: CPU seconds, resident and peak resident MB."""

    cpu: float = 0.0
    rss: float = 0.0
    peak: float = 0.0

    def beyond(self, earlier: Self) -> Self:
        """These figures, where what only grows never falls below an earlier measurement."""
        return type(self)(max(self.cpu, earlier.cpu), self.rss or earlier.rss, max(self.peak, earlier.peak))


class Program:
    """A started program; a context manager that ends it."""

    def __init__(self, argv: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None) -> None:
        self.log: IO[bytes] = (cwd / "output.log").open("ab")
        whole = {**os.environ, **(env or {})}
        self.process = subprocess.Popen(
            argv, cwd=cwd, env=whole, stdout=self.log, stderr=self.log, start_new_session=True
        )
        self.used = Usage()

    def running(self) -> bool:
        """Whether it still runs; an ended one is left unreaped."""
        fields = stat(self.process.pid)
        return bool(fields) and fields[0] not in "ZX"

    def usage(self) -> Usage:
        """Measure the program and its descendants now."""
        self.used = total(tree(self.process.pid)).beyond(self.used)
        return self.used

    def switches(self) -> int:
        """How often its threads went to sleep so far: how often an idle one wakes."""
        return sum(map(sleeps, tree(self.process.pid)))

    def stop(self) -> None:
        """End it and all it started: first asked, then forced."""
        for sign in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, sign)
                self.process.wait(8)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue
        self.process.wait()
        self.log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


def stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on; empty when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def tree(pid: int) -> Iterator[int]:
    """A process and its descendants."""
    todo = [pid]
    while todo:
        pid = todo.pop()
        yield pid
        for task in tasks(pid):
            try:
                todo += map(int, (task / "children").read_text().split())
            except OSError:
                continue


def tasks(pid: int) -> list[Path]:
    """The threads of a process; none when it is gone."""
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return []


def cpu(pid: int) -> float:
    """CPU seconds of a process and of the children it has reaped."""
    return sum(map(int, stat(pid)[11:15])) / TICK


def status(path: Path) -> dict[str, int]:
    """The numbers of a /proc status file by name: kB, or counts."""
    try:
        rows = (line.split() for line in path.read_text().splitlines())
        return {row[0].rstrip(":"): int(row[1]) for row in rows if len(row) > 1 and row[1].isdigit()}
    except OSError:
        return {}


def total(pids: Iterator[int]) -> Usage:
    """The sum over processes."""
    seconds, rss, peak = 0.0, 0, 0
    for pid in pids:
        seconds += cpu(pid)
        memory = status(Path(f"/proc/{pid}/status"))
        rss, peak = rss + memory.get("VmRSS", 0), peak + memory.get("VmHWM", 0)
    return Usage(seconds, rss / 1024, peak / 1024)


def sleeps(pid: int) -> int:
    """Voluntary context switches of a process."""
    return sum(status(task / "status").get("voluntary_ctxt_switches", 0) for task in tasks(pid))


def free_port() -> int:
    """A TCP port that was free on loopback just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
