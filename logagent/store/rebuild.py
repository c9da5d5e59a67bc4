"""Making a lost or damaged catalog anew from the segments: every whole frame is taken in, in its order, as the agent recorded it.

The new catalog is built beside the old one and takes its place in one rename at the end; the old one is moved aside, never deleted. So
a crash leaves the old state or the new one. What no document tells begins anew: what was filtered or dropped, how far outputs
got (all is sent again, under the same ids), terminals, and each log's place, which is found by the newest ids (`places`).
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from logagent.errors import Exit, Failure
from logagent.model import Container, Frame
from logagent.store import findings
from logagent.store.catalog import Catalog
from logagent.store.contents import Document, Malformed, Told, documents, nanoseconds, told
from logagent.store.findings import Finding
from logagent.store.lines import FIRST, LAST, parse
from logagent.store.lock import Lock
from logagent.store.member import Hole, Member, members
from logagent.store.places import Places
from logagent.store.records import Covered, Part
from logagent.store.segment import Segments, sync

BUILDING, CATALOG = "catalog.db.rebuilding", "catalog.db"
FILES = ("", "-wal", "-shm")  # a database, and what SQLite keeps beside it


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What the new catalog has, what could not be taken in, and under which name the old one lies (empty: there was none)."""

    segments: int
    frames: int
    events: int
    containers: int
    found: tuple[Finding, ...]
    aside: str


def rebuild(folder: Path) -> Rebuilt:
    """Make the catalog of the store in `folder` anew. Raises Failure(STORE) while an agent uses it, and when it cannot be written."""
    with closing(_claim(folder)):
        try:
            built = _build(folder)
            return Rebuilt(*built, _take_place(folder))
        except (OSError, sqlite3.Error) as error:
            raise Failure(
                f"the catalog of {folder} cannot be rebuilt ({error}). Nothing was lost: see to the disk and to this user's rights, and run it again",
                Exit.STORE,
            ) from error


class Anew(Catalog):
    """A catalog that is made from segments which have their numbers already."""

    def begin_segment(self, number: int) -> None:
        """Close the segments there are, and begin the one with this number."""
        with self._transaction() as db:
            db.execute("UPDATE segment SET closed=1")
            db.execute("INSERT INTO segment(id) VALUES(?)", (number,))

    def set_length(self, number: int, length: int) -> None:
        """Take a segment as `length` bytes long, whatever its last frame is."""
        with self._transaction() as db:
            db.execute("UPDATE segment SET bytes=? WHERE id=?", (length, number))

    def set_agent(self, agent: str) -> None:
        """Take `agent` as the id of the agent that writes this store."""
        with self._transaction() as db:
            db.execute("DELETE FROM identity")
            db.execute("INSERT INTO identity VALUES(?)", (agent,))


@dataclass(slots=True)
class Share:
    """What one container has in a frame, while it is read."""

    events: int = 0
    first: bytes = LAST
    last: bytes = FIRST
    newest: Document = field(default_factory=lambda: Document(b"", b"", b""))

    def add(self, document: Document, stamp: bytes) -> None:
        """Count `document` of the time `stamp`."""
        self.events, self.newest = self.events + 1, document
        if stamp != FIRST:  # which stands for a time that cannot be read
            self.first, self.last = min(self.first, stamp), max(self.last, stamp)

    @property
    def part(self) -> Part:
        """The same as the catalog has it."""
        last = nanoseconds(self.last)
        return Part(self.events, nanoseconds(self.first) if last else 0, last)


