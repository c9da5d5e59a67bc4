"""`logagent store verify`: what it prints, changes and returns, as an operator meets it."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from logagent.cli.store import store
from logagent.store.verify import condition
from tests.store.stores import DB, batch, opened, put


@pytest.fixture
def folder(tmp_path):
    """Give the folder of a closed store of three frames with three events each, and gaps nowhere."""
    opened_store = opened(tmp_path / "store")
    for n in range(3):
        put(opened_store, batch(n, 2), batch(n, 1, DB))
    opened_store.close()
    return tmp_path / "store"


def run(*arguments):
    """Run `logagent store verify`."""
    return CliRunner().invoke(store, ["verify", *map(str, arguments)], env={"LOGAGENT_CONFIG": ""})


def lose(folder):
    """Delete the catalog."""
    for file in folder.glob("catalog.db*"):
        file.unlink()


def flip(folder):
    """Damage the last frame's checksum."""
    path = folder / "segments/00000001.ndjson.gz"
    data = bytearray(path.read_bytes())
    data[-6] ^= 1
    path.write_bytes(data)


def damage_catalog(folder):
    """Make the catalog no database."""
    (folder / "catalog.db").write_bytes(b"\x1b[31mno database" * 400)


def test_all_is_well(folder):
    """A whole store is told in one line, with status 0."""
    result = run("--store", folder)
    assert (0, "All is well: 1 segment, 3 frames, 9 events checked: no problem.\n") == (result.exit_code, result.stdout)


def test_problems(folder):
    """Each problem stands on a line of its own with what to do, and is counted at the end; status 1."""
    flip(folder)
    (folder / "segments/00000007.ndjson.gz").write_bytes(b"?")
    result = run("--store", folder)
    first, second, last = result.stdout.splitlines()
    assert 1 == result.exit_code
    assert first.startswith("segment 1, frame 3: its gzip member is damaged")
    assert second.startswith("segment 7: the catalog does not know this segment of 1 bytes")
    assert "What to do: " in first
    assert "1 segment, 3 frames, 9 events checked: 2 problems." == last


def test_surplus_is_a_note(folder):
    """What the next start mends by itself is told, and all is well."""
    with (folder / "segments/00000001.ndjson.gz").open("ab") as file:
        file.write(b"torn")
    result = run("--store", folder)
    assert 0 == result.exit_code
    assert result.stdout.startswith("note: segment 1: 4 bytes lie behind the last recorded frame. ")


def test_json(folder):
    """One JSON object has the counts and every finding."""
    flip(folder)
    result = run("--store", folder, "--json")
    value = json.loads(result.stdout)
    assert (1, False, 1, 9, None) == (
        result.exit_code,
        value["healthy"],
        value["problems"],
        value["events"],
        value["rebuilt"],
    )
    (found,) = value["found"]
    assert ("damaged", 1, 3, True) == (found["reason"], found["segment"], found["frame"], found["fault"])


def test_lost_catalog(folder):
    """A lost catalog is made anew, and it is said what that means; then all is well."""
    lose(folder)
    result = run("--store", folder)
    assert 0 == result.exit_code, result.output
    assert "made anew from 1 segment, 3 frames, 9 events, 2 containers: no problem." in result.stdout
    assert "outputs get everything again" in result.stdout
    assert 0 == run("--store", folder).exit_code
    assert 4 == run("--store", folder / "none").exit_code


def test_lost_catalog_is_only_told(folder):
    """With --check nothing is made, and the status is 1."""
    lose(folder)
    result = run("--check", "--store", folder)
    assert 1 == result.exit_code
    assert result.stdout.startswith("catalog: there are 1 segments, but no catalog.db. What to do: ")
    assert not (folder / "catalog.db").exists()


def test_damaged_catalog(folder):
    """A damaged catalog is told with the way out; --rebuild makes it anew and keeps the old one."""
    damage_catalog(folder)
    result = run("--store", folder)
    assert 1 == result.exit_code
    assert "--rebuild" in result.stdout
    assert "damaged" == condition(folder).kind
    result = run("--rebuild", "--store", folder, "--json")
    assert (0, {"containers": 2, "old_catalog": "catalog.db.damaged-1"}) == (
        result.exit_code,
        json.loads(result.stdout)["rebuilt"],
    )
    assert (folder / "catalog.db.damaged-1").exists()


def test_rebuild_where_nothing_is_wrong(folder):
    """--rebuild leaves a catalog alone that is whole, also when a frame is damaged that no rebuild mends."""
    assert "All is well" in run("--rebuild", "--store", folder).stdout
    flip(folder)
    assert 1 == run("--rebuild", "--store", folder).exit_code
    assert not list(folder.glob("catalog.db.damaged*"))


def test_rebuild_while_an_agent_runs(folder):
    """It is refused with a sentence and status 4."""
    running = opened(folder)
    running.catalog.count("read", "", 1)
    result = run("--rebuild", "--store", folder)
    running.close()
    assert 4 == result.exit_code
    assert "stop the agent" in result.stderr
    assert not list(folder.glob("catalog.db.*"))


def test_usage(tmp_path, folder):
    """--check with --rebuild, and settings that are not valid, are refused with status 2."""
    assert 2 == run("--check", "--rebuild", "--store", folder).exit_code
    file = tmp_path / "logagent.yaml"
    file.write_text("store: {max_sise: 1}\n")
    assert 2 == run("--config", file).exit_code


def test_the_settings_name_the_store(tmp_path, folder):
    """Without --store the settings' folder is checked."""
    file = tmp_path / "logagent.yaml"
    file.write_text(f"store: {{path: {folder}}}\n")
    assert "All is well" in run("--config", file).stdout


def test_statuses_are_documented():
    """Scripts can rely on what --help says."""
    text = run("--help").stdout
    assert all(f"  {status}  " in text for status in (0, 1, 2, 4))


def test_as_a_command(folder):
    """The verb is found from the command line."""
    command = [sys.executable, "-c", "from logagent.cli import main; main()", "store", "verify", "--store", str(folder)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (0, True) == (done.returncode, done.stdout.startswith("All is well"))
