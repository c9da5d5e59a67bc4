"""Elasticsearch away for a minute under load: the store is the buffer, and nothing shows in the index but a delay."""

import re
import time
from itertools import pairwise
from pathlib import Path

import pytest

from tests.real.agent import RunningAgent
from tests.real.servers.dockerd import Engine
from tests.real.servers.elasticsearch import Elasticsearch
from tests.real.servers.process import await_that

OUTAGE = 60.0  # seconds
RATE = 1_000
LINES = 75_000
STREAM = "logs-docker.container_logs-outage"


@pytest.mark.real_docker
@pytest.mark.real_elasticsearch
@pytest.mark.parametrize("engine", ["28.5"], indirect=True)
def test_an_outage_of_elasticsearch_costs_nothing(engine: Engine, elasticsearch: Elasticsearch, tmp_path: Path) -> None:
    """Elasticsearch is stopped for 60 s under load: collecting goes on, memory stays flat, afterwards each line is there once."""
    settings = {"LOGAGENT_DOCUMENT__NAMESPACE": "outage", "LOGAGENT_OUTPUTS__0__BACKOFF_MAX": "2s"}
    agent = RunningAgent(
        engine.data_root, tmp_path / "store", elasticsearch.url, socket=engine.socket, settings=settings
    )
    agent.start()
    engine.run("outage", command=["writer", "-n", str(LINES), "-r", str(RATE), "-p", "outage", "-l", "100"])
    await_that(lambda: elasticsearch.count(STREAM) > 0, 60, lambda: f"nothing arrived:\n{agent.tail()}")

    elasticsearch.stop()
    stored, memory = _observe(agent, OUTAGE)
    elasticsearch.start()

    assert [] == [(a, b) for a, b in pairwise(stored) if b - a < RATE]
    assert max(memory) - memory[0] < 10 << 20
    engine.wait("outage")
    agent.await_delivered(120)
    assert 0 == agent.stop()
    numbers = [int(re.split(" ", hit["_source"]["message"])[1]) for hit in elasticsearch.documents(STREAM, ["message"])]
    assert list(range(1, LINES + 1)) == sorted(numbers)
    engine.remove("outage")
    elasticsearch.delete(STREAM)


def _observe(agent: RunningAgent, seconds: float) -> tuple[list[int], list[int]]:
    """Every ten seconds: events stored so far, and the agent's resident memory in bytes."""
    stored, memory, end = [agent.total("stored")], [agent.memory()], time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(10)  # the length of the outage is what the test is about
        stored.append(agent.total("stored"))
        memory.append(agent.memory())
    return stored, memory
