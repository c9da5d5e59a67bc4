"""The catalog's connection, and its accounts: how many events came in, and how far each output got with them.

`advance` moves an output's cursor together with what became of the events, so that for each output
`stored = delivered + dead + dropped + waiting` (behind its origin) holds in every state that a crash can leave.
"""

import sqlite3
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from logagent.model import DeadLetter
from logagent.store.database import open_database
from logagent.store.records import Output


class Ledger:
    """The database at `path`. Raises Failure(STORE) when it cannot be used; sqlite3.Error when the disk fails later."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self._db = open_database(path, read_only=read_only)
        self._lock = threading.RLock()

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()

    @contextmanager
    def _transaction(self, kind: str = "IMMEDIATE") -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute(f"BEGIN {kind}")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def durable(self) -> Iterator[None]:
        """Transactions in here wait until they are on disk: a power cut does not take them, nor those before them."""
        with self._lock:
            self._db.execute("PRAGMA synchronous=full")
            try:
                yield
            finally:
                self._db.execute("PRAGMA synchronous=normal")

    def _rows(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def agent_id(self) -> str:
        """Give the id of the agent that writes this store: the same as long as the store is."""
        with self._transaction() as db:
            row = db.execute("SELECT agent FROM identity").fetchone()
            agent = str(row[0]) if row else str(uuid.uuid4())
            db.executemany("INSERT INTO identity VALUES(?)", [] if row else [(agent,)])
        return agent

    def known_agent(self) -> str:
        """The same for who only reads; empty when no agent has used this store yet."""
        return str(next(iter(self._rows("SELECT agent FROM identity")), ("",))[0])

    # Outputs

    def use_outputs(self, names: Sequence[str]) -> None:
        """Say which outputs are in use; a new one begins with the oldest frame that is stored."""
        with self._transaction() as db:
            db.execute("UPDATE output SET active=0")
            kept = db.execute("SELECT coalesce(min(seq), 1) - 1, coalesce(sum(events), 0) FROM frame").fetchone()
            stored = db.execute("SELECT coalesce(sum(value), 0) FROM total WHERE name='stored'").fetchone()[0]
            if not kept[1]:
                newest = db.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name='frame'").fetchone()
                kept = (newest[0], 0)
            db.executemany(
                "INSERT INTO output(name, cursor, origin) VALUES(?,?,?) ON CONFLICT(name) DO UPDATE SET active=1",
                [(name, kept[0], stored - kept[1]) for name in names],
            )

    def outputs(self) -> list[Output]:
        """The outputs in use, and how far they got."""
        rows = self._rows(
            "SELECT name, cursor, delivered, duplicates, dead, dropped, (SELECT coalesce(sum(events), 0) FROM frame WHERE seq>cursor), "
            "origin, (SELECT created FROM frame WHERE seq>cursor ORDER BY seq LIMIT 1) FROM output WHERE active ORDER BY name"
        )
        return [Output(*r) for r in rows]  # type: ignore[arg-type]  # the columns' types are the schema's

    def cursor(self, output: str) -> int:
        """The newest frame up to which all are done with for `output`."""
        return self._number("SELECT cursor FROM output WHERE name=?", output)

    def advance(self, output: str, frame: int, *, delivered: int, duplicates: int, dead: Sequence[DeadLetter]) -> None:
        """Move `output` past `frame`, the next after its cursor, with what became of its events (`delivered` includes `duplicates`).

        Nothing happens when the cursor is past it already: the store let the frame go meanwhile and counted it as dropped.
        """
        with self._transaction() as db:
            moved = db.execute(
                "UPDATE output SET cursor=?, delivered=delivered+?, duplicates=duplicates+?, dead=dead+? WHERE name=? AND cursor<?",
                (frame, delivered, duplicates, len(dead), output, frame),
            ).rowcount
            if not moved:
                return
            db.executemany(
                "INSERT OR REPLACE INTO dead_letter(output, frame, item, id, status, reason, time, document) VALUES(?,?,?,?,?,?,?,?)",
                [(d.output, d.frame, d.item, d.id, d.status, d.reason, d.time, d.document) for d in dead],
            )

    def dead_letters(self, limit: int) -> list[DeadLetter]:
        """The newest `limit` dead letters, newest first."""
        rows = self._rows(
            "SELECT output, frame, item, id, status, reason, time, document FROM dead_letter ORDER BY key DESC LIMIT ?",
            limit,
        )
        return [DeadLetter(*r) for r in rows]  # type: ignore[arg-type]  # the columns' types are the schema's

    def trim_dead_letters(self, budget: int) -> int:
        """Keep the newest dead letters whose documents fit into `budget` bytes; returns how many went."""
        with self._transaction() as db:
            gone = db.execute(
                "DELETE FROM dead_letter WHERE key IN (SELECT key FROM (SELECT key, sum(length(document)) OVER (ORDER BY key DESC) AS used "
                "FROM dead_letter) WHERE used>?)",
                (budget,),
            ).rowcount
            add(db, "dead_letters_trimmed", "", gone)
        return gone

    # Accounting

    def totals(self) -> dict[tuple[str, str], int]:
        """The accounting since the store began: ('read' | 'stored' | 'filtered' | 'dropped' | …, reason) → count."""
        return {(str(n), str(r)): int(v) for n, r, v in self._rows("SELECT name, reason, value FROM total")}  # type: ignore[call-overload]  # an INTEGER column

    def accounting(self) -> tuple[dict[tuple[str, str], int], list[Output]]:
        """`totals` and `outputs` as of one moment, so that their sums agree."""
        with self._transaction("DEFERRED"):
            return self.totals(), self.outputs()

    def count(self, name: str, reason: str, number: int) -> None:
        """Add `number` to one of the accounting's counters."""
        with self._transaction() as db:
            add(db, name, reason, number)

    def size(self) -> int:
        """Bytes of the database that are in use: pages that removed segments gave back are filled again first."""
        return self._number(
            "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
        )

    def _number(self, sql: str, *values: object) -> int:
        rows = self._rows(sql, *values)
        return int(rows[0][0]) if rows else 0  # type: ignore[call-overload]  # an INTEGER column


def add(db: sqlite3.Connection, name: str, reason: str, number: int) -> None:
    """Add `number` to one of the accounting's counters, in a transaction that is under way."""
    if number:
        db.execute(
            "INSERT INTO total VALUES(?,?,?) ON CONFLICT(name, reason) DO UPDATE SET value=value+excluded.value",
            (name, reason, number),
        )
