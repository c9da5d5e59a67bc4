"""Containers that live for a moment: hundreds of `docker run --rm`, twenty at a time, whose lines are all stored.

An engine takes 0.1 to 0.3 seconds for each such container on two cores, so that the suite runs fewer of them; all thousand:

    SHORT_LIVED_CONTAINERS=1000 ./scripts/test tests/real/test_short_lived.py --timeout 900

Two agents watch the same engine at the same time: one has its socket, the other knows of containers from the directory alone.
"""

import os
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

import docker
import pytest

from tests.real.agent import RunningAgent
from tests.real.servers.dockerd import IMAGE, Engine
from tests.real.servers.process import await_that
from tests.real.soak import contents

CONTAINERS = int(os.environ.get("SHORT_LIVED_CONTAINERS", "60"))
AT_A_TIME = 20
LINES = 20


@pytest.fixture
def agents(engine: Engine, tmp_path: Path) -> Iterator[dict[str, RunningAgent]]:
    """An agent with the engine's socket and one without, running."""
    engine.clean()
    found = {
        "with the socket": RunningAgent(engine.data_root, tmp_path / "asked", socket=engine.socket),
        "without it": RunningAgent(engine.data_root, tmp_path / "watched"),
    }
    for agent in found.values():
        agent.start()
    for agent in found.values():
        await_that(agent.ready, 30, agent.tail)
    yield found
    for agent in found.values():
        agent.kill()
    engine.clean()


@pytest.mark.real_docker
@pytest.mark.timeout(900)
def test_every_line_of_short_lived_containers_is_stored(engine: Engine, agents: dict[str, RunningAgent]) -> None:
    """Containers with `--rm` that print twenty lines and are gone: each line is stored once, with and without the engine's socket."""
    run_all(engine)
    expected = Counter({(f"s{n}", number): 1 for n in range(CONTAINERS) for number in range(1, LINES + 1)})
    found = {}
    for way, agent in agents.items():
        await_that(partial(all_gone, agent), 60, agent.tail)
        assert 0 == agent.stop()
        found[way] = Counter(
            (word, int(number)) for word, number in (m.split()[:2] for m in contents.messages(agent.store))
        )
    missed = {way: agent.totals("gaps") for way, agent in agents.items()}
    told = {way: f"{expected.total() - lines.total()} lines lost, gaps {missed[way]}" for way, lines in found.items()}
    print(told)  # noqa: T201 - shown when it fails
    for way, lines in found.items():
        assert Counter() == expected - lines, told
        assert Counter() == lines - expected, f"{way}: lines twice, or never written"
        assert {} == missed[way]


def all_gone(agent: RunningAgent) -> bool:
    """Whether the agent is done with every container."""
    return not contents.unread(agent.store)


def run_all(engine: Engine) -> None:
    """Run them, by the engine's API: the command of its own client takes half as long again."""
    local = threading.local()

    def run_one(n: int) -> None:
        if not hasattr(local, "api"):
            local.api = docker.APIClient(base_url=engine.socket, version="auto", timeout=120)
            opened.append(local.api)
        config = local.api.create_host_config(auto_remove=True, network_mode="none")
        command = ["writer", "-n", str(LINES), "-p", f"s{n}"]
        made = local.api.create_container(IMAGE, command, host_config=config)
        local.api.start(made["Id"])
        with suppress(docker.errors.NotFound):  # it has gone already
            local.api.wait(made["Id"])

    opened: list[docker.APIClient] = []
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        list(pool.map(run_one, range(CONTAINERS)))
    for api in opened:
        api.close()
    await_that(lambda: not engine.docker("ps", "-aq").stdout, 60, lambda: "not all containers were removed")
