"""Opening a log set's files while dockerd may be rotating them.

Invariant: what comes back is one consistent look at the directory, oldest first: names may shift between listing and opening,
so that each opened file must be the one that was listed, or all is done again.
"""

import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import itemgetter

from logagent.collect.kin import find, is_between, same_file
from logagent.collect.logset import LogFile, log_files
from logagent.collect.tail import Tail
from logagent.model import Generation, Progress

STRAYS = 64  # files by foreign names that are looked at
ATTEMPTS = 20  # rotations that may hit while opening before the rest is left to the next look

Choose = Callable[[list[LogFile]], list[LogFile]]


def listing(directory: str, live: str, *, compresses: bool | None = None) -> list[LogFile]:
    """List the set's regular files, oldest first; empty when the directory has gone. Raises OSError when it cannot be read."""
    return log_files(_regular(directory, live), live, compresses=compresses)


def open_chain(directory: str, live: str, choose: Choose, *, compresses: bool | None = None) -> list[Tail]:
    """Open those files of the set that `choose` picks from a listing, oldest first, in one consistent look. Raises OSError."""
    for _ in range(ATTEMPTS):
        files = listing(directory, live, compresses=compresses)
        tails = _open(directory, choose(files))
        if tails is None:
            continue
        if _names(listing(directory, live, compresses=compresses)) == _names(files):
            return _without_copies(tails)
        close_all(tails)
    raise OSError(f"{directory}/{live} is rotated faster than its files can be opened")


def open_strays(directory: str, live: str, inode: int) -> list[Tail]:
    """Open the files that somebody gave names which dockerd gives to none, as logrotate does with a date; the oldest first by their first time.

    Of very many, the one with `inode` and the last ones in the order of names are opened.
    """
    found = [f for f in _regular(directory, live) if not log_files([f], live) and not f[0].endswith((".gz", ".tmp"))]
    found.sort(key=lambda f: (f[1] == inode, f[0]), reverse=True)
    opened = [
        _open_one(f"{directory}/{name}", LogFile(name, 0, compressed=False, inode=inode, size=size))
        for name, inode, size in found[:STRAYS]
    ]
    named = [(t.generation.time, t) for t in opened if t is not None and t.generation is not None]
    close_all([t for t in opened if t is not None and t.generation is None])
    return [t for _, t in sorted(named, key=itemgetter(0))]


def open_strays_from(directory: str, live: str, progress: Progress) -> list[Tail]:
    """Open the one of those files that was being read, and what was begun after it; nothing when it is not there."""
    strays = open_strays(directory, live, progress.inode)
    place = find(strays, progress.read, progress.inode)
    keep = [] if place is None else strays[place:]
    close_all([t for t in strays if t not in keep])
    return keep


def open_strays_between(
    directory: str, live: str, older: Generation | None, newer: Generation | None, known: Callable[[Tail], bool]
) -> list[Tail]:
    """Open those of them that were begun after `older` and before `newer`, but those that are `known`."""
    strays = open_strays(directory, live, 0) if older and older.time else []
    keep = [t for t in strays if not known(t) and is_between(t.generation, older, newer)]
    close_all([t for t in strays if t not in keep])
    return keep


def everything(files: list[LogFile]) -> list[LogFile]:
    """Choose all files."""
    return files


def name_all(tails: Sequence[Tail], before: Generation | None) -> None:
    """Give files that begin with like pieces of one long line their ordinal, after the file named `before`."""
    for tail in tails:
        own = tail.generation
        if own is not None and before is not None and own.begins_like(before) and own.checksum:
            tail.generation = replace(own, ordinal=before.ordinal + 1)
        before = tail.generation or before


def identified(tail: Tail) -> Tail:
    """Find out the generation of `tail` if that can be read: a `.gz` that is being written or was cut stays nameless."""
    try:
        return tail.identify()
    except OSError:
        return tail


def close_all(tails: Sequence[Tail]) -> None:
    """Close all of `tails`."""
    for tail in tails:
        tail.close()


def _names(files: Sequence[LogFile]) -> dict[str, int]:
    """The inodes by name. What is held keeps its own; one that was not held yet may be another file's by the time it is opened."""
    return {file.name: file.inode for file in files}


def _open(directory: str, files: list[LogFile]) -> list[Tail] | None:
    tails: list[Tail] = []
    try:
        for file in files:
            tail = _open_one(f"{directory}/{file.name}", file)
            if tail is None:
                close_all(tails)
                return None
            tails.append(tail)
    except OSError:
        close_all(tails)
        raise
    return tails


def _open_one(path: str, file: LogFile) -> Tail | None:
    try:
        tail = Tail(path, compressed=file.compressed)
    except FileNotFoundError:
        return None
    if tail.inode != file.inode:
        tail.close()
        return None
    return identified(tail)


def _without_copies(tails: list[Tail]) -> list[Tail]:
    """Leave out each `.gz` whose plain file is there too: dockerd is compressing it, or died while it did."""
    plain = {t.path: t.generation for t in tails if not t.compressed}
    copies = [
        t
        for t in tails
        if t.compressed
        and t.path[:-3] in plain
        and (t.generation is None or same_file(t.generation, plain[t.path[:-3]]))
    ]
    close_all(copies)
    return [t for t in tails if t not in copies]


def _regular(directory: str, live: str) -> list[tuple[str, int, int]]:
    """Name, inode and size of the regular files whose names begin with that of the live one."""
    try:
        with os.scandir(directory) as entries:
            found = [(e.name, _status(e)) for e in entries if e.name.startswith(live)]
    except FileNotFoundError:
        return []
    # Anything but a file was put there by others: dockerd cannot rotate over it, and opening a pipe would wait for ever.
    return [(n, s.st_ino, s.st_size) for n, s in found if s is not None and stat.S_ISREG(s.st_mode)]


def _status(entry: "os.DirEntry[str]") -> os.stat_result | None:
    # Not the entry's own inode number: on some file systems (overlay) it is another than that of the opened file.
    try:
        return entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
