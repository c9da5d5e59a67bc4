"""Opening the catalog's database file: its schema, its version, and what is said when it cannot be used.

One SQLite file in WAL mode, so that `status` and `logs` read while the agent writes. `synchronous=normal`: a power cut may
take the last transactions, never half of one; the frames that they recorded are then cut off and read again.
"""

import sqlite3
from pathlib import Path

from logagent.errors import Exit, Failure

VERSION = 2

SCHEMA = """
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
    events INTEGER NOT NULL DEFAULT 0, last_time INTEGER NOT NULL DEFAULT 0, gaps INTEGER NOT NULL DEFAULT 0, updated REAL NOT NULL,
    lost_bytes INTEGER NOT NULL DEFAULT 0);
CREATE TABLE total(name TEXT NOT NULL, reason TEXT NOT NULL, value INTEGER NOT NULL, PRIMARY KEY(name, reason)) WITHOUT ROWID;
CREATE TABLE output(
    name TEXT PRIMARY KEY, cursor INTEGER NOT NULL, origin INTEGER NOT NULL, delivered INTEGER NOT NULL DEFAULT 0,
    duplicates INTEGER NOT NULL DEFAULT 0, dead INTEGER NOT NULL DEFAULT 0, dropped INTEGER NOT NULL DEFAULT 0, active INTEGER NOT NULL DEFAULT 1);
CREATE TABLE dead_letter(
    key INTEGER PRIMARY KEY, output TEXT NOT NULL, frame INTEGER NOT NULL, item INTEGER NOT NULL, id TEXT NOT NULL,
    status INTEGER NOT NULL, reason TEXT NOT NULL, time REAL NOT NULL, document BLOB NOT NULL, UNIQUE(output, id));
"""

UPGRADES = {  # by the version that they lead from
    1: """
ALTER TABLE source ADD COLUMN lost_bytes INTEGER NOT NULL DEFAULT 0;
UPDATE total SET reason='unknown' WHERE name='gaps' AND reason='';
""",
}


def open_database(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Open the catalog at `path`, made when absent unless `read_only`.

    Raises Failure(STORE) for one that is absent, damaged or of a newer version.
    """
    if read_only and not path.exists():
        raise Failure(
            f"there is no store at {path.parent}: start the agent with `logagent run`, or name its folder with --store",
            Exit.STORE,
        )
    try:
        return _prepare(_connect(path, read_only=read_only), path, read_only=read_only)
    except sqlite3.OperationalError as error:
        raise Failure(
            f"the catalog {path} cannot be opened ({error}): check that this user may read and write it", Exit.STORE
        ) from error
    except sqlite3.DatabaseError as error:
        raise damaged(path, error) from error


def damaged(path: Path, error: object) -> Failure:
    """Tell that the catalog is damaged, and the way out."""
    return Failure(
        f"the catalog {path} is damaged ({' '.join(str(error).split())}). The segments beside it are untouched: `zcat {path.parent}/segments/*` reads them. "
        f"To go on, run `logagent store verify --rebuild --store {path.parent}`: it makes the catalog anew from them, and reading goes on where they end",
        Exit.STORE,
    )


def _connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    mode = "ro" if read_only else "rwc"
    # The one connection of a process is shared between its threads; the catalog's lock keeps them apart.
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=10, check_same_thread=False, isolation_level=None
    )


def _prepare(db: sqlite3.Connection, path: Path, *, read_only: bool) -> sqlite3.Connection:
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        db.close()
        raise Failure(
            f"the store at {path.parent} was written by a newer logagent (catalog version {version}, this one knows {VERSION}): "
            "upgrade logagent, or give another folder with --store",
            Exit.STORE,
        )
    if not read_only:
        db.execute("PRAGMA journal_mode=wal")
        db.execute("PRAGMA synchronous=normal")
        db.execute(
            "PRAGMA wal_autocheckpoint=256"
        )  # pages: a budget of a few MiB has no room for a large log beside the database
        _bring_up(db, version)
    elif version == 0:
        db.close()
        raise Failure(f"the store at {path.parent} is just being made: try again in a moment", Exit.STORE)
    elif version < VERSION:
        db.close()
        raise Failure(
            f"the store at {path.parent} was written by an older logagent (catalog version {version}): it is brought up to date, "
            "and keeps its place, when `logagent run` opens it",
            Exit.STORE,
        )
    _check(db, path)
    return db


def _bring_up(db: sqlite3.Connection, version: int) -> None:
    """Make the schema, or bring an older one up to date: in one transaction, so that a crash leaves the old one or the new one."""
    if version < VERSION:
        steps = SCHEMA if version == 0 else "".join(UPGRADES[v] for v in range(version, VERSION))
        db.executescript(f"BEGIN;{steps}PRAGMA user_version={VERSION};COMMIT;")


def _check(db: sqlite3.Connection, path: Path) -> None:
    answer = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if answer != "ok":
        db.close()
        raise damaged(path, answer)
