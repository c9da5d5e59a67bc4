"""Checking a store: whatever is wrong is found, each by itself and all together; what an agent does meanwhile is no problem."""

import gzip
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from logagent.errors import Exit, Failure
from logagent.store.findings import Sums, accounts
from logagent.store.records import Output
from logagent.store.segment import Segments
from logagent.store.verify import Audit, Check, condition, verify
from tests.store.stores import DB, batch, opened, put

DOCUMENT = b'{"create":{"_id":"abababababab-1"}}\n{"message":""}\n'


@pytest.fixture
def folder(tmp_path):
    """Give the folder of a closed store: segment 1 has frames 1 and 2, segment 2 frames 3 and 4, segment 3 frame 5; 3 events a frame."""
    store = opened(tmp_path / "store", segment_size=1700)
    for n in range(5):
        put(store, batch(n, 2, size=1000), batch(n, 1, DB, size=1000))
    assert [1, 1, 2, 2, 3] == [f.segment for f in store.catalog.frames_after(0, 10)]
    store.close()
    return tmp_path / "store"


def found(folder: Path, *, running: bool = False) -> list[tuple[str, int, int, bool]]:
    """What a check finds: reason, segment, frame, and whether it is a fault."""
    return [(f.reason, f.segment, f.frame, f.fault) for f in verify(folder, running=running).found]


def path(folder: Path, segment: int) -> Path:
    """A segment's file."""
    return Segments(folder / "segments").path(segment)


def sql(folder: Path, *commands: str) -> None:
    """Change the catalog by hand."""
    db = sqlite3.connect(folder / "catalog.db")
    for command in commands:
        db.execute(command)
    db.commit()
    db.close()


def frames(folder: Path) -> list[sqlite3.Row]:
    """Offset and length of all frames, from number 1 on."""
    db = sqlite3.connect(folder / "catalog.db")
    rows = db.execute("SELECT offset, length FROM frame ORDER BY seq").fetchall()
    db.close()
    return rows


