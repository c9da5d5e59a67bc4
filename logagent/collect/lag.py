"""How much of a container's log is still unread, from the files as they are now. Used where no collector runs, as in `status`."""

import os

from logagent.collect.chain import close_all, everything, open_chain
from logagent.collect.kin import find
from logagent.collect.tail import Tail
from logagent.engine.options import shifts_compressed
from logagent.model import Container, Progress


def lag_bytes(container: Container, progress: Progress | None) -> int:
    """Bytes of `container`'s files beyond `progress`; 0 when there are none. Raises OSError when they cannot be read."""
    if container.log_path is None:
        return 0
    directory, live = os.path.split(container.log_path)
    tails = open_chain(directory, live, everything, compresses=shifts_compressed(container.log_options))
    try:
        return remaining(tails, progress)
    finally:
        close_all(tails)


def remaining(tails: list[Tail], progress: Progress | None) -> int:
    """Bytes of `tails`, oldest first, beyond `progress`; a `.gz` counts its decompressed size."""
    place = find(tails, progress.read, progress.inode) if progress else None
    if progress is None or place is None:
        newer = [
            t
            for t in tails
            if progress is None or t.generation is None or t.generation.time > progress.read.generation.time
        ]
        return sum(t.plain_size() for t in newer)
    return max(0, sum(t.plain_size() for t in tails[place:]) - progress.read.offset)
