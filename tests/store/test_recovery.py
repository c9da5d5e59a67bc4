"""Opening a store after everything that a crash, a power cut or a hand can have done to it."""

import gzip
import sqlite3

import pytest

from logagent.errors import Exit, Failure
from logagent.store.catalog import Catalog
from tests.store.stores import WEB, at, batch, opened, put


def plain(store):
    """What the store holds."""
    return b"".join(gzip.decompress(store.read(f)) for f in store.catalog.frames_after(0, 100))


def test_nothing_happened(tmp_path):
    """A store that was closed is gone on with in the same segment."""
    store = opened(tmp_path)
    put(store, batch(1))
    store.close()
    store = opened(tmp_path)
    put(store, batch(2))
    assert batch(1).documents + batch(2).documents == plain(store)
    assert [1] == store.segments.numbers()
    store.close()


def test_surplus_is_cut_off(tmp_path, caplog):
    """Bytes behind the last recorded frame are cut off, and said; the next frame lies where they lay."""
    caplog.set_level("INFO")
    store = opened(tmp_path)
    put(store, batch(1))
    store.close()
    with store.segments.path(1).open("ab") as file:
        file.write(b"torn frame")
    store = opened(tmp_path)
    assert "segment 1: 10 bytes behind the last recorded frame cut off" in caplog.text
    put(store, batch(2))
    assert batch(1).documents + batch(2).documents == plain(store)
    assert store.segments.length(1) == store.catalog.segments()[0].bytes
    store.close()


def test_a_segment_that_no_frame_was_recorded_in(tmp_path):
    """A crash right after a segment was begun leaves nothing behind."""
    store = opened(tmp_path, segment_size=10)
    put(store, batch(1))
    number = store.catalog.new_segment()
    store.segments.append(number, 0, b"torn frame")
    store.close()
    store = opened(tmp_path)
    assert 0 == store.segments.length(number)
    put(store, batch(2))
    assert batch(1).documents + batch(2).documents == plain(store)
    store.close()


@pytest.mark.parametrize("left", [0, 1])
def test_a_crash_in_the_middle_of_letting_go(tmp_path, left):
    """A segment that the catalog has forgotten, but whose file is there yet, is deleted; even when it was the last one."""
    store = opened(tmp_path, segment_size=10)
    for n in range(1 + left):
        put(store, batch(n))
    store.catalog.remove_segment(1)
    store.close()
    store = opened(tmp_path)
    assert [2][:left] == store.segments.numbers()
    put(store, batch(7))
    assert plain(store).endswith(batch(7).documents)
    store.close()


def test_segment_deleted_by_hand(tmp_path):
    """A segment that has gone, or is too short, is not written to again: what is left of it stays as it is."""
    store = opened(tmp_path)
    put(store, batch(1))
    store.close()
    store.segments.path(1).write_bytes(b"short")
    store = opened(tmp_path)
    put(store, batch(2))
    (_, frame) = store.catalog.frames_after(0, 10)
    assert (2, 0) == (frame.segment, frame.offset)
    assert b"short" == store.segments.path(1).read_bytes()
    store.close()


def test_catalog_lost(tmp_path):
    """Segments without their catalog are never deleted: opening is refused, and the way out told."""
    store = opened(tmp_path)
    put(store, batch(1))
    store.close()
    (tmp_path / "catalog.db").unlink()
    with pytest.raises(
        Failure, match=r"catalog.db was lost. `zcat .*` reads them. To go on, run `logagent store verify --store"
    ) as refused:
        opened(tmp_path)
    assert Exit.STORE == refused.value.status
    assert batch(1).documents == gzip.decompress(store.segments.path(1).read_bytes())


def test_catalog_damaged(tmp_path):
    """A damaged catalog is refused with the way out; the segments stay readable."""
    store = opened(tmp_path)
    for n in range(200):
        put(store, batch(n))
    store.close()
    content = bytearray((tmp_path / "catalog.db").read_bytes())
    content[4096:12288] = b"\xff" * 8192
    (tmp_path / "catalog.db").write_bytes(content)
    for read_only in (False, True):
        with pytest.raises(
            Failure, match=r"is damaged .*segments beside it are untouched.*run `logagent store verify --rebuild"
        ) as refused:
            Catalog(tmp_path / "catalog.db", read_only=read_only)
        assert Exit.STORE == refused.value.status
    assert gzip.decompress(store.segments.path(1).read_bytes()).startswith(batch(0).documents)


def test_catalog_of_a_newer_version(tmp_path):
    """A store that a newer agent wrote is refused and left alone."""
    opened(tmp_path).close()
    with sqlite3.connect(tmp_path / "catalog.db") as db:
        db.execute("PRAGMA user_version=99")
    db.close()
    with pytest.raises(Failure, match=r"written by a newer logagent \(catalog version 99") as refused:
        opened(tmp_path)
    assert Exit.STORE == refused.value.status


def test_no_store_to_read(tmp_path):
    """Reading a store that is not there says so, and makes none."""
    with pytest.raises(Failure, match="there is no store at"):
        Catalog(tmp_path / "catalog.db", read_only=True)
    assert [] == list(tmp_path.iterdir())


def test_an_append_that_was_not_recorded(tmp_path, monkeypatch):
    """When the catalog fails in any way, the frame waits, nothing can be added to it, and it is stored by the next commit."""
    store = opened(tmp_path)
    put(store, batch(1))
    for error in (sqlite3.OperationalError("full"), sqlite3.DatabaseError("malformed"), OSError("gone")):
        with monkeypatch.context() as patch:

            def fail(*_, error=error):
                raise error

            patch.setattr(store.catalog, "record", fail)
            assert not put(store, *([] if store.waiting else [batch(2)]))
            assert str(error) in store.full
    assert store.commit(2.0)
    assert batch(1).documents + batch(2).documents == plain(store)
    assert (at(2), "") == (store.catalog.progress(WEB.id), store.full)
    store.close()
