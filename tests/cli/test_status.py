"""`logagent status` reads any store, busy or not, and its exit status says whether all is well."""

import json
import os
import time

import pytest
from click.testing import CliRunner

from logagent.cli.status import agent_runs, status
from logagent.demo.container import container_id, create_container
from logagent.demo.writer import LogWriter
from logagent.engine.metadata import read_container
from logagent.model import Batch, Generation, Position, Progress
from logagent.store.retention import Budget
from logagent.store.store import Store

LINE = 1_795_000_000 * 10**9


@pytest.fixture
def folder(tmp_path):
    """Give the folder of a store that is going to be made."""
    return tmp_path / "store"


@pytest.fixture
def log(tmp_path):
    """Give the writer of one container's log."""
    directory = create_container(str(tmp_path), "web-1", "nginx")
    with LogWriter(directory, container_id("web-1")) as writer:
        writer.write("stdout", b"one\n", LINE)
        yield writer


@pytest.fixture
def store(folder, log):
    """Give an open store that has read all of the log, the newest line two seconds old."""
    store = Store(folder, Budget(1 << 30), segment_size=1 << 20, frame_size=4096, frame_time=1)
    container = read_container(os.path.dirname(log.path))
    assert container is not None
    store.catalog.remember([container])
    newest = time.time_ns() - 2 * 10**9
    read = Position(Generation(LINE), os.path.getsize(log.path))
    progress = Progress(read, inode=os.stat(log.path).st_ino)
    store.add(Batch(container.id, b"{}\n{}\n", 1, newest, newest, progress), time.time())
    assert store.commit(time.time())
    yield store
    if agent_runs(folder):  # a test may have closed it
        store.close()


def _run(*arguments):
    return CliRunner().invoke(status, [str(a) for a in arguments], env={"LOGAGENT_CONFIG": "", "COLUMNS": "140"})


def _json(folder):
    return json.loads(_run("--json", "--store", folder).stdout)


def test_all_is_well_while_the_agent_runs(store, folder):
    """The first line says so, the table has the source, and the exit status is 0."""
    result = _run("--store", folder)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("All is well: the agent runs and reads 1 source, 1 event stored.\n")
    assert "web-1" in result.stdout
    assert "1 frame in 1 segment" in result.stdout


def test_lag_is_what_the_files_hold_beyond_the_store(store, folder, log):
    """A line that is not stored yet counts in bytes, and the newest stored line's age in seconds."""
    source = _json(folder)["sources"][0]
    assert (0, 0.0) == (source["lag_bytes"], source["lag_seconds"])
    before = os.path.getsize(log.path)
    log.write("stdout", b"two\n", LINE + 1)
    source = _json(folder)["sources"][0]
    assert os.path.getsize(log.path) - before == source["lag_bytes"]
    assert 2 <= source["lag_seconds"] < 60


def test_unread_logs_without_an_agent_need_attention(store, folder, log):
    """After the agent's end the lag is told as a thing to look at, and the exit status is 1."""
    log.write("stdout", b"two\n", LINE + 1)
    store.close()
    result = _run("--store", folder)
    assert result.exit_code == 1
    assert result.stdout.startswith("1 thing to look at; no agent runs on this store.\n- no agent runs, and ")


def test_outputs_have_their_row(store, folder):
    """Cursor, delivered and waiting events of each output are in the table."""
    store.catalog.use_outputs(["es-1"])
    result = _run("--store", folder)
    assert "0 of 1" in result.stdout
    assert "es-1" in result.stdout


def test_undelivered_bytes_are_those_behind_the_cursor(store, folder):
    """A segment counts as undelivered until its last frame is done with; without outputs nothing does."""
    assert _json(folder)["store"]["undelivered_bytes"] == 0
    store.catalog.use_outputs(["es-1"])
    found = _json(folder)["store"]["undelivered_bytes"]
    assert found == store.catalog.segments()[0].bytes > 0
    store.catalog.advance("es-1", 1, delivered=1, duplicates=0, dead=[])
    assert _json(folder)["store"]["undelivered_bytes"] == 0


def test_hostile_name_steers_no_terminal(store, folder, log):
    """Escape sequences and markup in a container's name are shown, not obeyed."""
    store.catalog._db.execute("UPDATE container SET name=?", ("\x1b[31m[bold]x",))
    result = _run("--store", folder)
    assert "?[31m[bold]x" in result.stdout


def test_store_without_files_of_docker_is_still_read(store, folder, log):
    """Where the log files are gone or not readable, everything else is told."""
    os.unlink(log.path)
    assert _run("--store", folder).exit_code == 0


def test_no_store_is_told(tmp_path):
    """A folder without a store gives one sentence and exit status 4, and nothing is made there."""
    result = _run("--store", tmp_path / "none")
    assert result.exit_code == 4
    assert f"there is no store at {tmp_path}/none" in result.stderr
    assert not (tmp_path / "none").exists()


def test_wrong_settings_are_told(tmp_path):
    """Settings that are not valid give exit status 2."""
    file = tmp_path / "logagent.yaml"
    file.write_text("store: {max_sise: 1}\n")
    assert _run("--config", file).exit_code == 2


def test_agent_is_seen_by_its_lock(store, folder):
    """The lock is seen while it is held; looking at it does not take it."""
    assert agent_runs(folder)
    store.close()
    assert not agent_runs(folder)
    assert not agent_runs(folder / "none")
