"""How the files of a set are related: which one is which, what is a copy of what, what comes after what.

Names say nothing once files were renamed, inodes nothing once they were compressed; what a file begins with, and its time, do. Times
may lie (a clock set back, pieces of a long line that both streams write around), so each question says what it takes for proof.
"""

from collections.abc import Sequence

from logagent.collect.tail import FIRST, Tail
from logagent.model import Generation, Position, Progress


def find(tails: Sequence[Tail], position: Position, inode: int) -> int | None:
    """Tell which of `tails` is the file of `position`; None when none is. `inode` (0: unknown) settles it between files that begin alike.

    What begins with a piece of a long line may be any of several files, most of which may have gone: then a plain file must have
    the inode.
    """
    wanted = position.generation
    alike = _alike(tails, wanted)
    if len(alike) > 1:
        alike = [i for i in alike if tails[i].inode == inode] or [
            alike[min(wanted.ordinal if wanted.checksum else 0, len(alike) - 1)]
        ]
    elif alike and wanted.checksum and inode > 0 and not tails[alike[0]].compressed:
        alike = [i for i in alike if tails[i].inode == inode]
    return alike[0] if alike else None


def find_begun(tails: Sequence[Tail], begun: Position, read: Position, place: int) -> int | None:
    """Tell which of `tails` is the file of `begun`, an unfinished line, when `place` is that of `read`; None when it has gone."""
    own, newest = begun.generation, read.generation
    if own == newest:
        return place
    if not own.begins_like(newest):
        return find(tails, begun, 0)
    alike = [i for i in _alike(tails, own) if i <= place]
    back = len(alike) - 1 - (newest.ordinal - own.ordinal)
    return alike[back] if 0 <= back < len(alike) else None


def find_inode(tails: Sequence[Tail], inode: int) -> int | None:
    """Tell which of `tails` has `inode`; None when none has."""
    return next((i for i, t in enumerate(tails) if t.inode == inode), None)


def newer_by_inode(tails: Sequence[Tail], gone: Progress) -> list[Tail]:
    """Those of `tails` that are newer than a file whose content has gone, whatever their times say.

    What has its inode took it over, or is that file, truncated; what follows is newer still. What begins like it with a piece of the
    same long line, and is another file, may be.
    """
    place = find_inode(tails, gone.inode)
    twins = [t for t in tails[:place] if is_twin(t, gone.read.generation)]
    return twins if place is None else [*twins, *tails[place:]]


def merged(strays: Sequence[Tail], files: Sequence[Tail]) -> list[Tail]:
    """Put each of `strays`, which are in order, behind the last one of `files` that was begun earlier."""
    found = list(files)
    for stray in strays:
        time = stray.generation.time if stray.generation else 0
        earlier = (i for i, t in enumerate(found, 1) if t.generation is not None and t.generation.time < time)
        found.insert(max(earlier, default=0), stray)
    return found


def _alike(tails: Sequence[Tail], wanted: Generation) -> list[int]:
    return [i for i, t in enumerate(tails) if t.generation and t.generation.begins_like(wanted)]


def compressed_copy(tails: Sequence[Tail], plain: Tail) -> int | None:
    """Tell which of `tails` has the content of `plain`, which is held: only compressing gives it another inode."""
    own, size = plain.generation, plain.grown()
    copies = [i for i, t in enumerate(tails) if t.compressed and t.plain_size() == size]
    if own is None:  # an empty file is its own copy
        return copies[-1] if copies and not size else None
    place = find([tails[i] for i in copies], Position(own, 0), 0)
    return None if place is None else copies[place]


def is_like_others(tail: Tail) -> bool:
    """Tell whether `tail` may be nothing but a piece of a long line: its neighbours can then be the same to the byte."""
    return tail.generation is not None and tail.generation.checksum != 0 and tail.size < FIRST


def is_twin(tail: Tail, known: Generation | None) -> bool:
    """Tell whether `tail` is a plain file that only begins like `known`, with a piece of the same long line."""
    own = tail.generation
    return own is not None and known is not None and not tail.compressed and own.begins_like(known)


def not_older(tail: Tail, than: Generation | None) -> bool:
    """Tell whether `tail` may hold what comes after the generation `than`: it is another one, and no older."""
    own = tail.generation
    if own is None or than is None:
        return True
    return own.checksum != than.checksum if own.time == than.time else tail.begun() > than.time


def is_between(own: Generation | None, older: Generation | None, newer: Generation | None) -> bool:
    """Tell whether `own` was begun after `older` and before `newer`; what is not known of the latter does not hinder."""
    return own is not None and older is not None and older.time < own.time and (newer is None or own.time < newer.time)


def same_file(own: Generation | None, other: Generation | None) -> bool:
    """Tell whether both are the same name, or none."""
    return own.is_of(other) if own is not None else other is None


def is_among(tail: Tail, held: Sequence[Tail]) -> bool:
    """Tell whether `tail` is one of the files that are held, or a compressed copy of one."""
    own = tail.generation
    return any(tail.inode == t.inode or (tail.compressed and own is not None and own.is_of(t.generation)) for t in held)
