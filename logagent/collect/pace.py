"""How sources are read: the few values of the settings that they need."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """How a source is read: seconds between looks, bytes to a block, bytes of the largest event, seconds that a piece is waited for.

    `gap_events` says whether a gap is an event in the store, beside being counted.
    """

    poll_min: float = 0.05
    poll_max: float = 1.0
    block_size: int = 128 << 10
    max_event_size: int = 1 << 20
    partial_timeout: float = 5.0
    gap_events: bool = True

    @property
    def longest_line(self) -> int:
        """Bytes after which a line without end is cut: well above the largest record that dockerd writes."""
        return max(self.max_event_size, 256 << 10) + self.block_size
