"""A catalog made anew from the segments: it says what the lost one said, and reading goes on where the documents end."""

import gzip
import os
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logagent.demo.record import PIECE
from logagent.errors import Exit, Failure
from logagent.model import REBUILT, Generation, Image, Position
from logagent.store import rebuild as module
from logagent.store import segment
from logagent.store.catalog import Catalog
from logagent.store.contents import nanoseconds
from logagent.store.lines import FIRST, LAST, parse, stamp
from logagent.store.places import Places
from logagent.store.rebuild import rebuild
from logagent.store.verify import condition, verify
from tests.collect.rig import Rig, numbered, say
from tests.store.filled import START, Said, add, container, fill, opened

WEB, DB = container("web", labels={"a": "b"}), container("db")
SECOND = 10**9


def lines(owner, first, count, **more):
    """Lines of one container, a second apart."""
    return [Said(owner, f"line {n}", START + n * SECOND, **more) for n in range(first, first + count)]


def lose(folder: Path) -> None:
    """Delete the catalog."""
    for file in folder.glob("catalog.db*"):
        file.unlink()


def dump(folder: Path) -> dict[str, Any]:
    """What a catalog says of frames, parts, containers and accounts."""
    catalog = Catalog(folder / "catalog.db", read_only=True)
    known = [(k.container.id, k.container.name, k.container.labels, k.removed) for k in catalog.containers()]
    found = {
        "frames": catalog.frames_after(0, 1000),
        "segments": [(s.id, s.bytes, s.closed, s.events, s.last_seq) for s in catalog.segments()],
        "parts": catalog._rows(
            "SELECT id, frame, events, first_time, last_time FROM part JOIN container ON key=container"
        ),
        "containers": known,
        "totals": {name: n for (name, reason), n in catalog.totals().items() if name in ("read", "stored")},
        "newest": catalog.newest_segment(),
    }
    catalog.close()
    return found


def path(folder: Path, segment: int) -> Path:
    """A segment's file."""
    return folder / f"segments/{segment:08d}.ndjson.gz"


@pytest.fixture
def folder(tmp_path):
    """Give the folder of a store of three segments, with two containers in each frame."""
    frames = [lines(WEB, n * 40, 20) + lines(DB, n * 40 + 20, 20, stderr=True) for n in range(6)]
    with opened(tmp_path / "store", segment_size=1750) as store:
        for frame in frames:
            add(store, frame)
        assert 3 == len(store.catalog.segments())
    return tmp_path / "store"


def test_the_same_catalog(folder):
    """Frames, segments, parts, containers and totals are what they were, and a check finds nothing wrong."""
    before = dump(folder)
    lose(folder)
    built = rebuild(folder)
    assert before == dump(folder)
    assert (3, 6, 240, 2, (), "") == (
        built.segments,
        built.frames,
        built.events,
        built.containers,
        built.found,
        built.aside,
    )
    assert [] == list(verify(folder, running=False).found)
    assert {"catalog.db", "lock", "segments"} == {
        p.name for p in folder.iterdir() if p.suffix not in {".db-wal", ".db-shm"}
    }


TIMES = st.integers(0, 200 * 365 * 86400 * SECOND)
SAID = st.builds(
    Said,
    st.sampled_from([WEB, DB, container("third", labels={"x.y": 'ö"\n'})]),
    st.text(st.sampled_from(list('ab"\\\n {}é')), max_size=30)
    | st.just('","stream":"stderr"')
    | st.just('"container":{"id":"x"'),
    TIMES,
    st.booleans(),
    st.sampled_from([(), ("partial",)]),
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.lists(SAID, min_size=1, max_size=8).map(lambda f: sorted(f, key=lambda s: s.ns)), max_size=8))
def test_any_store(frames):
    """Whatever lines a store holds, in whatever frames, the rebuilt catalog is the same."""
    with tempfile.TemporaryDirectory() as name:
        store = fill(Path(name), *frames)
        before = dump(store)
        if not frames:
            return
        lose(store)
        rebuild(store)
        assert before == dump(store)


