"""The yardstick: the whole hot path for the happy case only, in as few instructions as Python allows.

One file of canonical lines, from its start: read a block, splice it into `_bulk` documents with ids, compress (isal,
level 1), append to a segment with fdatasync, record frame and position in SQLite, POST the same bytes with two senders.
Nothing is resumed, retried or checked. What the agent costs above this is the price of being a product.
"""

import itertools
import os
import queue
import resource
import sqlite3
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import urllib3
from isal import igzip

BLOCK = 128 << 10
FRAME = 4 << 20

CONSTANT = (
    b'"container":{"id":"176ac27d35fe1da433635b0a522e9535b8dfeac1125f6b51c9f1e518661c8dbb","name":"web-1",'
    b'"image":{"name":"nginx:1.27"}},"host":{"name":"node-1"},"ecs":{"version":"8.11.0"},'
    b'"event":{"dataset":"docker.container_logs"},"data_stream":{"type":"logs",'
    b'"dataset":"docker.container_logs","namespace":"default"},"service":{"name":"web"}'
)
HEAD = b'{"create":{"_id":"176ac27d35fe-18c3f2a9b7d41e00-%x"}}\n{"message":"'
TAIL = b"," + CONSTANT + b"}\n"
GLUE = TAIL + HEAD
OUT, OUT_DONE = b'\\n","stream":"stdout","time":"', b'","stream":"stdout","@timestamp":"'
ERR, ERR_DONE = b'\\n","stream":"stderr","time":"', b'","stream":"stderr","@timestamp":"'


@dataclass
class Batch:
    """Documents of some blocks, their number, and the position behind them."""

    parts: list[bytes] = field(default_factory=list)
    size: int = 0
    events: int = 0
    position: int = 0


@dataclass(frozen=True)
class Frame:
    """Where a committed frame lies in the segment."""

    offset: int
    length: int


def check(block: bytes) -> int:
    """The number of lines of a block, every one canonical."""
    count = block.count(b"\n")
    assert block.count(b'\n{"log":"') + 1 == count == block.count(b'Z"}\n') == block.count(b'\\n","stream":"std')
    assert b'\\\\n","st' not in block
    return count


def splice(position: int, block: bytes) -> tuple[int, bytes]:
    """(offset of the block, whole canonical lines) → (number of lines, `_bulk` lines)."""
    count = check(block)
    parts = block[8:-2].replace(OUT, OUT_DONE).replace(ERR, ERR_DONE).split(b'}\n{"log":"')
    # Ten bytes lie between two parts, and the renaming gained four.
    offsets = itertools.accumulate(map(len, parts), lambda a, b: a + b + 6, initial=position)
    glues = map(GLUE.__mod__, itertools.islice(offsets, 1, count))
    between = itertools.chain.from_iterable(zip(parts, glues, strict=False))
    return count, b"".join((HEAD % position, *between, parts[-1], TAIL))


def read(path: Path, batches: "queue.Queue[Batch | None]") -> int:
    """Read the whole file into batches; return its length."""
    log, position, batch = os.open(path, os.O_RDONLY), 0, Batch()
    while block := os.pread(log, BLOCK, position):
        whole = block[: block.rfind(b"\n") + 1]
        count, documents = splice(position, whole)
        position += len(whole)
        batch.parts.append(documents)
        batch.size, batch.events, batch.position = batch.size + len(documents), batch.events + count, position
        if batch.size > FRAME:
            batches.put(batch)
            batch = Batch()
    batches.put(batch)
    batches.put(None)
    return position


def catalog(store: Path) -> sqlite3.Connection:
    """A fresh catalog."""
    db = sqlite3.connect(store / "catalog.db")
    db.execute("pragma journal_mode=wal")
    db.execute("pragma synchronous=normal")
    db.execute("create table frame(seq integer primary key, seg, off, len, events)")
    db.execute("create table position(source primary key, off)")
    return db


def commit(
    store: Path, segment: int, batches: "queue.Queue[Batch | None]", frames: "queue.Queue[Frame | None]"
) -> None:
    """Make each batch durable, then hand it to the senders."""
    db, offset = catalog(store), 0
    for seq in itertools.count():
        if (batch := batches.get()) is None:
            break
        body = igzip.compress(b"".join(batch.parts), 1)
        os.pwrite(segment, body, offset)
        os.fdatasync(segment)
        with db:
            db.execute("insert into frame values(?,?,?,?,?)", (seq, 1, offset, len(body), batch.events))
            db.execute("insert or replace into position values(?,?)", ("a", batch.position))
        frames.put(Frame(offset, len(body)))
        offset += len(body)
    db.close()
    frames.put(None)
    frames.put(None)


def send(url: str, segment: int, frames: "queue.Queue[Frame | None]") -> None:
    """POST frames as they lie on disk."""
    pool = urllib3.PoolManager()
    headers = {"content-type": "application/x-ndjson", "content-encoding": "gzip"}
    while (frame := frames.get()) is not None:
        body = os.pread(segment, frame.length, frame.offset)
        reply = pool.urlopen("POST", url, body=body, headers=headers)
        assert reply.status == 200, reply.data[:300]


def ship(path: Path, url: str, store: Path) -> int:
    """Run the whole path over one file; return its length."""
    batches: queue.Queue[Batch | None] = queue.Queue(2)
    frames: queue.Queue[Frame | None] = queue.Queue()
    segment = os.open(store / "1.ndjson.gz", os.O_CREAT | os.O_RDWR | os.O_TRUNC)
    bulk = f"{url}/_bulk?filter_path=errors,items.*.error,items.*.status"
    workers = [threading.Thread(target=send, args=(bulk, segment, frames)) for _ in range(2)]
    workers.append(threading.Thread(target=commit, args=(store, segment, batches, frames)))
    for worker in workers:
        worker.start()
    length = read(path, batches)
    for worker in workers:
        worker.join()
    return length


def main() -> None:
    """`prototype.py LOG URL STORE`, where URL may end in an index and STORE is an empty folder."""
    path, url, store = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    store.mkdir(parents=True, exist_ok=True)
    begin = time.perf_counter()
    length = ship(path, url, store)
    wall, used = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_SELF)
    print(
        f"{length / 1e6:.0f} MB in {wall:.2f} s, cpu {used.ru_utime + used.ru_stime:.2f} s, {used.ru_maxrss >> 10} MB"
    )


if __name__ == "__main__":
    main()
