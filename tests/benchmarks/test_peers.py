"""The peers' settings: all that a run needs is filled in, and points into that run's folder."""

import re

import pytest

from benchmarks import peers
from benchmarks.agents import Place

COMMANDS = {
    "rsyslog.conf": peers.rsyslog("x"),
    "fluent-bit.conf": peers.fluent_bit("x", gzip=True),
    "vector.yaml": peers.vector("x", gzip=True),
    "filebeat.yml": peers.filebeat("x"),
}


@pytest.fixture
def place(tmp_path):
    """A run's place."""
    return Place(tmp_path / "host", tmp_path / "one", tmp_path, "http://127.0.0.1:9201", "logs-bench")


@pytest.mark.parametrize("name", COMMANDS)
def test_placeholders_are_filled_in(place, name):
    """No placeholder is left; host's logs, target and index are named."""
    COMMANDS[name](place)
    text = (place.state / name).read_text()
    assert [] == re.findall(r"@[A-Z_]+@", text)
    assert all(part in text for part in (f"{place.host}/containers/*/*-json.log", "9201", "logs-bench"))


@pytest.mark.parametrize("name", COMMANDS)
def test_settings_are_the_runs_own(place, name):
    """A peer is started with the settings in the run's folder, never with the system's."""
    assert str(place.state / name) in COMMANDS[name](place).argv


def test_rsyslogs_ids_begin_with_the_containers(place):
    """The part of the path that rsyslog's ids take is the container's first 12 digits."""
    peers.rsyslog("x")(place)
    text = (place.state / "rsyslog.conf").read_text()
    ((start, end),) = re.findall(r'position\.from="(\d+)" position\.to="(\d+)"', text)
    assert "176ac27d35fe" == f"{place.host}/containers/176ac27d35fe1da4/x-json.log"[int(start) - 1 : int(end)]
