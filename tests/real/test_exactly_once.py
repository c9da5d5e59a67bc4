"""The main promise, on real engines and a real Elasticsearch: each line once, through rotation and kills."""

import random
import re
import time
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.real.agent import RunningAgent
from tests.real.servers.dockerd import Engine
from tests.real.servers.elasticsearch import Elasticsearch

LINES = 100_000
RATE = 2_500
EVERY = 7  # each seventh line goes to stderr
KILLS = 5
SIZED = ("--log-opt", "max-size=200k", "--log-opt", "max-file=3")
CONTAINERS = {"free": (), "sized": SIZED, "zipped": (*SIZED, "--log-opt", "compress=true"), "tty": ("--tty",)}
NUMBER = re.compile(r"^(\w+) (\d+) x*$")


@pytest.mark.real_docker
@pytest.mark.real_elasticsearch
def test_each_line_arrives_once_though_the_agent_is_killed(
    engine: Engine, elasticsearch: Elasticsearch, tmp_path: Path
) -> None:
    """Four containers print 400,000 lines while the agent is killed five times: the index has each line once, or the gap is counted."""
    stream = f"logs-docker.container_logs-exact{engine.name.replace('.', '')}"
    settings = {"LOGAGENT_DOCUMENT__NAMESPACE": stream.rpartition("-")[2]}
    agent = RunningAgent(
        engine.data_root, tmp_path / "store", elasticsearch.url, socket=engine.socket, settings=settings
    )
    chance = random.Random(engine.name)
    agent.start()
    ids = {name: _start(engine, name, options) for name, options in CONTAINERS.items()}
    for _ in range(KILLS):
        time.sleep(chance.uniform(2, LINES / RATE / (KILLS + 1)))  # the moment of a kill is what the test is about
        agent.kill()
        agent.start()
    for name in CONTAINERS:
        engine.wait(name)
    agent.await_delivered(300)
    gaps = agent.gaps()
    assert 0 == agent.stop()
    assert agent.total("read") == agent.total("stored")

    found, told = _documents(elasticsearch, stream)
    assert {name: gaps[name] for name in CONTAINERS if gaps[name]} == dict(told)
    written = {name: _written(engine.log_path(ids[name])) for name in CONTAINERS}
    for name in CONTAINERS:
        _assert_exact(name, found[name], gaps[name], written[name])
    assert 0 == gaps["free"] + gaps["tty"]
    engine.remove(*CONTAINERS)
    elasticsearch.delete(stream)


def _start(engine: Engine, name: str, options: tuple[str, ...]) -> str:
    every = () if name == "tty" else ("-e", str(EVERY))
    command = ["writer", "-n", str(LINES), "-r", str(RATE), "-p", name, "-l", "20", *every]
    return engine.run(name, *options, command=command)


def _documents(
    elasticsearch: Elasticsearch, stream: str
) -> tuple[dict[str, dict[int, list[tuple[str, str]]]], Counter[str]]:
    """By container name and line number: the (stream, time) of each line's document; and how many events tell of gaps."""
    gaps: Counter[str] = Counter()
    found: dict[str, dict[int, list[tuple[str, str]]]] = defaultdict(lambda: defaultdict(list))
    for hit in elasticsearch.documents(stream, ["message", "stream", "@timestamp", "container.name", "event.action"]):
        source = hit["_source"]
        if source.get("event", {}).get("action") == "gap":
            gaps[source["container"]["name"]] += 1
            continue
        line = NUMBER.match(source["message"])
        assert line is not None, source
        assert line[1] == source["container"]["name"]
        found[line[1]][int(line[2])].append((source["stream"], source["@timestamp"]))
    return found, gaps


def _written(path: Path) -> dict[int, tuple[str, str]]:
    """By line number, what the live log file still says of its stream and time."""
    records: list[dict[str, Any]] = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    return {int(r["log"].split()[1]): (r["stream"], r["time"]) for r in records}


def _assert_exact(
    name: str, found: dict[int, list[tuple[str, str]]], gaps: int, written: dict[int, tuple[str, str]]
) -> None:
    twice = {n: d for n, d in found.items() if len(d) > 1}
    assert not twice, f"{name}: {len(twice)} lines more than once, such as {next(iter(twice.items()))}"
    for stream in ("stdout", "stderr"):
        # In one stream the file has the numbers in order, so that each gap makes one hole; between streams they overtake.
        holes = _holes([n for n in range(1, LINES + 1) if _stream(name, n) == stream], found)
        assert holes <= gaps, f"{name}: lines of {stream} missing in {holes} places, {gaps} gaps counted"
    assert {n: _stream(name, n) for n in found} == {n: d[0][0] for n, d in found.items()}
    assert written == {n: found[n][0] for n in written}


def _stream(name: str, number: int) -> str:
    return "stderr" if name != "tty" and number % EVERY == 0 else "stdout"


def _holes(numbers: list[int], found: dict[int, list[tuple[str, str]]]) -> int:
    missing = [n not in found for n in numbers]
    return sum(gone and not before for before, gone in pairwise([False, *missing]))
