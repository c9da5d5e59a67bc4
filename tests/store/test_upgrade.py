"""A catalog of an older version is brought up to date without losing its place, wherever that is interrupted."""

import shutil
import sqlite3
from contextlib import closing, suppress
from typing import Any

import pytest

from logagent.demo.container import container_id
from logagent.errors import Failure
from logagent.model import Generation, Position, Progress
from logagent.store.catalog import Catalog
from logagent.store.database import VERSION, open_database
from logagent.store.index import Index
from tests.collect.rig import Rig, numbered, say
from tests.scenarios.faults import Killed, Nth, Operations

VERSION_1 = """
CREATE TABLE identity(agent TEXT NOT NULL);
CREATE TABLE segment(id INTEGER PRIMARY KEY AUTOINCREMENT, bytes INTEGER NOT NULL DEFAULT 0, closed INTEGER NOT NULL DEFAULT 0);
CREATE TABLE frame(
    seq INTEGER PRIMARY KEY AUTOINCREMENT, segment INTEGER NOT NULL, offset INTEGER NOT NULL, length INTEGER NOT NULL,
    plain INTEGER NOT NULL, events INTEGER NOT NULL, first_time INTEGER NOT NULL, last_time INTEGER NOT NULL, created REAL NOT NULL);
CREATE INDEX frame_of_segment ON frame(segment);
CREATE TABLE container(
    key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, image TEXT NOT NULL, labels TEXT NOT NULL,
    tty INTEGER NOT NULL, log_driver TEXT NOT NULL, log_path TEXT, created TEXT NOT NULL, removed REAL);
CREATE TABLE part(
    container INTEGER NOT NULL, frame INTEGER NOT NULL, events INTEGER NOT NULL, first_time INTEGER NOT NULL, last_time INTEGER NOT NULL,
    PRIMARY KEY(container, frame)) WITHOUT ROWID;
CREATE INDEX part_of_frame ON part(frame);
CREATE TABLE source(
    container INTEGER PRIMARY KEY, generation TEXT NOT NULL, offset INTEGER NOT NULL, pending TEXT NOT NULL, inode INTEGER NOT NULL,
    events INTEGER NOT NULL DEFAULT 0, last_time INTEGER NOT NULL DEFAULT 0, gaps INTEGER NOT NULL DEFAULT 0, updated REAL NOT NULL);
CREATE TABLE total(name TEXT NOT NULL, reason TEXT NOT NULL, value INTEGER NOT NULL, PRIMARY KEY(name, reason)) WITHOUT ROWID;
CREATE TABLE output(
    name TEXT PRIMARY KEY, cursor INTEGER NOT NULL, origin INTEGER NOT NULL, delivered INTEGER NOT NULL DEFAULT 0,
    duplicates INTEGER NOT NULL DEFAULT 0, dead INTEGER NOT NULL DEFAULT 0, dropped INTEGER NOT NULL DEFAULT 0, active INTEGER NOT NULL DEFAULT 1);
CREATE TABLE dead_letter(
    key INTEGER PRIMARY KEY, output TEXT NOT NULL, frame INTEGER NOT NULL, item INTEGER NOT NULL, id TEXT NOT NULL,
    status INTEGER NOT NULL, reason TEXT NOT NULL, time REAL NOT NULL, document BLOB NOT NULL, UNIQUE(output, id));
"""
PIECE = b"p" * 16384


@pytest.fixture
def old(tmp_path):
    """A host whose store is of version 1: six lines stored, of which an output has five, one of them refused, and a long line begun."""
    rig: Any = Rig(tmp_path)
    writer = rig.container("web")
    rig.start()
    rig.store.catalog.use_outputs(["es"])
    say(rig, writer, numbered(0, 5))
    rig.read()
    (letter,) = [d for d in rig.documents() if d["message"] == "line 3"]
    rig.time = rig.clock()
    writer.write_record(PIECE, "stdout", rig.time)
    say(rig, writer, ["of stderr"], "stderr")
    rig.read()
    rig.store.catalog.count("gaps", "rotated", 2)
    rig.store.catalog.advance("es", 1, delivered=4, duplicates=1, dead=[])
    rig.stop()
    make_old(rig.folder / "catalog.db", letter["_id"])
    rig.writer = writer
    yield rig
    rig.crash()
    writer.close()


def make_old(path, letter):
    """Make the catalog at `path` one of version 1: the same rows in the tables of that version."""
    new = path.with_name("new.db")
    path.rename(new)
    with sqlite3.connect(path) as db:
        db.executescript(f"PRAGMA journal_mode=wal;{VERSION_1}PRAGMA user_version=1;")
        db.execute("ATTACH ? AS new", (str(new),))
        tables = [name for (name,) in db.execute("SELECT name FROM main.sqlite_schema WHERE type='table'")]
        for table in [t for t in tables if t != "sqlite_sequence"]:
            columns = ", ".join(row[1] for row in db.execute(f"PRAGMA main.table_info({table})"))
            db.execute(f"INSERT INTO main.{table}({columns}) SELECT {columns} FROM new.{table}")
        db.execute("UPDATE main.total SET reason='' WHERE name='gaps'")
        db.execute("UPDATE main.output SET dead=1")
        db.execute("UPDATE main.source SET gaps=2")
        db.execute("INSERT INTO main.dead_letter VALUES(1, 'es', 1, 3, ?, 400, 'why', 1.5, X'7B7D')", (letter,))
    db.close()
    new.unlink()


