"""`logagent run` as it is installed: what is there is stored and delivered, and bad input ends it with one clear sentence."""

import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from logagent import agent
from logagent.cli.run import build, load_settings
from logagent.demo.container import container_id, create_container
from logagent.demo.writer import LogWriter
from logagent.errors import Exit
from logagent.store.catalog import Catalog
from logagent.store.lock import Lock

COMMAND = Path(sys.executable).with_name("logagent")
LINES = 50


@pytest.fixture
def host(tmp_path):
    """A data root with one container that printed some lines."""
    root = tmp_path / "docker"
    directory = create_container(str(root), "web", "busybox")
    writer = LogWriter(directory, container_id("web"))
    for number in range(LINES):
        writer.write("stdout", b"line %d\n" % number, 1_790_000_000_000_000_000 + number)
    writer.close()
    return root


@pytest.fixture
def run(host, tmp_path):
    """Run the command with `--once` on that host; gives its status and what it said."""

    def call(*words: str | Path, **settings: str) -> tuple[int, str]:
        given = {"LOGAGENT_ENGINE__ENABLED": "off", "LOGAGENT_WEB__ENABLED": "false", "LOGAGENT_STORE__MIN_FREE": "0"}
        places = ["--data-root", host, "--store", tmp_path / "store"]
        done = subprocess.run(
            [COMMAND, "run", "--once", *places, *words],
            env={**os.environ, **given, **settings},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return done.returncode, done.stderr

    return call


def stored(store: Path) -> int:
    """How many events the store has."""
    catalog = Catalog(store / "catalog.db", read_only=True)
    try:
        return catalog.totals().get(("stored", ""), 0)
    finally:
        catalog.close()


def test_once_stores_what_is_there_and_ends(run, tmp_path):
    """Without an output the store is the product: every line is in it once, however often it is run."""
    assert [0, 0] == [run()[0], run()[0]]
    assert stored(tmp_path / "store") == LINES


def test_all_problems_of_the_settings_are_told_together(run, tmp_path):
    """An unknown key and a wrong unit: status 2, each with its key on a line, and nothing was begun."""
    file = tmp_path / "logagent.yaml"
    file.write_text("stor: {}\nstore: {max_age: 5 parsecs}\n")
    status, said = run("--config", file)
    assert Exit.USAGE == status
    assert "stor: unknown key; did you mean store?" in said
    assert "store.max_age" in said
    assert not (tmp_path / "store").exists()


def test_url_that_is_none(run):
    """An output's URL that cannot be one: status 2, and what one looks like."""
    status, said = run("--output", "ftp://x")
    assert (Exit.USAGE, True) == (status, "write http://host:port or https://host:port" in said)


def test_no_data_root(run, tmp_path):
    """A data root that is not there: status 3, and which flag names another."""
    status, said = run("--data-root", tmp_path / "nowhere")
    assert (Exit.HOST, True) == (status, "give --data-root" in said)


def test_store_that_cannot_be_written(run, tmp_path):
    """A store below a file: status 4, and which flag names another."""
    (tmp_path / "file").write_text("")
    status, said = run("--store", tmp_path / "file" / "store")
    assert (Exit.STORE, True) == (status, "--store" in said)


def test_second_agent_on_a_store(run, tmp_path):
    """A store that another agent holds: status 4, and who that is."""
    (tmp_path / "store").mkdir()
    lock = Lock(tmp_path / "store")
    status, said = run()
    lock.release()
    assert (Exit.STORE, True) == (status, f"another agent (pid {os.getpid()})" in said)


def test_store_of_a_newer_version(run, tmp_path):
    """A store of a newer logagent: status 4, and it is left as it was."""
    run()
    with sqlite3.connect(tmp_path / "store" / "catalog.db") as database:
        database.execute("PRAGMA user_version=99")
    database.close()
    status, said = run()
    assert (Exit.STORE, True) == (status, "upgrade logagent" in said)


def test_damaged_catalog(run, tmp_path):
    """A damaged catalog: status 4, the way out is told, and the segments are left as they were."""
    run()
    catalog, segment = tmp_path / "store" / "catalog.db", tmp_path / "store" / "segments" / "00000001.ndjson.gz"
    before = segment.read_bytes()
    with catalog.open("r+b") as file:
        file.seek(4096)
        file.write(b"x" * 16384)
    status, said = run()
    assert (Exit.STORE, True, True) == (status, "is damaged" in said, "zcat" in said)
    assert before == segment.read_bytes()


def test_port_that_is_taken(run):
    """A metrics port that another program has: status 5, and how to give another one."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        status, said = run(LOGAGENT_WEB__ENABLED="true", LOGAGENT_WEB__PORT=port)
    assert (Exit.NETWORK, True, True) == (status, port in said, "web.port" in said)


def test_output_that_refuses_connections(host, tmp_path, monkeypatch):
    """An output that is not there: status 5 after a while without progress, and all is stored for the next run."""
    monkeypatch.setattr(agent, "GIVE_UP", 0.5)
    monkeypatch.setenv("LOGAGENT_ENGINE__ENABLED", "off")
    monkeypatch.setenv("LOGAGENT_WEB__ENABLED", "false")
    monkeypatch.setenv("LOGAGENT_STORE__MIN_FREE", "0")
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    settings = load_settings(None, data_root=host, store=tmp_path / "store", outputs=(url,))
    unlucky = build(settings)
    assert not unlucky.run_once()
    refused = agent.failure_of(unlucky)
    assert (Exit.NETWORK, True) == (refused.status, "connection refused" in str(refused))
    assert stored(tmp_path / "store") == LINES


def test_output_that_is_no_elasticsearch(run, tmp_path, httpserver):
    """A URL of something else: status 5 at once, with its answer, and all is stored for the next run."""
    httpserver.expect_request(re.compile(".*")).respond_with_data("what?", status=404)
    status, said = run("--output", httpserver.url_for(""))
    assert (Exit.NETWORK, True) == (status, "404" in said)
    assert stored(tmp_path / "store") == LINES


def printing(host, tmp_path, *, reads: str = "cat") -> tuple[str, str]:
    """What `run --once --output -` prints into a pipe that `reads` has the other end of, and what it says."""
    given = {"LOGAGENT_ENGINE__ENABLED": "off", "LOGAGENT_WEB__ENABLED": "false", "LOGAGENT_STORE__MIN_FREE": "0"}
    words = [
        str(COMMAND),
        "run",
        "--once",
        "--output",
        "-",
        "--data-root",
        str(host),
        "--store",
        str(tmp_path / "store"),
    ]
    line = f"{' '.join(words)} | {reads}"
    done = subprocess.run(
        ["sh", "-c", line], env={**os.environ, **given}, capture_output=True, text=True, check=False, timeout=60
    )
    return done.stdout, done.stderr


def test_stdout_has_the_documents_and_nothing_else(host, tmp_path):
    """With `--output -` every document is a line on stdout; a second run prints only what is new, which is nothing."""
    printed, said = printing(host, tmp_path)
    assert [f"line {n}" for n in range(LINES)] == [json.loads(line)["message"] for line in printed.splitlines()]
    assert "stored" not in printed
    assert "ERROR" not in said
    assert "" == printing(host, tmp_path)[0]


def test_nobody_reads_stdout(host, tmp_path):
    """A reader that has gone is told as what hinders the output, and everything stays stored."""
    _, said = printing(host, tmp_path, reads="true")
    assert ("stdout cannot be written (Broken pipe)" in said) or "ERROR" not in said
    assert LINES == stored(tmp_path / "store")
