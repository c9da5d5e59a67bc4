"""`docker rm -f` of containers that the agent has not read to their end: what it holds open is read, what it never saw is counted."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.agent import RunningAgent
from tests.real.servers.dockerd import Engine
from tests.real.servers.process import await_that
from tests.real.soak import contents

pytestmark = pytest.mark.real_docker

LINES = 50_000
PADDING = 100  # bytes: in all more than five megabytes
WAITING = "writer -p n; until [ -e /signs/go ]; do sleep 0.05; done; exec writer -p n -f 2 -n {count} -l {padding}"


@pytest.fixture
def agent(engine: Engine, tmp_path: Path) -> Iterator[RunningAgent]:
    """An agent that runs; no containers before and after."""
    engine.clean()
    made = RunningAgent(engine.data_root, tmp_path / "store", socket=engine.socket)
    made.start()
    await_that(made.ready, 30, made.tail)
    yield made
    made.kill()
    engine.clean()


def write_unseen(engine: Engine, agent: RunningAgent, *options: str, count: int, ended: bool = True) -> None:
    """Have `count` lines written and the container removed while the agent, which has its file open, is stopped."""
    signs = engine.folder / "signs"
    signs.mkdir(exist_ok=True)
    (signs / "go").unlink(missing_ok=True)
    script = WAITING.format(count=count if ended else 0, padding=PADDING)
    cid = engine.run("doomed", "-v", f"{signs}:/signs", *options, command=("sh", "-c", script))
    agent.await_stored(1, 30)
    assert agent.process is not None
    agent.process.send_signal(signal.SIGSTOP)
    try:
        (signs / "go").touch()
        if ended:
            assert 0 == engine.wait("doomed")
        else:
            await_that(lambda: engine.log_path(cid).stat().st_size > 5 << 20, 60, lambda: "it does not write")
        engine.remove("doomed")
    finally:
        agent.process.send_signal(signal.SIGCONT)
    await_that(lambda: not contents.unread(agent.store), 60, agent.tail)
    assert 0 == agent.stop(), agent.tail()


def numbers(agent: RunningAgent) -> list[int]:
    """The numbers of the stored lines, in their order."""
    return [int(message.split()[1]) for message in contents.messages(agent.store)]


def test_five_megabytes_unread_are_read_after_the_removal(engine: Engine, agent: RunningAgent) -> None:
    """A container that has ended is removed with more than 5 MB unread: every line of it is stored."""
    write_unseen(engine, agent, count=LINES)
    assert list(range(1, LINES + 2)) == numbers(agent)
    assert {"doomed": 0} == contents.gaps(agent.store)


def test_a_running_container_is_removed(engine: Engine, agent: RunningAgent) -> None:
    """A container is removed while it writes: all that dockerd wrote of it, more than 5 MB, is stored, without a hole."""
    write_unseen(engine, agent, count=0, ended=False)
    found = numbers(agent)
    assert list(range(1, len(found) + 1)) == found
    assert len(found) * PADDING > 2 << 20
    assert {"doomed": 0} == contents.gaps(agent.store)


@pytest.mark.parametrize("compress", ["true", "false"])
def test_files_that_were_rotated_unseen_go_with_the_directory(
    engine: Engine, agent: RunningAgent, compress: str
) -> None:
    """Rotated files that no agent ever opened are deleted with their container: the one held open is stored whole, the loss is counted."""
    limits = ("max-size=500k", "max-file=5", f"compress={compress}")
    options = [word for limit in limits for word in ("--log-opt", limit)]
    write_unseen(engine, agent, *options, count=6_000)
    found = numbers(agent)
    assert list(range(1, len(found) + 1)) == found
    assert len(found) * PADDING > 250_000
    assert len(found) < 6_001
    assert {"doomed": 1} == contents.gaps(agent.store)