def flip(folder: Path) -> None:
    """Change a byte in the middle of frame 3."""
    offset, length = frames(folder)[2]
    data = bytearray(path(folder, 2).read_bytes())
    data[offset + length // 2] ^= 0xFF
    path(folder, 2).write_bytes(data)


def flip_checksum(folder: Path) -> None:
    """Change the last but five bytes of frame 4: its text is whole, its checksum wrong."""
    data = bytearray(path(folder, 2).read_bytes())
    data[-6] ^= 1
    path(folder, 2).write_bytes(data)


def cut(folder: Path) -> None:
    """Cut the last ten bytes of segment 2."""
    os.truncate(path(folder, 2), path(folder, 2).stat().st_size - 10)


def remove(folder: Path) -> None:
    """Delete segment 2."""
    path(folder, 2).unlink()


def add_unknown(folder: Path) -> None:
    """Put a segment there that the catalog has never heard of."""
    path(folder, 9).write_bytes(gzip.compress(DOCUMENT))


def add_surplus(folder: Path) -> None:
    """Append bytes as a crash leaves them."""
    with path(folder, 3).open("ab") as file:
        file.write(b"torn frame")


def rewrite(folder: Path, text: bytes) -> None:
    """Put a whole member with another text into the place of frame 5."""
    member = gzip.compress(text, mtime=0)
    path(folder, 3).write_bytes(member)
    sql(folder, f"UPDATE frame SET length={len(member)}, plain={len(text)} WHERE seq=5")
    sql(folder, f"UPDATE segment SET bytes={len(member)} WHERE id=3")


def change(*commands: str) -> Callable[[Path], None]:
    """Change the catalog by hand."""
    return lambda folder: sql(folder, *commands)


DAMAGES = {
    "a flipped byte": (flip, ("damaged", 2, 3, True)),
    "a flipped byte of a checksum": (flip_checksum, ("damaged", 2, 4, True)),
    "a cut segment": (cut, ("damaged", 2, 4, True)),
    "a missing segment": (remove, ("missing", 2, 0, True)),
    "an unknown segment": (add_unknown, ("unknown", 9, 0, True)),
    "surplus": (add_surplus, ("surplus", 3, 0, False)),
    "a wrong length of the text": (change("UPDATE frame SET plain=plain+1 WHERE seq=2"), ("length", 1, 2, True)),
    "a wrong length of the member": (change("UPDATE frame SET length=length-1 WHERE seq=5"), ("damaged", 3, 5, True)),
    "a wrong number of events": (change("UPDATE frame SET events=events+1 WHERE seq=2"), ("events", 1, 2, True)),
    "a wrong part": (change("UPDATE part SET events=7 WHERE frame=4 AND container=1"), ("parts", 2, 4, True)),
    "a part that is not there": (change("DELETE FROM part WHERE frame=4 AND container=2"), ("parts", 2, 4, True)),
    "a frame in another's place": (change("UPDATE frame SET offset=0 WHERE seq=2"), ("place", 1, 2, True)),
    "a frame that was forgotten": (
        change("DELETE FROM frame WHERE seq=1", "DELETE FROM part WHERE frame=1"),
        ("hole", 1, 2, True),
    ),
    "an end before the last frame": (change("UPDATE segment SET bytes=bytes-1 WHERE id=2"), ("place", 2, 0, True)),
    "too much read": (change("UPDATE total SET value=value+1 WHERE name='read'"), ("accounts", 0, 0, True)),
    "too much stored": (
        change("UPDATE total SET value=value+1 WHERE name IN ('read', 'stored')"),
        ("accounts", 0, 0, True),
    ),
    "too little stored": (
        change("UPDATE total SET value=value-1 WHERE name IN ('read', 'stored')"),
        ("accounts", 0, 0, True),
    ),
    "parts of no frame": (change("INSERT INTO part VALUES(1, 99, 1, 1, 1)"), ("accounts", 0, 0, True)),
    "no action line": (lambda folder: rewrite(folder, DOCUMENT * 2 + b"{}\n{}\n"), ("documents", 3, 5, True)),
    "an odd line": (lambda folder: rewrite(folder, DOCUMENT + b"{}\n"), ("documents", 3, 5, True)),
    "a document cut off": (lambda folder: rewrite(folder, DOCUMENT[:-2] + b"\n"), ("documents", 3, 5, True)),
    "no newline at the end": (lambda folder: rewrite(folder, DOCUMENT[:-1]), ("documents", 3, 5, True)),
}
"""By name: how it is done, and the one finding that it gives."""
TWICE = {"a wrong length of the member", "a frame in another's place"}  # the bytes that no frame has then are told too


def test_nothing_is_wrong(folder):
    """A store that is whole gives no finding, and everything in it was counted."""
    report = verify(folder, running=False)
    assert ((), 3, 5, 15) == (report.found, report.segments, report.frames, report.events)


@pytest.mark.parametrize("name", DAMAGES)
def test_each_damage_is_found_alone(folder, name):
    """Each kind of damage gives its finding with its place, and nothing else is blamed."""
    damage, expected = DAMAGES[name]
    damage(folder)
    first, *rest = found(folder)
    assert expected == first
    assert (["hole"] if name in TWICE else []) == [reason for reason, *_ in rest]


@pytest.mark.parametrize("name", DAMAGES)
def test_each_finding_says_what_to_do(folder, name):
    """A finding has a sentence of what is wrong and one of what to do."""
    DAMAGES[name][0](folder)
    assert all(len(f.what) > 20 and len(f.advice) > 20 for f in verify(folder, running=False).found)


def test_no_problem_hides_another(folder):
    """Several kinds of damage at once are all found, in the order of the segments."""
    for damage in (add_surplus, add_unknown, flip, flip_checksum):
        damage(folder)
    sql(folder, "UPDATE frame SET plain=1, events=9 WHERE seq=1", "UPDATE total SET value=99 WHERE name='read'")
    expected = [
        ("length", 1, 1, True),
        ("events", 1, 1, True),
        ("damaged", 2, 3, True),
        ("damaged", 2, 4, True),
        ("surplus", 3, 0, False),
        ("unknown", 9, 0, True),
        ("accounts", 0, 0, True),
    ]
    assert expected == found(folder)
    assert 6 == len(verify(folder, running=False).problems)


def test_a_whole_frame_in_a_hole(folder):
    """A hole in which whole frames lie is one that a rebuild mends; one of damaged bytes is not."""
    sql(folder, "DELETE FROM frame WHERE seq=1", "DELETE FROM part WHERE frame=1")
    (hole,) = verify(folder, running=False).found
    assert (True, True) == (hole.mends, "1 whole frames lie there" in hole.what)
    offset, _ = frames(folder)[0]
    data = bytearray(path(folder, 1).read_bytes())
    data[:offset] = bytes(offset)
    path(folder, 1).write_bytes(data)
    (hole,) = verify(folder, running=False).found
    assert ("hole", False, f"bytes 0 to {offset} belong to no frame") == (hole.reason, hole.mends, hole.what)


def test_after_segments_were_removed(folder):
    """What the store's limits removed is not missed, but more events than were ever stored are."""
    audit = opened(folder)
    audit.catalog.remove_segment(1)
    audit.segments.remove(1)
    audit.close()
    assert [] == found(folder)
    sql(folder, "UPDATE total SET value=value-7 WHERE name IN ('read', 'stored')")
    assert [("accounts", 0, 0, True)] == found(folder)


def test_a_segment_that_was_only_begun(folder):
    """A segment without frames, whose file may be empty or absent, is fine."""
    store = opened(folder)
    store.catalog.new_segment()
    store.close()
    assert [] == found(folder)
    path(folder, 4).touch()
    assert [] == found(folder)


def test_beside_an_agent(folder):
    """What an agent that runs has written and not recorded yet is not told; in a segment that is closed it is."""
    add_surplus(folder)
    assert [] == found(folder, running=True)
    with path(folder, 2).open("ab") as file:
        file.write(b"torn")
    assert [("surplus", 2, 0, False)] == found(folder, running=True)


@pytest.mark.parametrize("moment", ["before its file", "before its frames", "between two frames"])
def test_removed_while_it_is_checked(folder, monkeypatch, moment):
    """A segment that the store's limits remove in the middle of the check is no problem, whenever that happens."""
    store = opened(folder)

    def let_go():
        store.catalog.remove_segment(1)
        store.segments.remove(1)

    real = Segments.read

    def read(segments, frame):
        if frame.seq == (1 if moment == "before its frames" else 2) and store.segments.path(1).exists():
            let_go()
        return real(segments, frame)

    monkeypatch.setattr(Segments, "read", read)
    audit = Audit(folder / "catalog.db")
    check = Check(audit, Segments(folder / "segments"), running=True)
    findings = check.findings([1, 2, 3])
    if moment == "before its file":
        known = audit.segments()
        monkeypatch.setattr(audit, "segments", lambda: known)
        let_go()
    assert [] == list(findings)
    audit.close()
    store.close()


def test_frames_that_come_meanwhile(folder, monkeypatch):
    """What is recorded while the check runs is left to the next one."""
    store = opened(folder)
    real = Audit.segments

    def segments(audit):
        known = real(audit)
        put(store, batch(7))
        return known

    monkeypatch.setattr(Audit, "segments", segments)
    report = verify(folder, running=True)
    assert ((), 5, 15) == (report.found, report.frames, report.events)
    store.close()


def test_many_frames_in_a_segment(tmp_path):
    """More frames than a page of the catalog are all checked."""
    store = opened(tmp_path)
    for n in range(600):
        put(store, batch(n))
    store.close()
    report = verify(tmp_path, running=False)
    assert ((), 1, 600, 600) == (report.found, report.segments, report.frames, report.events)


def test_catalog_lost(folder):
    """Without its catalog the store is told as lost, and what its segments have as far as they can be read."""
    flip(folder)
    add_surplus(folder)
    for file in folder.glob("catalog.db*"):
        file.unlink()
    report = verify(folder, running=False)
    assert [("lost_catalog", 0), ("damaged", 2), ("damaged", 3)] == [(f.reason, f.segment) for f in report.found]
    assert (3, 4, 12, "lost") == (report.segments, report.frames, report.events, condition(folder).kind)


def test_catalog_begun_anew(folder):
    """A catalog that was begun anew beside segments that it never had is a lost one."""
    for file in folder.glob("catalog.db*"):
        file.unlink()
    with pytest.raises(Failure, match=r"catalog\.db was lost"):
        opened(folder)
    assert (folder / "catalog.db").exists()
    assert "lost" == condition(folder).kind


@pytest.mark.parametrize("damage", ["no database", "overwritten", "empty", "a table dropped"])
def test_catalog_damaged(folder, damage):
    """A catalog that is no database, has bad pages, or lacks its tables is told as damaged, with the way out."""
    file = folder / "catalog.db"
    content = bytearray(file.read_bytes())
    if damage == "no database":
        file.write_bytes(b"hello" * 4000)
    if damage == "overwritten":
        content[4096:12288] = b"\xff" * 8192
        file.write_bytes(content)
    if damage == "empty":
        file.write_bytes(b"")
    if damage == "a table dropped":
        sql(folder, "DROP TABLE part")
    report = verify(folder, running=False)
    assert {"damaged_catalog"} == {f.reason for f in report.found}
    assert all("--rebuild" in f.advice and f.mends for f in report.found)
    assert 5 == report.frames


def test_no_store(tmp_path):
    """Where there is no store nothing is made, and it is told."""
    with pytest.raises(Failure, match="there is no store at") as refused:
        verify(tmp_path / "none", running=False)
    assert Exit.STORE == refused.value.status
    assert [] == list(tmp_path.iterdir())


def test_a_newer_catalog(folder):
    """A catalog that a newer agent wrote is not judged."""
    sql(folder, "PRAGMA user_version=99")
    with pytest.raises(Failure, match="newer logagent") as refused:
        verify(folder, running=False)
    assert Exit.STORE == refused.value.status


def test_nothing_is_changed(folder):
    """A check changes no byte of the store."""
    before = {p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    found(folder)
    after = {p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert before == {name: after[name] for name in before}
    assert {"catalog.db-wal", "catalog.db-shm"} >= after.keys() - before.keys()


OUTPUT = Output("es", 4, delivered=6, duplicates=0, dead=1, dropped=1, waiting=2, origin=0)


def test_outputs_accounts():
    """For each output, what was stored for it is delivered, dead, dropped or waiting."""
    totals = {("read", ""): 13, ("filtered", "x"): 2, ("dropped", "y"): 1, ("stored", ""): 10}
    assert [] == list(accounts(Sums(totals, [OUTPUT], 10, complete=True)))
    (finding,) = accounts(Sums(totals | {("read", ""): 14, ("stored", ""): 11}, [OUTPUT], 10, complete=False))
    assert "11 events are for output es, but delivered, dead, dropped and waiting are 10" in finding.what