@given(st.integers(-62_135_596_799 * SECOND, 253_402_300_799 * SECOND + SECOND - 1))
def test_times_there_and_back(ns):
    """The time that a document has is read back to the nanosecond; what no calendar has is 0."""
    assert ns == nanoseconds(stamp(ns))
    assert 0 == nanoseconds(FIRST) == nanoseconds(b"2026-13-45T00:00:00.000000000Z")
    assert nanoseconds(LAST) > 2 * 10**20


def test_frames_keep_their_age(folder):
    """When a frame was written is told by its documents, so that a copied segment is not kept longer than its lines."""
    lose(folder)
    os.utime(path(folder, 1), (1, 1))
    rebuild(folder)
    catalog = Catalog(folder / "catalog.db", read_only=True)
    assert {nanoseconds(b"2026-11-24T01:48:18.200000000Z") / 1e9} == {s.created for s in catalog.segments()}
    catalog.close()


def test_segments_keep_their_numbers(folder):
    """After the oldest segments were removed the others keep their numbers, and the next one gets a number of its own."""
    store = opened(folder, segment_size=1750)
    with store as s:
        s.catalog.remove_segment(1)
        s.segments.remove(1)
    lose(folder)
    rebuild(folder)
    assert [2, 3] == [s[0] for s in dump(folder)["segments"]]
    with opened(folder, segment_size=10) as s:
        add(s, lines(WEB, 900, 1))
        assert 4 == s.catalog.newest_segment()
    assert [] == list(verify(folder, running=False).found)


