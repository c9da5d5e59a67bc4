"""The dead letters as the operator's verbs see and change them, also beside a running agent.

Each change is one short transaction that moves the letters and their account together, so that for each output
`stored - origin = delivered + dead + dropped + waiting` holds before and after it. Only what was really there is moved: letters
that the agent's budget let go meanwhile, or that somebody else replayed, are not counted twice.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from logagent.model import DeadLetter
from logagent.store.ledger import Ledger, add

DROPPED = "dead_letters_dropped"
"""The total of letters that the operator dropped; its reason is the output's name."""

PAGE = 500
PAGE_BYTES = 4 << 20  # of documents: no page takes more memory than a frame does

_LETTER = "output, frame, item, id, status, reason, time, document"
_CHOSEN = "(:output IS NULL OR output=:output) AND (:ids IS NULL OR id IN (SELECT value FROM json_each(:ids)))"
_KIND = "substr(reason, 1, instr(reason || ': ', ': ') - 1)"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which letters are meant: those of `output` (None: of all), with these `ids` (None: any)."""

    output: str | None = None
    ids: tuple[str, ...] | None = None

    @property
    def values(self) -> dict[str, str | None]:
        """What the queries are given."""
        return {"output": self.output, "ids": None if self.ids is None else json.dumps(self.ids)}


@dataclass(frozen=True, slots=True)
class Group:
    """Letters that were refused alike: the server's word for it, how many, when first and last (seconds), what it said of the newest."""

    output: str
    status: int
    kind: str
    count: int
    bytes: int
    first: float
    last: float
    reason: str


class Letters(Ledger):
    """The catalog at `path`. Raises Failure(STORE) when there is none or it cannot be used; sqlite3.Error when the disk fails later."""

    def __init__(self, path: Path, *, read_only: bool = True) -> None:
        # Opened for writing it would be made where there is none, and brought up to date beneath an older agent.
        Ledger(path, read_only=True).close()
        super().__init__(path, read_only=read_only)

    def groups(self, choice: Choice) -> list[Group]:
        """The chosen letters by output, status and kind, the most frequent first."""
        with self._lock:
            rows = self._db.execute(
                f"SELECT output, status, {_KIND} AS kind, count(*) AS n, sum(length(document)), min(time), max(time), reason, max(key) "
                f"FROM dead_letter WHERE {_CHOSEN} GROUP BY output, status, kind ORDER BY output, n DESC, status, kind",
                choice.values,
            ).fetchall()
        return [Group(*row[:8]) for row in rows]

    def pages(self, choice: Choice, *, most: int = PAGE) -> Iterator[list[DeadLetter]]:
        """The chosen letters that are there now, oldest first, `most` at a time: what comes meanwhile is left for the next time."""
        after, last = 0, self._number("SELECT coalesce(max(key), 0) FROM dead_letter")
        while page := self._page(choice, after, last, most):
            yield [letter for _, letter in page]
            after = page[-1][0]

    def trimmed(self) -> int:
        """How many letters were let go since the store began, because the budget was full."""
        return self._number("SELECT coalesce(sum(value), 0) FROM total WHERE name='dead_letters_trimmed'")

    def settle(self, output: str, delivered: Iterable[str], duplicates: int, refused: Sequence[DeadLetter]) -> None:
        """Let the letters with the ids `delivered` go, as delivered now; note of those in `refused` why they were refused this time."""
        with self._transaction() as db:
            gone = max(
                0,
                db.executemany(
                    "DELETE FROM dead_letter WHERE output=? AND id=?", [(output, each) for each in delivered]
                ).rowcount,
            )
            db.execute(
                "UPDATE output SET delivered=delivered+?, duplicates=duplicates+?, dead=dead-? WHERE name=?",
                (gone, min(gone, duplicates), gone, output),
            )
            db.executemany(
                "UPDATE dead_letter SET status=?, reason=?, time=? WHERE output=? AND id=?",
                [(letter.status, letter.reason, letter.time, output, letter.id) for letter in refused],
            )

    def drop(self, choice: Choice) -> int:
        """Let the chosen letters go for good, and count them as dropped; returns how many there were."""
        with self._transaction() as db:
            counts = db.execute(
                f"SELECT output, count(*) FROM dead_letter WHERE {_CHOSEN} GROUP BY output", choice.values
            ).fetchall()
            db.execute(f"DELETE FROM dead_letter WHERE {_CHOSEN}", choice.values)
            for output, number in counts:
                db.execute("UPDATE output SET dead=dead-?, dropped=dropped+? WHERE name=?", (number, number, output))
                add(db, DROPPED, output, number)
        return sum(number for _, number in counts)

    def _page(self, choice: Choice, after: int, last: int, most: int) -> list[tuple[int, DeadLetter]]:
        page: list[tuple[int, DeadLetter]] = []
        size = 0
        with self._lock:
            rows = self._db.execute(
                f"SELECT key, {_LETTER} FROM dead_letter WHERE key>:after AND key<=:last AND {_CHOSEN} ORDER BY key LIMIT :most",
                {**choice.values, "after": after, "last": last, "most": most},
            )
            for row in rows:
                page.append((row[0], DeadLetter(*row[1:])))
                size += len(page[-1][1].document)
                if size > PAGE_BYTES:
                    rows.close()
                    break
        return page
