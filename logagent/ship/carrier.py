"""What all kinds of outputs are to those who run them: the agent, its metrics, and the verbs that send again."""

from typing import Protocol

from logagent.ship.tally import Tally
from logagent.ship.trouble import Trouble


class Destination(Protocol):
    """Where an output's documents end up."""

    @property
    def url(self) -> str:
        """Its address, without credentials."""

    def close(self) -> None:
        """Let it go."""


class Shipments(Protocol):
    """What is asked of an output by who counts."""

    @property
    def name(self) -> str:
        """The output's name."""

    @property
    def tally(self) -> Tally:
        """Its counters since the start."""

    @property
    def trouble(self) -> Trouble:
        """What hinders it now."""


class Carrier(Shipments, Protocol):
    """Brings the frames of a store to one output, from its cursor on, in threads of its own."""

    @property
    def client(self) -> Destination:
        """Where documents go."""

    @property
    def last_error(self) -> str:
        """What went wrong last, while it is not over; else empty."""

    @property
    def paused(self) -> str:
        """Why it waits until somebody corrects something; else empty."""

    def start(self) -> None:
        """Start the threads."""

    def stop(self, within: float) -> bool:
        """End them within so many seconds; False when one still waits."""

    def wait_drained(self, seq: int, within: float) -> bool:
        """Wait until all frames up to `seq` are done with, at most `within` seconds; tells whether they are."""