def test_damaged_frame(folder):
    """A damaged frame costs itself only; it is told, and its bytes stay where they are."""
    (_, second, *_) = dump(folder)["frames"]
    data = bytearray(path(folder, 1).read_bytes())
    data[second.offset + second.length // 2] ^= 0xFF
    path(folder, 1).write_bytes(data)
    lose(folder)
    built = rebuild(folder)
    assert (5, 200, [("damaged", 1, True)]) == (
        built.frames,
        built.events,
        [(f.reason, f.segment, f.fault) for f in built.found],
    )
    assert ["hole"] == [f.reason for f in verify(folder, running=False).found]
    with opened(folder):
        assert bytes(data) == path(folder, 1).read_bytes()


@pytest.mark.parametrize("damage", ["begin", "end", "both", "foreign"])
def test_what_can_be_found_is_taken(folder, damage):
    """Frames behind a destroyed beginning are found again; what is no frame of ours is told, also when it is whole."""
    frames = [f for f in dump(folder)["frames"] if f.segment == 2]
    first, second = frames
    data = bytearray(path(folder, 2).read_bytes())
    if damage in ("begin", "both"):
        data[:20] = bytes(20)
    if damage in ("end", "both"):
        data[-3:] = b"xyz"
    if damage == "foreign":
        data[first.length : first.length] = gzip.compress(b"hello")
    path(folder, 2).write_bytes(data)
    lose(folder)
    built = rebuild(folder)
    kept = {"begin": [second.events], "end": [first.events], "both": [], "foreign": [first.events, second.events]}[
        damage
    ]
    found = [f.events for f in dump(folder)["frames"] if f.segment == 2]
    assert (kept, 1) == (found, len(built.found))
    assert {2} == {f.segment for f in built.found}


def test_torn_tail(folder):
    """A torn frame at the end of the newest segment is no problem: the next start cuts it off."""
    whole = path(folder, 3).read_bytes()
    path(folder, 3).write_bytes(whole + path(folder, 1).read_bytes()[:300])
    lose(folder)
    built = rebuild(folder)
    assert [("surplus", 3, False)] == [(f.reason, f.segment, f.fault) for f in built.found]
    with opened(folder):
        assert whole == path(folder, 3).read_bytes()


def test_damaged_catalog_is_kept(folder):
    """A damaged catalog is moved aside with what SQLite keeps beside it, each time under another name."""
    for number in (1, 2):
        for suffix in ("", "-wal", "-shm"):
            (folder / f"catalog.db{suffix}").write_bytes(b"broken" + suffix.encode())
        assert "damaged" == condition(folder).kind
        assert f"catalog.db.damaged-{number}" == rebuild(folder).aside
        aside = folder / f"catalog.db.damaged-{number}"
        assert (b"broken", b"broken-wal") == (aside.read_bytes(), Path(f"{aside}-wal").read_bytes())
        assert Path(f"{aside}-shm").exists()
    assert [] == list(verify(folder, running=False).found)


def test_left_over_log_of_a_lost_catalog(folder):
    """What SQLite kept beside a catalog that was deleted by hand does not get into the new one."""
    before = dump(folder)
    with opened(folder) as store:
        store.catalog.count("x", "", 1)
        log = (folder / "catalog.db-wal").read_bytes()
    lose(folder)
    (folder / "catalog.db-wal").write_bytes(log)
    assert "lost" == condition(folder).kind
    rebuild(folder)
    assert before == dump(folder)


def test_refused_while_an_agent_runs(folder):
    """While the store is in use the catalog is not touched, and the sentence says what to do."""
    with opened(folder):
        before = (folder / "catalog.db").read_bytes()
        with pytest.raises(Failure, match=r"while an agent uses the store at .*: stop the agent") as refused:
            rebuild(folder)
    assert Exit.STORE == refused.value.status
    assert before[:100] == (folder / "catalog.db").read_bytes()[:100]
    assert not list(folder.glob("catalog.db.*"))


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("step", range(8))
def test_crash_at_any_step(folder, monkeypatch, step):
    """After a crash at any rename or sync the store is as before, or can be rebuilt: nothing is deleted, and the result is the same."""
    before = dump(folder)
    broken = {suffix: b"broken" + suffix.encode() for suffix in ("", "-wal")}
    for suffix, content in broken.items():
        (folder / f"catalog.db{suffix}").write_bytes(content)
    left = [step]

    def dying(real):
        def call(*arguments):
            if not left[0]:
                raise Killed
            left[0] -= 1
            return real(*arguments)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", dying(Path.rename))
        patch.setattr(module, "sync", dying(segment.sync))
        try:
            rebuild(folder)
        except Killed:
            assert step < 6
    if condition(folder).kind != "whole":
        rebuild(folder)
    assert before == dump(folder)
    kept = [p.read_bytes() for p in folder.glob("catalog.db.damaged-*") if not p.name.endswith("-shm")]
    assert sorted(broken.values()) == sorted(kept)


def test_disk_full(folder, monkeypatch):
    """When the new catalog cannot be written nothing is changed, and that is told."""
    (folder / "catalog.db").write_bytes(b"broken")

    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(Catalog, "record", full)
        with pytest.raises(Failure, match=r"disk is full.*Nothing was lost") as failed:
            rebuild(folder)
    assert (Exit.STORE, b"broken") == (failed.value.status, (folder / "catalog.db").read_bytes())
    rebuild(folder)
    assert "whole" == condition(folder).kind


def test_documents_that_tell_nothing(tmp_path):
    """Documents without fields of their container, or that are no JSON, are counted under the digits of their ids."""
    (tmp_path / "segments").mkdir()
    text = b'{"create":{"_id":"0123456789ab-x"}}\n{"message":broken}\n{"create":{"_id":"ba9876543210-gap-0"}}\n{"container":{"id":7}}\n'
    path(tmp_path, 1).write_bytes(gzip.compress(text))
    built = rebuild(tmp_path)
    assert (1, 2, 2) == (built.frames, built.events, built.containers)
    assert ["0123456789ab", "ba9876543210"] == [c[0] for c in dump(tmp_path)["containers"]]
    assert [] == list(verify(tmp_path, running=False).found)


# Places


def placed(*documents):
    """The progress that documents tell, each given as (stream, generation's time, offset, more of its line)."""
    places = Places()
    for stream, time, offset, *more in documents:
        said = Said(WEB, more[0] if more else "x", START, stream == "stderr", tuple(more[1:]))
        document = said.document(offset)
        if stream == "damaged":
            document = document[:-1] + b',"error":{"message":"the line is not JSON"}}'
        places.add(f"{Generation(time).token}-{offset:x}".encode(), parse(document))
    return places.progress


def at(time, offset):
    """A place inside of the record at `offset`."""
    return Position(Generation(time), offset + 1)


def test_places_of_both_streams():
    """Each stream is placed inside of its newest record, the oldest place first; the newest of all is read."""
    progress = placed(("stdout", 1, 0), ("stderr", 1, 50), ("stdout", 2, 0), ("stdout", 2, 70))
    assert progress is not None
    assert (at(2, 70), REBUILT) == (progress.read, progress.inode)
    assert [("stderr", at(1, 50)), ("stdout", at(2, 70))] == list(progress.pending.items())
    assert at(1, 50) == progress.start


def test_order_goes_before_time():
    """Which generation is newer is told by the order of the documents: their times may lie."""
    progress = placed(("stdout", 9, 500), ("stdout", 3, 0), ("stderr", 3, 70))
    assert progress is not None
    assert at(3, 70) == progress.read


def test_a_stream_that_never_spoke():
    """It is placed at the beginning of the oldest generation that is known."""
    progress = placed(("stdout", 1, 0), ("stdout", 2, 70))
    assert progress is not None
    assert {"stdout": at(2, 70), "stderr": Position(Generation(1), 0)} == progress.pending
    assert Position(Generation(1), 0) == progress.start


def test_damaged_documents_count_for_what_was_read():
    """A damaged line moves what was read, and no stream."""
    progress = placed(("stdout", 1, 0), ("damaged", 1, 90))
    assert progress is not None
    assert (at(1, 90), at(1, 0)) == (progress.read, progress.pending["stdout"])


def test_a_long_line_does_not_take_back_what_was_read():
    """A long line is stored behind lines that began after it: the newest place stays the newest."""
    long = "x" * PIECE * 2
    same = placed(("stderr", 1, 0), ("stderr", 1, 40_000), ("stdout", 1, 100, long))
    assert same is not None
    assert (at(1, 40_000), at(1, 100)) == (same.read, same.pending["stdout"])
    other = placed(("stderr", 1, 0), ("stderr", 2, 20_000), ("stdout", 1, 100, long))
    assert other is not None
    assert (at(2, 20_000), ["stdout", "stderr"]) == (other.read, list(other.pending))
    partial = placed(("stderr", 2, 20_000), ("stdout", 1, 100, "prompt> ", "partial"))
    assert partial is not None
    assert at(2, 20_000) == partial.read
    newer = placed(("stderr", 1, 0), ("stdout", 2, 0, long))
    assert newer is not None
    assert at(2, 0) == newer.read


def test_a_long_line_of_a_generation_that_was_passed():
    """A long line that began in an older generation takes nothing back, also when that one's time says that it is the newer."""
    progress = placed(("stderr", 9, 0), ("stderr", 3, 0), ("stdout", 9, 100, "x" * PIECE))
    assert progress is not None
    assert (at(3, 0), ["stdout", "stderr"]) == (progress.read, list(progress.pending))


def test_ids_that_are_no_places():
    """Gaps, and ids that others made, tell nothing of the log."""
    places = Places()
    for rest in (
        b"gap-0123456789abcdef",
        b"1",
        b"0123456789abcde-0",
        b"0123456789abcdeg-0",
        b"0123456789abcdef-",
        b"0123456789abcdef-0x1",
    ):
        places.add(rest, parse(Said(WEB, "x").document(1)))
    assert None is places.progress


# End to end


def restart_rebuilt(rig: Rig) -> Rig:
    """Stop the agent, lose the catalog, rebuild it and start again."""
    rig.stop()
    lose(rig.folder)
    assert () == rebuild(rig.folder).found
    return rig.start()


@pytest.fixture
def rig(tmp_path):
    """Give a simulated host with a store and a collector on it."""
    rig = Rig(tmp_path).start()
    yield rig
    rig.crash()


def long_line(rig, writer, stream, text):
    """Write a line in pieces."""
    writer.write(stream, text.encode() + b"\n", rig.clock())
    return [text]


def test_lines_on_both_streams(rig):
    """After a rebuild reading goes on behind the newest line of each stream; the containers are known as before."""
    writer = rig.container("web")
    out, err = say(rig, writer, numbered(0, 30)), say(rig, writer, ["e1", "e2"], "stderr")
    out += say(rig, writer, ["last"])
    rig.read()
    agent, known = rig.store.catalog.agent_id(), rig.store.catalog.containers()
    restart_rebuilt(rig)
    assert agent == rig.store.catalog.agent_id()
    assert (
        [k.container.image for k in known]
        == [k.container.image for k in rig.store.catalog.containers()]
        == [Image("busybox")]
    )
    err += say(rig, writer, ["e3"], "stderr")
    out += say(rig, writer, numbered(30, 30))
    rig.read()
    rig.check()
    assert (out, err, 0) == (rig.messages(stream="stdout"), rig.messages(stream="stderr"), rig.gaps())


def test_one_stream_only(rig):
    """A container that only ever used one stream is gone on with, and what the other one says is stored."""
    writer = rig.container("web")
    said = say(rig, writer, numbered(0, 30))
    restart_rebuilt(rig.read())
    said += say(rig, writer, ["an error"], "stderr") + say(rig, writer, numbered(30, 5))
    rig.read()
    rig.check()
    assert (said, 0) == (rig.messages(), rig.gaps())


def test_nothing_new(rig):
    """When no line came meanwhile, none is stored again."""
    writer = rig.container("web")
    said = say(rig, writer, numbered(0, 30))
    restart_rebuilt(rig.read()).read()
    restart_rebuilt(rig).read()
    rig.check()
    assert (said, 0) == (rig.messages(), rig.gaps())


def test_long_lines(rig):
    """A long line that is stored is not stored again, also when it is the newest; one whose pieces have not all come is."""
    writer = rig.container("web")
    said = say(rig, writer, numbered(0, 3)) + long_line(rig, writer, "stdout", "a" * (3 * PIECE + 10))
    restart_rebuilt(rig.read()).read()
    assert (said, 0) == (rig.messages(), rig.gaps())
    time = rig.clock()
    writer.write_record(b"b" * PIECE, "stdout", time)
    err = say(rig, writer, ["e1"], "stderr")
    restart_rebuilt(rig.read())
    writer.write_record(b"B\n", "stdout", time)
    said += ["b" * PIECE + "B", *say(rig, writer, numbered(3, 3))]
    rig.read()
    rig.check()
    assert (said, err, 0) == (rig.messages(stream="stdout"), rig.messages(stream="stderr"), rig.gaps())


@pytest.mark.parametrize("rotations", [1, 3])
@pytest.mark.parametrize("spoken", [False, True])
def test_long_line_over_files(tmp_path, rotations, spoken):
    """A long line that is unfinished is stored whole although its pieces lie in older files than the other stream's newest line, and the stream's own newest line in none."""
    rig = Rig(tmp_path).start()
    writer = rig.container("web", max_file=4)
    err = say(rig, writer, ["early"], "stderr") if spoken else []
    out = say(rig, writer, numbered(0, 2))
    writer.rotate()
    time = rig.clock()
    out += say(rig, writer, numbered(2, 1))
    writer.write_record(b"e" * PIECE, "stderr", time)
    for n in range(rotations):
        rig.read()
        writer.rotate()
        out += say(rig, writer, numbered(10 + 2 * n, 2))
    restart_rebuilt(rig.read())
    rig.read()
    writer.write_record(b"E\n", "stderr", time)
    err += ["e" * PIECE + "E", *say(rig, writer, ["late"], "stderr")]
    out += say(rig, writer, ["last"])
    rig.read()
    rig.check()
    assert (out, err, 0) == (rig.messages(stream="stdout"), rig.messages(stream="stderr"), rig.gaps())
    rig.crash()


def test_long_line_around_the_other_stream(rig):
    """A long line between whose pieces the other stream wrote is not stored again."""
    writer = rig.container("web")
    time = rig.clock()
    writer.write_record(b"a" * PIECE, "stdout", time)
    err = say(rig, writer, ["e1"], "stderr")
    writer.write_record(b"a" * PIECE, "stdout", time)
    err += say(rig, writer, ["e2"], "stderr")
    writer.write_record(b"A\n", "stdout", time)
    out = ["a" * 2 * PIECE + "A"]
    restart_rebuilt(rig.read())
    out += say(rig, writer, ["next"])
    err += say(rig, writer, ["e3"], "stderr")
    rig.read()
    rig.check()
    assert (out, err, 0) == (rig.messages(stream="stdout"), rig.messages(stream="stderr"), rig.gaps())


def test_damage(rig):
    """Damaged lines are not stored again, the newest line of all neither."""
    writer = rig.container("web")
    said = say(rig, writer, ["one"])
    os.write(writer._fd, b"garbage\n")
    restart_rebuilt(rig.read())
    said += ["garbage", *say(rig, writer, ["two"])]
    os.write(writer._fd, b"more garbage\n")
    rig.read()
    rig.check()
    assert ([*said, "more garbage"], 0) == (rig.messages(), rig.gaps())


@pytest.mark.parametrize("compress", [False, True])
def test_rotation(tmp_path, compress):
    """What was rotated and compressed before and after the rebuild is read once; a stream whose newest line is in no file any more costs no gap."""
    rig = Rig(tmp_path).start()
    writer = rig.container("web", max_file=4, compress=compress)
    err = say(rig, writer, ["early"], "stderr")
    out = []
    for n in range(6):
        out += say(rig, writer, numbered(n * 10, 10))
        writer.rotate()
        while compress and writer.compress_step():
            pass
        rig.read()
    rig.stop()
    out += say(rig, writer, numbered(60, 10))
    writer.rotate()
    out += say(rig, writer, numbered(70, 10))
    restart_rebuilt(rig.start())
    rig.read()
    err += say(rig, writer, ["late"], "stderr")
    out += say(rig, writer, numbered(80, 10))
    rig.read()
    rig.check()
    assert (out, err, 0) == (rig.messages(stream="stdout"), rig.messages(stream="stderr"), rig.gaps())
    rig.crash()


def test_rotated_while_the_catalog_was_lost(tmp_path):
    """Lines that came, and files that were rotated, between the loss and the rebuild are read."""
    rig = Rig(tmp_path).start()
    writer = rig.container("web", max_file=5)
    said = say(rig, writer, numbered(0, 10))
    rig.read().stop()
    lose(rig.folder)
    said += say(rig, writer, numbered(10, 10))
    writer.rotate()
    said += say(rig, writer, numbered(20, 10))
    rebuild(rig.folder)
    rig.start().read()
    rig.check()
    assert (said, 0) == (rig.messages(), rig.gaps())
    rig.crash()


def test_outputs_get_everything_again(rig):
    """An output begins with the oldest frame after a rebuild, and its accounts agree."""
    writer = rig.container("web")
    say(rig, writer, numbered(0, 10))
    rig.read()
    restart_rebuilt(rig)
    rig.store.catalog.use_outputs(["es"])
    (output,) = rig.store.catalog.outputs()
    assert (0, 10, 0) == (output.cursor, output.waiting, output.origin)
    rig.stop()
    assert [] == list(verify(rig.folder, running=False).found)
