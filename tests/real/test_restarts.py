"""dockerd and containers are restarted while they write: the log goes on in the same file, and so does its reading.

What dockerd had taken from a pipe and not yet written when it ended is lost with it, and may tear a line; so what the
store must have is what the log file has.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.real.agent import RunningAgent
from tests.real.conftest import started
from tests.real.servers.dockerd import SUITES, Engine
from tests.real.servers.process import await_that
from tests.real.truth import stored, written

pytestmark = pytest.mark.real_docker

RATE = "400"
MORE = 1_000  # lines that are awaited after each restart
KEPT = ("--log-opt", "max-size=200k", "--log-opt", "max-file=100")
LIVES = {"plain": ((), ("-e", "7")), "rotated": (KEPT, ("-e", "3")), "tty": (("--tty",), ())}


@pytest.fixture(scope="module", params=list(SUITES))
def surviving(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An engine whose containers outlive it, and whose data root is a symbolic link."""
    server = started(lambda: Engine(request.param, flags=("--live-restore",), linked=True))
    yield server
    server.stop()


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Callable[..., RunningAgent]]:
    """Starts an agent for an engine."""
    made: list[RunningAgent] = []

    def start(engine: Engine, data_root: Path | None = None, *, ask: bool = True) -> RunningAgent:
        socket = engine.socket if ask else ""
        made.append(RunningAgent(data_root or engine.data_root, tmp_path / f"store{len(made)}", socket=socket))
        made[-1].start()
        await_that(made[-1].ready, 30, made[-1].tail)
        return made[-1]

    yield start
    for agent in made:
        if agent.process is not None and agent.process.poll() is None:
            agent.kill()


def writer(engine: Engine, name: str, options: tuple[str, ...] = (), more: tuple[str, ...] = ()) -> str:
    """Start a writer that goes on with the next number whenever it is started again; its container's id."""
    control = engine.folder / "control"
    control.mkdir(exist_ok=True)
    (control / name).write_bytes(bytes(4096))
    command = ("writer", "-n", "0", "-r", RATE, "-p", name, "-l", "50", "-c", f"/control/{name}", *more)
    return engine.run(name, "-v", f"{control}:/control", *options, command=command)


def end(engine: Engine, *names: str) -> None:
    """Have the writers end between two lines, and wait for it."""
    for name in names:
        engine.docker("update", "--restart=no", name)
        engine.docker("stop", "--time", "10", name)


def assert_all_is_stored(engine: Engine, agent: RunningAgent, ids: dict[str, str]) -> None:
    """The store has the lines of the log files, in their order, and no gap was counted."""
    agent.await_delivered(60)
    gaps = agent.gaps()
    assert 0 == agent.stop(), agent.tail()
    for name, cid in ids.items():
        assert written(engine.log_path(cid)) == stored(agent.store, name), name
    assert dict.fromkeys(ids, 0) == gaps


def await_more(agent: RunningAgent) -> None:
    """Wait until the store has taken some more lines."""
    agent.await_stored(agent.total("stored") + MORE, 60)


def test_containers_outlive_dockerd(surviving: Engine, watch: Callable[..., RunningAgent]) -> None:
    """With live-restore dockerd is stopped, and killed, while containers write: nothing is lost, nothing repeated, no gap.

    Its data root is a symbolic link.
    """
    surviving.clean()
    agent = watch(surviving)
    ids = {name: writer(surviving, name, *how) for name, how in LIVES.items()}
    inode = os.stat(surviving.log_path(ids["plain"])).st_ino
    for stop in (surviving.stop_daemon, surviving.kill_daemon):
        await_more(agent)
        stop()
        surviving.start_daemon()
    await_more(agent)
    end(surviving, *ids)
    assert inode == os.stat(surviving.log_path(ids["plain"])).st_ino
    assert_all_is_stored(surviving, agent, ids)
    surviving.remove(*ids)


def test_containers_are_started_again_with_dockerd(engine: Engine, watch: Callable[..., RunningAgent]) -> None:
    """Without live-restore containers with `--restart=always` go on in the same file after dockerd's restart, and after `docker restart`."""
    engine.clean()
    agent = watch(engine)
    ids = {name: writer(engine, name, ("--restart=always", *options), more) for name, (options, more) in LIVES.items()}
    inode = os.stat(engine.log_path(ids["plain"])).st_ino
    await_more(agent)
    engine.restart_daemon()
    await_more(agent)
    engine.docker("restart", "--time", "10", *ids)
    await_more(agent)
    end(engine, *ids)
    assert inode == os.stat(engine.log_path(ids["plain"])).st_ino
    assert_all_is_stored(engine, agent, ids)
    engine.remove(*ids)


def test_data_root_is_a_link(engine: Engine, watch: Callable[..., RunningAgent], tmp_path: Path) -> None:
    """A data root that is named by a symbolic link is read as the folder itself, with the engine's socket and without."""
    engine.clean()
    link = tmp_path / "link"
    link.symlink_to(engine.data_root)
    agents = [watch(engine, link, ask=ask) for ask in (True, False)]
    ids = {name: writer(engine, name, *how) for name, how in LIVES.items()}
    for agent in agents:
        await_more(agent)
    end(engine, *ids)
    for agent in agents:
        assert_all_is_stored(engine, agent, ids)
    engine.remove(*ids)
