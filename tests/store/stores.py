"""Stores and batches that are made by hand."""

from pathlib import Path
from random import Random
from typing import Any

from logagent.model import Batch, Container, Generation, Image, Position, Progress
from logagent.store.retention import Budget
from logagent.store.store import Store

WEB, DB = (Container(name * 32, name, Image("busybox"), log_path=f"/{name}.log") for name in ("ab", "cd"))
SECOND = 10**9


def opened(folder: Path, budget: Budget | None = None, **sizes: Any) -> Store:
    """The store in `folder`, with two containers known."""
    given = {"segment_size": 1 << 20, "frame_size": 1 << 20, "frame_time": 1.0} | sizes
    store = Store(folder, budget or Budget(1 << 30), **given)
    store.catalog.remember([WEB, DB])
    return store


def at(offset: int) -> Progress:
    """Progress up to `offset`."""
    return Progress(Position(Generation(1), offset))


def batch(number: int, events: int = 1, container: Container = WEB, size: int = 0, **more: Any) -> Batch:
    """A batch of `events` documents that are told apart by `number`, with a message of about `size` bytes."""
    lines = [
        b'{"create":{"_id":"%b-%d-%d"}}\n{"message":"%b"}\n'
        % (container.id[:12].encode(), number, n, Random(number).randbytes(size // 2).hex().encode())
        for n in range(events)
    ]
    times = (number * SECOND, number * SECOND + events)
    return Batch(container.id, b"".join(lines), events, *times, at(number), **({"raw_bytes": 10 * events} | more))


def put(store: Store, *batches: Batch, now: float = 1.0) -> bool:
    """Commit one frame of `batches`."""
    for one in batches:
        store.add(one, now)
    return store.commit(now)
