"""What metrics ask of the owners of things: the parts of collector and store that can be read while they work."""

from collections.abc import Iterable
from typing import Protocol

from logagent.store.retention import Budget

Lag = tuple[str, str, int, float]
"""Container id, name, bytes not read yet, and for how many seconds the oldest of them has waited."""


class Streams(Protocol):
    """What is asked of the targets."""

    @property
    def streams(self) -> int:
        """How many data streams are in use beside the default one."""

    @property
    def refused(self) -> int:
        """How often a container got the default one because there were too many."""


class Sources(Protocol):
    """What is asked of the collector."""

    @property
    def open_files(self) -> int:
        """How many log files are open."""

    @property
    def deleted_bytes(self) -> int:
        """Bytes of log files that are deleted and held until they are read."""

    @property
    def targets(self) -> "Streams":
        """The data streams that containers were given."""

    def sources(self, now: float) -> Iterable[Lag]:
        """How far each container is behind."""


class Kept(Protocol):
    """What is asked of the store."""

    @property
    def budget(self) -> Budget:
        """What it may take."""

    @property
    def full(self) -> str:
        """Why it takes nothing more, "" while it does."""
