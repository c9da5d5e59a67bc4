"""The catalog: which frames exist, how far each source was read, how far each output got. It owns everything remembered.

One connection, one lock, short transactions; `record` and `advance` are the two that matter. `record` writes a frame, the
progress of the sources that it covers and the accounting together. So `read = stored + filtered + dropped` holds in every
state that a crash can leave.
"""

import sqlite3
from collections.abc import Iterable, Sequence

from logagent.model import Container, Frame, Progress
from logagent.store import records
from logagent.store.ledger import Ledger
from logagent.store.records import Covered, Known, Segment, Source


class Catalog(Ledger):
    """The database at `path`. Raises Failure(STORE) when it cannot be used; sqlite3.Error when the disk fails later."""

    # Containers

    def remember(self, containers: Iterable[Container]) -> None:
        """Note containers as they are now: new ones, renamed ones, ones that came back."""
        with self._transaction() as db:
            db.executemany(
                "INSERT INTO container(id, name, image, labels, tty, log_driver, log_path, created) VALUES(?,?,?,?,?,?,?,?) ON CONFLICT(id) DO "
                "UPDATE SET name=excluded.name, image=excluded.image, labels=excluded.labels, tty=excluded.tty, log_driver=excluded.log_driver, "
                "log_path=excluded.log_path, created=coalesce(nullif(excluded.created, ''), created), removed=NULL",
                [records.container_row(c) for c in containers],
            )

    def removed(self, ids: Iterable[str], now: float) -> None:
        """Note that the containers with these ids have gone; what is stored of them stays readable."""
        with self._transaction() as db:
            _mark_removed(db, ids, now)

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

    def last_time(self, container: str) -> int:
        """The time in ns of the newest event of the container with this id; 0 when there is none."""
        return self._number("SELECT last_time FROM source JOIN container ON key=container WHERE id=?", container)

    def sources(self) -> list[Source]:
        """Every source that was read, of containers that are still there."""
        rows = self._rows(
            "SELECT id, name, events, last_time, gaps, updated, lost_bytes, generation, offset, pending, inode FROM source JOIN container ON key=container "
            "WHERE removed IS NULL ORDER BY name"
        )
        return [Source(r[0], r[1], records.progress(*r[7:]), *r[2:7]) for r in rows]  # type: ignore[arg-type]  # the columns' types are the schema's

    # Frames

    def record(self, frame: Frame | None, covered: Covered, now: float) -> int:
        """Remember `frame` (its `seq` is given here and returned; None when only progress was made) and what it covers."""
        with self._transaction() as db:
            seq = _insert_frame(db, frame, now) if frame else 0
            keys = _keys(db, (*covered.parts, *covered.progress, *covered.gaps))
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
                "UPDATE source SET gaps=gaps+?, lost_bytes=lost_bytes+? WHERE container=?",
                [(len(gaps), sum(g.bytes for g in gaps), keys[c]) for c, gaps in covered.gaps.items()],
            )
            db.executemany(
                "INSERT INTO total VALUES(?,?,?) ON CONFLICT(name, reason) DO UPDATE SET value=value+excluded.value",
                [(name, reason, n) for (name, reason), n in covered.totals.items() if n],
            )
            _mark_removed(db, covered.removed, now)
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
            "SELECT id, bytes, closed, coalesce(sum(events), 0), coalesce(max(seq), 0), coalesce(max(created), 0), coalesce(min(created), 0) FROM segment "
            "LEFT JOIN frame ON segment=id GROUP BY id ORDER BY id"
        )
        return [Segment(r[0], r[1], bool(r[2]), *r[3:]) for r in rows]  # type: ignore[arg-type]  # the columns' types are the schema's

    def segment_bytes(self) -> int:
        """Bytes of all segments together."""
        return self._number("SELECT coalesce(sum(bytes), 0) FROM segment")

    def newest_segment(self) -> int:
        """The highest number that a segment ever had, 0 when there never was one."""
        return self._number("SELECT seq FROM sqlite_sequence WHERE name='segment'")

    def remove_segment(self, segment: int) -> dict[str, int]:
        """Forget `segment`, its frames, and containers that are gone and have nothing left; returns, by output in use, how many of its events were still waiting."""
        with self._transaction() as db:
            last = db.execute("SELECT coalesce(max(seq), 0) FROM frame WHERE segment=?", (segment,)).fetchone()[0]
            lost = db.execute(
                "SELECT o.name, o.active, sum(f.events) FROM output o JOIN frame f ON f.seq>o.cursor WHERE f.segment=? GROUP BY o.name",
                (segment,),
            ).fetchall()
            db.executemany(
                "UPDATE output SET dropped=dropped+?, cursor=max(cursor, ?) WHERE name=?",
                [(events, last, name) for name, _, events in lost],
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
        return {name: events for name, active, events in lost if active}


_FRAME = "seq, segment, offset, length, plain, events, first_time, last_time"


def _keys(db: sqlite3.Connection, ids: Iterable[str]) -> dict[str, int]:
    find = "SELECT id, key FROM container WHERE id=?"
    return dict(db.execute(find, (i,)).fetchone() for i in dict.fromkeys(ids))


def _mark_removed(db: sqlite3.Connection, ids: Iterable[str], now: float) -> None:
    db.executemany("UPDATE container SET removed=? WHERE id=? AND removed IS NULL", [(now, i) for i in ids])


def _insert_frame(db: sqlite3.Connection, frame: Frame, now: float) -> int:
    cursor = db.execute(
        "INSERT INTO frame(segment, offset, length, plain, events, first_time, last_time, created) VALUES(?,?,?,?,?,?,?,?) RETURNING seq",
        (frame.segment, frame.offset, frame.length, frame.plain, frame.events, frame.first_time, frame.last_time, now),
    )
    seq = int(cursor.fetchone()[0])
    db.execute("UPDATE segment SET bytes=? WHERE id=?", (frame.offset + frame.length, frame.segment))
    return seq
