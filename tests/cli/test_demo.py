"""`logagent demo` as a newcomer runs it: a process of its own, and a second one that asks it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager

import pytest

COMMAND = [sys.executable, "-c", "from logagent.cli import main; main()"]


def _run(*arguments):
    return subprocess.run([*COMMAND, *arguments], capture_output=True, timeout=60, check=False)


def _until(look, seconds=20.0):
    """Return the first true answer of `look`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.1)
    raise AssertionError("it did not happen in time")


@contextmanager
def _demo(tmp_path, *arguments):
    """Run the demo with its output in a file; what is still there at the end is ended."""
    out = tmp_path / "out"
    with out.open("wb") as file:
        process = subprocess.Popen(
            [*COMMAND, "demo", *arguments], stdout=file, stderr=file, env={**os.environ, "TMPDIR": str(tmp_path)}
        )
    try:
        yield process, out
    finally:
        process.kill()
        process.wait()


def _told(out, pattern):
    match = _until(lambda: re.search(pattern, out.read_text()))
    return match[1]


def _three_lines(store):
    lines = _run("logs", "web-1", "--store", store).stdout.splitlines()
    return lines if len(lines) >= 3 else None


def test_lines_flow_and_the_commands_answer(tmp_path):
    """What the demo tells to try works while it runs; SIGTERM ends it with 0 and nothing is left behind."""
    with _demo(tmp_path) as (process, out):
        store = _told(out, r"logs web-1 -f --store (\S+)")
        url = _told(out, r"curl (\S+)/metrics")
        lines = _until(lambda: _three_lines(store))
        assert all(b"HTTP/1.1" in line for line in lines)
        with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
            assert re.search(rb"logagent_events_stored_total [1-9]", answer.read())
        for path in ("healthz", "readyz"):
            with urllib.request.urlopen(f"{url}/{path}", timeout=10) as answer:
                assert answer.read() == b"ok\n"
        status = _run("status", "--json", "--store", store)
        assert status.returncode == 0, status.stdout
        names = {source["container"]["name"] for source in json.loads(status.stdout)["sources"]}
        assert {"web-1", "billing", "worker", "shop-api-1", "shop-db-1"} == names
        assert _told(out, r"(5 sources, \d+ lines/s; )")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert ["out"] == os.listdir(tmp_path)


def test_taken_port_is_no_obstacle(tmp_path):
    """Where the usual port is taken, by whomever, the demo finds another one; --duration ends it."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", 9480))
            taken.listen()
        except OSError:
            pass  # somebody else has it, which is as good
        with _demo(tmp_path, "--duration", "1") as (process, out):
            assert process.wait(30) == 0
            assert _told(out, r"127.0.0.1:(\d+)") != "9480"


def test_interrupt_while_starting_ends_it_cleanly(tmp_path):
    """Ctrl-C at once after its first words gives 0 and leaves nothing."""
    with _demo(tmp_path) as (process, out):
        _told(out, r"(This is a demo)")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    assert ["out"] == os.listdir(tmp_path)


def test_given_store_stays(tmp_path):
    """With --store the lines are there after the end."""
    store = tmp_path / "kept"
    with _demo(tmp_path, "--store", str(store), "--duration", "2") as (process, _):
        assert process.wait(30) == 0
    assert ["kept", "out"] == sorted(os.listdir(tmp_path))
    assert _run("logs", "web-1", "--store", str(store)).stdout.count(b"\n") > 10


def test_store_in_use_is_refused(tmp_path):
    """A folder that holds anything is left alone: one sentence, exit status 4."""
    (tmp_path / "something").touch()
    result = _run("demo", "--store", str(tmp_path))
    assert result.returncode == 4
    assert f"{tmp_path} is not empty".encode() in result.stderr
    assert ["something"] == os.listdir(tmp_path)


@pytest.mark.parametrize("duration", ["-1", "soon"])
def test_wrong_duration_is_refused(duration):
    """What is no span of time is wrong usage."""
    assert _run("demo", "--duration", duration).returncode == 2
