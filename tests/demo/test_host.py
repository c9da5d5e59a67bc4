"""The simulated host looks like a Docker host to everybody who reads it."""

import json
import os
from collections import Counter

import pytest

from logagent.demo.container import container_id
from logagent.demo.host import CAST, SimulatedHost
from logagent.engine.metadata import read_container

START = 1_795_000_000.0


@pytest.fixture
def folder(tmp_path):
    """Give the directory that holds the containers' directories."""
    return tmp_path / "containers"


def _host(tmp_path):
    return SimulatedHost(str(tmp_path), START)


def test_containers_are_read_as_real_ones(tmp_path, folder):
    """Name, image, labels and log options come out of the metadata files as they went in."""
    _host(tmp_path).close()
    for actor in CAST:
        found = read_container(str(folder / container_id(actor.name)))
        assert found is not None
        assert (actor.name, actor.labels, actor.log_options) == (found.name, found.labels, found.log_options)
        assert found.image.tag == actor.image.rpartition(":")[2]
        assert found.log_path is not None
        assert os.path.exists(found.log_path)


def test_lines_come_at_their_rate_whatever_the_steps(tmp_path, folder):
    """Ten seconds give about fifty lines a second, each container its share."""
    host = _host(tmp_path)
    for tenth in range(1, 101):
        host.step(START + tenth / 10)
    host.close()
    printed: Counter[str] = Counter()
    for actor in CAST:
        directory = folder / container_id(actor.name)
        printed[actor.name] = sum(
            path.read_bytes().count(b"\n") for path in directory.glob("*.log*") if path.suffix != ".gz"
        )
    assert 80 == printed["billing"]
    assert 40 == printed["shop-db-1"]
    assert 500 <= host.lines <= 600


def test_late_step_does_not_flood(tmp_path):
    """After a long sleep only the last second's lines are printed."""
    host = _host(tmp_path)
    host.step(START + 3600)
    host.close()
    assert 40 <= host.lines <= 80


def test_clock_that_goes_back_repeats_nothing(tmp_path):
    """A step with an older time prints nothing, and what was printed is not printed again."""
    host = _host(tmp_path)
    host.step(START + 1)
    lines = host.lines
    host.step(START)
    host.step(START + 1)
    host.close()
    assert lines == host.lines


def test_logs_with_limits_rotate_within_a_minute(tmp_path, folder):
    """Both limits are reached soon enough to be seen, one of them with compressed files."""
    host = _host(tmp_path)
    for second in range(1, 61):
        host.step(START + second)
    host.close()
    endings = {
        name: {path.name.partition("json.log")[2] for path in (folder / container_id(name)).glob("*-json.log*")}
        for name in ("web-1", "shop-api-1", "worker")
    }
    assert {"web-1": {"", ".1"}, "shop-api-1": {"", ".1.gz"}, "worker": {""}} == {
        name: {ending for ending in found if ending in ("", ".1", ".1.gz")} for name, found in endings.items()
    }


def test_every_record_can_be_read(tmp_path, folder):
    """Each line in the files is one JSON object with a value, a stream and a time."""
    host = _host(tmp_path)
    for second in range(1, 31):
        host.step(START + second)
    host.close()
    path = next((folder / container_id("worker")).glob("*-json.log"))
    records = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert {"stdout", "stderr"} == {record["stream"] for record in records}
    assert all(record["log"] and record["time"].endswith("Z") for record in records)