class Rebuilding:
    """Takes segments into `catalog`, oldest first; counts what it took, and keeps what it could not."""

    def __init__(self, catalog: Anew, segments: Segments) -> None:
        self._catalog, self._segments = catalog, segments
        self._places: dict[bytes, Places] = {}
        self._known: dict[bytes, Container] = {}
        self._agent = ""
        self.frames = self.events = 0
        self.found: list[Finding] = []

    @property
    def containers(self) -> int:
        """How many containers the documents are of."""
        return len(self._known)

    def take(self, number: int, *, newest: bool) -> None:
        """Take one segment in. What lies behind the last frame of the newest one is left to be cut off, as after a crash."""
        path, end = self._segments.path(number), 0
        size, written = path.stat().st_size, path.stat().st_mtime
        self._catalog.begin_segment(number)
        for found in members(path):
            hole = found if isinstance(found, Hole) else self._frame(number, found, written)
            if hole is not None:
                self.found.append(findings.unreadable(number, hole, last=newest and hole.offset + hole.length == size))
            end = end if hole else found.offset + found.length
        if end < size and not newest:
            self._catalog.set_length(number, size)

    def finish(self) -> None:
        """Remember which agent wrote the newest of it."""
        if self._agent:
            self._catalog.set_agent(self._agent)

    def _frame(self, segment: int, member: Member, written: float) -> Hole | None:
        """Record one frame; when its text is none of ours it is a hole."""
        try:
            found = list(documents(member.text))
        except Malformed as malformed:
            return Hole(member.offset, member.length, str(malformed))
        shares = self._shares(found)
        stored = [told(share.newest) for share in shares.values()]
        self._remember(dict(zip(shares, stored, strict=True)))
        parts = {self._known[digits].id: share.part for digits, share in shares.items()}
        first = min((p.first_time for p in parts.values()), default=0)
        last = max((p.last_time for p in parts.values()), default=0)
        frame = Frame(0, segment, member.offset, member.length, len(member.text), len(found), first, last)
        created = max((one.created for one in stored), default=0.0) or written
        self._catalog.record(frame, self._covered(parts, shares, len(found)), created)
        self.frames, self.events = self.frames + 1, self.events + len(found)
        return None

    def _shares(self, found: list[Document]) -> dict[bytes, Share]:
        shares: dict[bytes, Share] = {}
        for document in found:
            line = parse(document.bytes)
            shares.setdefault(document.container, Share()).add(document, line.stamp)
            self._places.setdefault(document.container, Places()).add(document.rest, line)
        return shares

    def _remember(self, stored: dict[bytes, Told]) -> None:
        changed = {d: one.container for d, one in stored.items() if self._known.get(d) != one.container}
        self._known.update(changed)
        self._catalog.remember(changed.values())
        self._agent = next((one.agent for one in stored.values() if one.agent), self._agent)

    def _covered(self, parts: dict[str, Part], shares: dict[bytes, Share], events: int) -> Covered:
        progress = {self._known[digits].id: self._places[digits].progress for digits in shares}
        read = {cid: place for cid, place in progress.items() if place is not None}
        return Covered(parts, read, {}, {("read", ""): events, ("stored", ""): events})


def _claim(folder: Path) -> "_Claim":
    try:
        return _Claim(folder)
    except Failure as failure:
        raise Failure(
            f"the catalog cannot be rebuilt while an agent uses the store at {folder}: stop the agent, and run this again",
            Exit.STORE,
        ) from failure
    except OSError as error:
        raise Failure(
            f"the store at {folder} cannot be locked ({error}): run this as the agent's user or as root", Exit.STORE
        ) from error


class _Claim(Lock):
    """The store's lock, to be used in a `with`."""

    def close(self) -> None:
        """Give the store back."""
        self.release()


def _build(folder: Path) -> tuple[int, int, int, int, tuple[Finding, ...]]:
    """Build the new catalog beside the old one, whole on disk."""
    path, segments = folder / BUILDING, Segments(folder / "segments")
    for suffix in FILES:
        Path(f"{path}{suffix}").unlink(missing_ok=True)  # of a rebuilding that was interrupted
    numbers = segments.numbers()
    with closing(Anew(path)) as catalog:
        building = Rebuilding(catalog, segments)
        for number in numbers:
            building.take(number, newest=number == numbers[-1])
        building.finish()
    _like_folder(path, folder)
    sync(path)
    return len(numbers), building.frames, building.events, building.containers, tuple(building.found)


def _like_folder(path: Path, folder: Path) -> None:
    """Give the file to whom the folder belongs, so that root may rebuild for an agent that is not root."""
    owner = folder.stat()
    with suppress(PermissionError):
        os.chown(path, owner.st_uid, owner.st_gid)


def _take_place(folder: Path) -> str:
    """Move the old catalog aside, the database itself first, and the new one into its place; returns the old one's new name."""
    aside = _free_name(folder)
    there = list(_existing(folder))
    for suffix in there:
        (folder / f"{CATALOG}{suffix}").rename(folder / f"{aside}{suffix}")
    (folder / BUILDING).rename(folder / CATALOG)
    sync(folder)
    return aside if there else ""


def _existing(folder: Path) -> Iterator[str]:
    return (suffix for suffix in FILES if (folder / f"{CATALOG}{suffix}").exists())


def _free_name(folder: Path) -> str:
    number = 1
    while any((folder / f"{CATALOG}.damaged-{number}{suffix}").exists() for suffix in FILES):
        number += 1
    return f"{CATALOG}.damaged-{number}"
