"""The catalog as its readers see it: which containers there are and which frames hold them, page by page.

Opened for reading only, beside a running agent; each question is its own short transaction, so that a pager left open keeps
nothing from being checkpointed or removed. What retention removed between two pages shows as a higher `oldest`.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from logagent.errors import Exit, Failure
from logagent.model import Frame
from logagent.store import records
from logagent.store.database import damaged, open_database
from logagent.store.records import Known, Part

PAGE = 256
# ns. The times of a part are those of its first and last record, but streams interleave, and clocks step.
SLACK = 10 * 10**9
NEWEST = 2**63 - 1

_COLUMNS = (
    "f.seq, f.segment, f.offset, f.length, f.plain, f.events, f.first_time, f.last_time, p.events, p.first_time, p.last_time "
    "FROM part p JOIN frame f ON f.seq=p.frame WHERE p.container=?"
)

_OF = "FROM part p JOIN frame f ON f.seq=p.frame WHERE (?1 IS NULL OR p.container IN (SELECT value FROM json_each(?1))) AND p.last_time>=?2 AND p.first_time<=?3"
_FRAMES = (
    f"SELECT f.seq, f.segment, f.offset, f.length, f.plain, f.events, f.first_time, f.last_time, sum(p.events) {_OF} "
    f"AND f.seq>?4 AND f.seq<=?5 GROUP BY f.seq ORDER BY f.seq LIMIT {PAGE}"
)
_EVENTS = f"SELECT coalesce(sum(p.events), 0) {_OF} AND f.seq<=?4"


def _span(containers: Sequence[int] | None, since: int, until: int) -> tuple[str | None, int, int]:
    keys = None if containers is None else json.dumps(list(containers))
    return keys, max(0, since - SLACK), min(NEWEST, until + SLACK)


class Index:
    """The catalog at `path`. Raises Failure(STORE) when there is none or it cannot be used, then and at each question."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = open_database(path, read_only=True)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def containers(self) -> list[Known]:
        """All containers of which something may be stored, in the order they were first seen."""
        rows = self._rows(
            "SELECT key, id, name, image, labels, tty, log_driver, log_path, created, removed FROM container ORDER BY key"
        )
        return [records.known(row) for row in rows]

    def oldest(self) -> int:
        """The oldest frame that is still stored; 0 when there is none."""
        return self._number("SELECT coalesce(min(seq), 0) FROM frame")

    def newest(self) -> int:
        """The newest frame; 0 when there is none."""
        return self._number("SELECT coalesce(max(seq), 0) FROM frame")

    def parts(
        self, container: int, *, after: int, last: int, since: int = 0, until: int = NEWEST
    ) -> Iterator[tuple[Frame, Part]]:
        """What the frames behind `after` up to `last` hold of the container with this key; oldest first.

        Frames that cannot hold events between the times `since` and `until` (ns) are passed over.
        """
        between = (max(0, since - SLACK), min(NEWEST, until + SLACK))
        while page := self._page("AND p.frame>? AND p.frame<=?", "ASC", container, after, last, *between):
            yield from page
            after = page[-1][0].seq

    def parts_back(self, container: int, last: int) -> Iterator[tuple[Frame, Part]]:
        """What the frames up to `last` hold of the container with this key; newest first."""
        while page := self._page("AND p.frame>? AND p.frame<=?", "DESC", container, 0, last, 0, NEWEST):
            yield from page
            last = page[-1][0].seq - 1

    def frames(
        self, containers: Sequence[int] | None, *, last: int, since: int = 0, until: int = NEWEST
    ) -> Iterator[tuple[Frame, int]]:
        """The frames up to `last` that may hold events of the containers with these keys (None: of all) between two times (ns).

        Each with how many events it has of them; oldest first. What retention removes meanwhile is passed over.
        """
        after = 0
        while page := self._rows(_FRAMES, *_span(containers, since, until), after, last):
            yield from ((records.frame(row[:8]), int(row[8])) for row in page)  # type: ignore[call-overload]  # an INTEGER column
            after = int(page[-1][0])  # type: ignore[call-overload]  # the same

    def events(self, containers: Sequence[int] | None, *, last: int, since: int = 0, until: int = NEWEST) -> int:
        """How many events of the containers all these frames have together."""
        number: int = self._rows(_EVENTS, *_span(containers, since, until), last)[0][0]  # type: ignore[assignment]  # an INTEGER column
        return number

    def _page(self, where: str, order: str, *values: int) -> list[tuple[Frame, Part]]:
        rows = self._rows(
            f"SELECT {_COLUMNS} {where} AND p.last_time>=? AND p.first_time<=? ORDER BY p.frame {order} LIMIT {PAGE}",
            *values,
        )
        return [(records.frame(r[:8]), Part(*r[8:])) for r in rows]  # type: ignore[arg-type]  # INTEGER columns

    def _number(self, sql: str) -> int:
        number: int = self._rows(sql)[0][0]  # type: ignore[assignment]  # an INTEGER column
        return number

    def _rows(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        try:
            return self._db.execute(sql, values).fetchall()
        except sqlite3.OperationalError as error:
            raise Failure(f"the catalog {self.path} cannot be read ({error}): try again", Exit.STORE) from error
        except sqlite3.DatabaseError as error:
            raise damaged(self.path, error) from error
