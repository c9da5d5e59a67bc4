"""One agent to a store: an advisory lock on the store's `lock` file, released by the kernel however the agent ends."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from logagent.errors import Exit, Failure


class Lock:
    """Holds the store at `folder` for this process. Raises Failure(STORE) when another agent has it."""

    def __init__(self, folder: Path) -> None:
        self._fd = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._fd, 20, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._fd)
            raise Failure(
                f"another agent (pid {holder}) uses the store at {folder}: stop it, or give this one its own folder with --store",
                Exit.STORE,
            ) from error
        with suppress(OSError):  # a full disk takes no pid, but that is no reason not to run
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Give the store back."""
        os.close(self._fd)