def content(path):
    """The version, and all rows that both versions have, in the columns of version 1."""
    columns = sqlite3.connect(":memory:")
    columns.executescript(VERSION_1)
    with sqlite3.connect(path) as db:
        rows = {"version": db.execute("PRAGMA user_version").fetchone()}
        for (table,) in columns.execute(
            "SELECT name FROM sqlite_schema WHERE type='table' AND name!='sqlite_sequence'"
        ):
            names = ", ".join(row[1] for row in columns.execute(f"PRAGMA table_info({table})"))
            rows[table] = db.execute(f"SELECT {names} FROM {table}").fetchall()
    columns.close()
    db.close()
    return rows


def test_all_is_there(old):
    """A catalog of version 1 has everything after it was opened, and is of the newest version."""
    before = content(old.folder / "catalog.db")
    Catalog(old.folder / "catalog.db").close()
    after = content(old.folder / "catalog.db")
    assert ((1,), (VERSION,)) == (before.pop("version"), after.pop("version"))
    assert [("gaps", "", 2)] == [t for t in before["total"] if t not in after["total"]]
    assert [("gaps", "unknown", 2)] == [t for t in after["total"] if t not in before["total"]]
    assert before | {"total": []} == after | {"total": []}
    assert all(before.values())


def test_what_the_words_say(old):
    """Positions, unfinished lines, outputs, dead letters and gaps of a catalog of version 1 are read as they were."""
    catalog = Catalog(old.folder / "catalog.db")
    progress = catalog.progress(container_id("web"))
    assert progress
    assert {"stdout"} == progress.pending.keys()
    assert progress.pending["stdout"].offset < progress.read.offset
    assert (
        Progress(
            Position(Generation(progress.read.generation.time), progress.read.offset), progress.pending, progress.inode
        )
        == progress
    )
    totals, (output,) = catalog.accounting()
    assert (6, 4, 1, 1, 1) == (totals["stored", ""], output.delivered, output.duplicates, output.dead, output.waiting)
    assert totals["stored", ""] - output.origin == output.delivered + output.dead + output.dropped + output.waiting
    assert ["why"] == [d.reason for d in catalog.dead_letters(9)]
    assert [2] == [s.gaps for s in catalog.sources()]
    catalog.close()


def test_life_goes_on(old):
    """An agent that takes up a store of version 1 reads on where the older one stopped: no line twice, none lost."""
    old.start().read()
    old.writer.write_record(b"end\n", "stdout", old.time)
    said = say(old, old.writer, numbered(5, 3))
    old.read()
    assert [*numbered(0, 5), PIECE.decode() + "end", *said] == old.messages(stream="stdout")
    assert ["of stderr"] == old.messages(stream="stderr")
    assert 2 == old.gaps()
    old.check()
    old.restart().read()
    assert 10 == len(old.messages())


def test_killed_while_it_is_brought_up_to_date(old, tmp_path):
    """Killed at any statement, the catalog is as it was or as it is to be, and the next opening makes it whole."""
    before, n, struck = content(old.folder / "catalog.db"), 0, "yes"
    while struck:
        n += 1
        path, struck = killed_at(n, old.folder / "catalog.db", tmp_path / str(n))
        left = content(path)
        assert before["version"] != left["version"] or before == left
        Catalog(path).close()
        done = content(path)
        assert (VERSION,) == done["version"]
        assert before["source"] == done["source"]
        assert ("gaps", "unknown", 2) in done["total"]
    assert n > 12


def killed_at(n, original, folder):
    """Open a copy of a catalog, and die at the `n`th moment; gives what lies there then, and the moment."""
    strike, left = Nth(n, Killed), folder / "left"
    left.mkdir(parents=True)
    shutil.copy(original, folder)
    with suppress(Killed), Operations(folder, strike, statements=("",)).installed():
        Catalog(folder / original.name).close()
    for path in folder.glob("catalog.db*"):
        if path.suffix != ".db-shm":
            shutil.copy(path, left)
    return left / original.name, strike.struck


def test_who_only_reads_says_what_to_do(old):
    """Read only, a catalog of version 1 is left as it is, and who asks is told what brings it up to date."""
    before = content(old.folder / "catalog.db")
    for reader in (Index, lambda path: Catalog(path, read_only=True)):
        with pytest.raises(Failure, match=r"older logagent \(catalog version 1\): .* `logagent run`"):
            reader(old.folder / "catalog.db")
    assert before == content(old.folder / "catalog.db")


def test_a_store_that_is_just_being_made(tmp_path):
    """Who reads a catalog that has no tables yet is told to try again, not that it is old."""
    with closing(sqlite3.connect(tmp_path / "catalog.db")) as db:
        db.execute("PRAGMA journal_mode=wal")
        with pytest.raises(Failure, match="is just being made: try again"):
            open_database(tmp_path / "catalog.db", read_only=True)
