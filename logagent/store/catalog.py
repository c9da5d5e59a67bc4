"""The catalog: which frames exist, how far each source was read, how far each output got. It owns everything remembered.

One connection, one lock, short transactions; `record` and `advance` are the two that matter. `record` writes a frame, the
progress of the sources that it covers and the accounting together; `advance` moves an output's cursor together with what
became of the events. So `read = stored + filtered + dropped` and, for each output,
`stored = delivered + dead + dropped + waiting` hold in every state that a crash can leave.
"""

import sqlite3
import threading
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from logagent.model import Container, DeadLetter, Frame, Progress
from logagent.store import records
from logagent.store.database import open_database
from logagent.store.records import Covered, Known, Output, Segment, Source


class Catalog:
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

    # Containers

    def remember(self, containers: Iterable[Container]) -> None:
        """Note containers as they are now: new ones, renamed ones, ones that came back."""
        with self._transaction() as db:
            db.executemany(
                "INSERT INTO container(id, name, image, labels, tty, log_driver, log_path, created) VALUES(?,?,?,?,?,?,?,?) ON CONFLICT(id) DO "
                "UPDATE SET name=excluded.name, image=excluded.image, labels=excluded.labels, tty=excluded.tty, log_driver=excluded.log_driver, "
                "log_path=excluded.log_path, removed=NULL",
                [records.container_row(c) for c in containers],
            )

    def removed(self, ids: Iterable[str], now: float) -> None:
        """Note that the containers with these ids have gone; what is stored of them stays readable."""
        with self._transaction() as db:
            db.executemany("UPDATE container SET removed=? WHERE id=? AND removed IS NULL", [(now, i) for i in ids])

    def containers(self) -> list[Known]:
        """All containers that have ever been seen and still have something stored, or are there."""
        return [
            records.known(row)
            for row in self._rows(
                "SELECT key, id, name, image, labels, tty, log_driver, log_path, created, removed FROM container ORDER BY key"
            )
        ]

    # Sources

    def progress(self, container: str) -> Progress | None:
        """How far the container with this id was read; None when it never was."""
        rows = self._rows(
            "SELECT generation, offset, pending, inode FROM source JOIN container ON key=container WHERE id=?",
            container,
        )
        return records.progress(*rows[0]) if rows else None

    def sources(self) -> list[Source]:
        """Every source that was read, of containers that are still there."""
        rows = self._rows(
            "SELECT id, name, events, last_time, gaps, updated, generation, offset, pending, inode FROM source JOIN container ON key=container "
            "WHERE removed IS NULL ORDER BY name"
        )
        return [Source(r[0], r[1], records.progress(*r[6:]), *r[2:6]) for r in rows]  # type: ignore[arg-type]  # the columns' types are the schema's

    # Frames

    def record(self, frame: Frame | None, covered: Covered, now: float) -> int:
        """Remember `frame` (its `seq` is given here and returned; None when only progress was made) and what it covers."""
        with self._transaction() as db:
            seq = _insert_frame(db, frame, now) if frame else 0
            keys = dict(db.execute("SELECT id, key FROM container"))
            db.executemany(
                "INSERT INTO part VALUES(?,?,?,?,?)",
                [(keys[c], seq, p.events, p.first_time, p.last_time) for c, p in covered.parts.items()],
            )
            db.executemany(
                "INSERT INTO source(container, generation, offset, pending, inode, updated) VALUES(?,?,?,?,?,?) ON CONFLICT(container) DO UPDATE SET "
                "generation=excluded.generation, offset=excluded.offset, pending=excluded.pending, inode=excluded.inode, updated=excluded.updated",
                [(keys[c], *records.progress_row(p), now) for c, p in covered.progress.items()],
            )
            db.executemany(
                "UPDATE source SET events=events+?, last_time=max(last_time, ?) WHERE container=?",
                [(p.events, p.last_time, keys[c]) for c, p in covered.parts.items()],
            )
            db.executemany(
                "UPDATE source SET gaps=gaps+? WHERE container=?", [(n, keys[c]) for c, n in covered.gaps.items()]
            )
            db.executemany(
                "INSERT INTO total VALUES(?,?,?) ON CONFLICT(name, reason) DO UPDATE SET value=value+excluded.value",
                [(name, reason, n) for (name, reason), n in covered.totals.items() if n],
            )
        return seq

    def frames_after(self, seq: int, limit: int) -> list[Frame]:
        """The next `limit` frames after `seq`, oldest first."""
        rows = self._rows(f"SELECT {_FRAME} FROM frame WHERE seq>? ORDER BY seq LIMIT ?", seq, limit)
        return [records.frame(r) for r in rows]

    def frames_of(
        self, keys: Sequence[int], *, since: int = 0, until: int = 2**63 - 1, after: int = 0
    ) -> list[tuple[Frame, int]]:
        """The frames after `after` that hold events of the containers `keys` between two times (ns), with how many events; oldest first."""
        if not keys:
            return []
        marks = ",".join("?" * len(keys))
        rows = self._rows(
            f"SELECT {_FRAME}, (SELECT sum(p.events) FROM part p WHERE p.frame=seq AND p.container IN ({marks})) FROM frame WHERE seq IN (SELECT frame "
            f"FROM part WHERE container IN ({marks}) AND last_time>=? AND first_time<=? AND frame>?) ORDER BY seq",
            *keys,
            *keys,
            since,
            until,
            after,
        )
        return [(records.frame(r[:8]), int(r[8])) for r in rows]  # type: ignore[call-overload]  # a sum of integers

    def last_frame(self) -> int:
        """The newest frame's number, 0 when there is none."""
        return self._number("SELECT coalesce(max(seq), 0) FROM frame")

    # Segments

    def new_segment(self) -> int:
        """Close the segments there are and begin the next; returns its number."""
        with self._transaction() as db:
            db.execute("UPDATE segment SET closed=1")
            return int(db.execute("INSERT INTO segment DEFAULT VALUES RETURNING id").fetchone()[0])

    def segments(self) -> list[Segment]:
        """All segments, oldest first."""
        rows = self._rows(
            "SELECT id, bytes, closed, coalesce(sum(events), 0), coalesce(max(seq), 0), coalesce(max(created), 0) FROM segment "
            "LEFT JOIN frame ON segment=id GROUP BY id ORDER BY id"
        )
        return [Segment(r[0], r[1], bool(r[2]), *r[3:]) for r in rows]  # type: ignore[arg-type]  # the columns' types are the schema's

    def remove_segment(self, segment: int) -> dict[str, int]:
        """Forget `segment`, its frames, and containers that are gone and have nothing left; returns, by output, how many of its events were still waiting."""
        with self._transaction() as db:
            last = db.execute("SELECT coalesce(max(seq), 0) FROM frame WHERE segment=?", (segment,)).fetchone()[0]
            lost = dict(
                db.execute(
                    "SELECT o.name, sum(f.events) FROM output o JOIN frame f ON f.seq>o.cursor WHERE o.active AND f.segment=? GROUP BY o.name",
                    (segment,),
                )
            )
            db.executemany(
                "UPDATE output SET dropped=dropped+?, cursor=max(cursor, ?) WHERE name=?",
                [(n, last, name) for name, n in lost.items()],
            )
            db.execute("DELETE FROM part WHERE frame IN (SELECT seq FROM frame WHERE segment=?)", (segment,))
            db.execute("DELETE FROM frame WHERE segment=?", (segment,))
            db.execute("DELETE FROM segment WHERE id=?", (segment,))
            db.execute(
                "DELETE FROM source WHERE container IN (SELECT key FROM container WHERE removed IS NOT NULL AND NOT EXISTS(SELECT 1 FROM part WHERE container=key))"
            )
            db.execute(
                "DELETE FROM container WHERE removed IS NOT NULL AND NOT EXISTS(SELECT 1 FROM part WHERE container=key)"
            )
        return lost

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
            _add(db, "dead_letters_trimmed", "", gone)
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
            _add(db, name, reason, number)

    def size(self) -> int:
        """Bytes of the database on disk."""
        return sum(f.stat().st_size for f in (self.path, self.path.with_name(self.path.name + "-wal")) if f.exists())

    def _number(self, sql: str, *values: object) -> int:
        rows = self._rows(sql, *values)
        return int(rows[0][0]) if rows else 0  # type: ignore[call-overload]  # an INTEGER column


_FRAME = "seq, segment, offset, length, plain, events, first_time, last_time"


def _add(db: sqlite3.Connection, name: str, reason: str, number: int) -> None:
    if number:
        db.execute(
            "INSERT INTO total VALUES(?,?,?) ON CONFLICT(name, reason) DO UPDATE SET value=value+excluded.value",
            (name, reason, number),
        )


def _insert_frame(db: sqlite3.Connection, frame: Frame, now: float) -> int:
    cursor = db.execute(
        "INSERT INTO frame(segment, offset, length, plain, events, first_time, last_time, created) VALUES(?,?,?,?,?,?,?,?) RETURNING seq",
        (frame.segment, frame.offset, frame.length, frame.plain, frame.events, frame.first_time, frame.last_time, now),
    )
    seq = int(cursor.fetchone()[0])
    db.execute("UPDATE segment SET bytes=? WHERE id=?", (frame.offset + frame.length, frame.segment))
    return seq
