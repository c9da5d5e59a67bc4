"""The files of one container's log and their order: pure, from a directory's listing.

dockerd names them `<id>-json.log` (live), `.1` (newest rotated) to `.N`, each `.gz` when compressed (moby logfile.go: rotate).
Other names, such as the `.tmp` copies of old engines, are not part of the set.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

_SUFFIX = re.compile(r"(?:\.(\d{1,5}))?(\.gz)?")


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file of the set: `index` 0 is the live one, higher is older; `size` in bytes as it lies on disk.

    `stale` tells that dockerd rotates it no more: it has the kind of name from before `compress` was changed.
    """

    name: str
    index: int
    compressed: bool
    inode: int
    size: int
    stale: bool = False


def log_files(listing: Iterable[tuple[str, int, int]], live: str, *, compresses: bool | None = None) -> list[LogFile]:
    """Pick the files of the set whose live file is named `live` from (name, inode, size), oldest first.

    `compresses` is what dockerd does now, None when that is not known. It shifts the files of its own kind only: the others stay
    where they are, so that their numbers say nothing, and are older (moby logfile.go: rotate).
    """
    found = (_log_file(name, inode, size, live) for name, inode, size in listing)
    files = [replace(f, stale=_is_stale(f, compresses=compresses)) for f in found if f is not None]
    return sorted(files, key=lambda f: (not f.stale, -f.index, not f.compressed))


def newer_than(files: list[LogFile], inode: int) -> list[LogFile] | None:
    """Give the files that are newer than the one with `inode`; None when the set has no such file."""
    place = next((i for i, f in enumerate(files) if f.inode == inode and not f.compressed), None)
    return None if place is None else [f for f in files[place + 1 :] if f.index < files[place].index]


def _is_stale(file: LogFile, *, compresses: bool | None) -> bool:
    if compresses is None or file.index == 0:
        return False
    return not file.compressed and file.index > 1 if compresses else file.compressed


def _log_file(name: str, inode: int, size: int, live: str) -> LogFile | None:
    if not name.startswith(live):
        return None
    suffix = _SUFFIX.fullmatch(name[len(live) :])
    if suffix is None or (suffix[2] and not suffix[1]):
        return None
    return LogFile(name, int(suffix[1] or 0), suffix[2] is not None, inode, size)
