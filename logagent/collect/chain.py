"""Opening a log set's files while dockerd may be rotating them.

Invariant: what comes back is one consistent look at the directory, oldest first: names may shift between listing and opening,
so that each opened file must be the one that was listed, or all is done again.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace

from logagent.collect.logset import LogFile, log_files
from logagent.collect.tail import Tail
from logagent.model import Generation, Position

ATTEMPTS = 20  # rotations that may hit while opening before the rest is left to the next look

Choose = Callable[[list[LogFile]], list[LogFile]]


def listing(directory: str, live: str) -> list[LogFile]:
    """List the set's files, oldest first; empty when the directory has gone. Raises OSError when it cannot be read."""
    try:
        with os.scandir(directory) as entries:
            return log_files(((e.name, e.inode(), _size(e)) for e in entries if e.name.startswith(live)), live)
    except FileNotFoundError:
        return []


def open_chain(directory: str, live: str, choose: Choose) -> list[Tail]:
    """Open those files of the set that `choose` picks from a listing, oldest first, in one consistent look."""
    for _ in range(ATTEMPTS):
        tails = _open(directory, choose(listing(directory, live)))
        if tails is not None:
            return _without_copies(tails)
    return []


def everything(files: list[LogFile]) -> list[LogFile]:
    """Choose all files."""
    return files


def name_all(tails: Sequence[Tail], before: Generation | None) -> None:
    """Give files that begin with like pieces of one long line their ordinal, after the file named `before`."""
    for tail in tails:
        own = tail.generation
        if (
            own is not None
            and before is not None
            and (own.time, own.checksum) == (before.time, before.checksum)
            and own.checksum
        ):
            tail.generation = replace(own, ordinal=before.ordinal + 1)
        before = tail.generation or before


def find(tails: Sequence[Tail], position: Position, inode: int) -> int | None:
    """Tell which of `tails` holds `position`; None when none does. `inode` settles it between files that begin alike."""
    wanted = position.generation
    alike = [
        i
        for i, t in enumerate(tails)
        if t.generation and (t.generation.time, t.generation.checksum) == (wanted.time, wanted.checksum)
    ]
    if len(alike) > 1:
        alike = [i for i in alike if tails[i].inode == inode] or [alike[min(wanted.ordinal, len(alike) - 1)]]
    if not alike or (not tails[alike[0]].compressed and tails[alike[0]].size < position.offset):
        return None
    return alike[0]


def close_all(tails: Sequence[Tail]) -> None:
    """Close all of `tails`."""
    for tail in tails:
        tail.close()


def _open(directory: str, files: list[LogFile]) -> list[Tail] | None:
    tails: list[Tail] = []
    for file in files:
        tail = _open_one(f"{directory}/{file.name}", file)
        if tail is None:
            close_all(tails)
            return None
        tails.append(tail)
    return tails


def _open_one(path: str, file: LogFile) -> Tail | None:
    try:
        tail = Tail(path, compressed=file.compressed)
    except FileNotFoundError:
        return None
    if tail.inode != file.inode:
        tail.close()
        return None
    return _identified(tail)


def _identified(tail: Tail) -> Tail:
    try:
        return tail.identify()
    except OSError:  # a .gz that is being written or was cut: nameless, and judged where its plain file is
        return tail


def _without_copies(tails: list[Tail]) -> list[Tail]:
    """Leave out each `.gz` whose plain file is there too: dockerd is compressing it, or died while it did."""
    plain = {t.path: t.generation for t in tails if not t.compressed}
    copies = [t for t in tails if t.compressed and t.path[:-3] in plain and t.generation in (None, plain[t.path[:-3]])]
    close_all(copies)
    return [t for t in tails if t not in copies]


def _size(entry: "os.DirEntry[str]") -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size
    except FileNotFoundError:
        return 0
