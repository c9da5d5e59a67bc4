"""The files of one container's log and their order: pure, from a directory's listing.

dockerd names them `<id>-json.log` (live), `.1` (newest rotated) to `.N`, each `.gz` when compressed (moby logfile.go: rotate).
Other names, such as the `.tmp` copies of old engines, are not part of the set.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_SUFFIX = re.compile(r"(?:\.(\d{1,5}))?(\.gz)?")


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file of the set: `index` 0 is the live one, higher is older; `size` in bytes as it lies on disk."""

    name: str
    index: int
    compressed: bool
    inode: int
    size: int


def log_files(listing: Iterable[tuple[str, int, int]], live: str) -> list[LogFile]:
    """Pick the files of the set whose live file is named `live` from (name, inode, size), oldest first."""
    found = [file for name, inode, size in listing if (file := _log_file(name, inode, size, live)) is not None]
    return sorted(found, key=lambda f: (-f.index, not f.compressed))


def newer_than(files: list[LogFile], inode: int) -> list[LogFile] | None:
    """Give the files that are newer than the one with `inode`; None when the set has no such file."""
    place = next((i for i, f in enumerate(files) if f.inode == inode and not f.compressed), None)
    return None if place is None else [f for f in files[place + 1 :] if f.index < files[place].index]


def _log_file(name: str, inode: int, size: int, live: str) -> LogFile | None:
    if not name.startswith(live):
        return None
    suffix = _SUFFIX.fullmatch(name[len(live) :])
    if suffix is None or (suffix[2] and not suffix[1]):
        return None
    return LogFile(name, int(suffix[1] or 0), suffix[2] is not None, inode, size)
