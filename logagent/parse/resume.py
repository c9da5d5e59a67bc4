"""What was taken in before a restart, when reading begins again at a line that was unfinished then.

Reading goes from the oldest place to the newest, and generations are told apart but not put in order: the times that they are
named after do not always rise (a long line that both streams write around, a clock set back, a damaged first line). So a place
counts as ahead until its file is reached; who reads the files must say when one has gone, for then all is new.
"""

from collections.abc import Mapping
from typing import Literal

from logagent.model import Generation, Position, Progress, Stream

Known = Stream | Literal["read"]


class Resume:
    """By stream, where records are new, and as `read`, the newest place, where damaged lines are. False when all is new."""

    def __init__(self, places: Mapping[Known, Position]) -> None:
        self._places = dict(places)

    def __bool__(self) -> bool:
        return bool(self._places)

    def seen(self, what: Known, generation: Generation, offset: int) -> bool:
        """Tell whether what lies at `offset` was taken in before the restart."""
        place = self._places.get(what)
        if place is None:
            return False
        if generation == place.generation:
            return offset < place.offset
        return generation != self._places["read"].generation

    def reach(self, generation: Generation, offset: int) -> None:
        """Forget the places that reading has come to."""
        self._places = {what: place for what, place in self._places.items() if self.seen(what, generation, offset)}

    def holds(self, what: Known, generation: Generation, offset: int) -> bool:
        """Tell whether the place lies inside of the record at `offset`, as that of `model.REBUILT` does."""
        return self._places.get(what) == Position(generation, offset + 1)

    def leave(self, generation: Generation) -> None:
        """Forget the places in a file that was read to its end; behind the newest place all is new."""
        read = self._places.get("read")
        if read is not None and read.generation == generation:
            self._places = {}
        self._places = {what: place for what, place in self._places.items() if place.generation != generation}


def resume_points(progress: Progress | None) -> Mapping[Known, Position]:
    """Tell from where on each stream's records, and damaged lines, are new when reading goes on at `progress.start`."""
    if progress is None or not progress.pending:
        return {}
    return {
        "stdout": progress.pending.get("stdout", progress.read),
        "stderr": progress.pending.get("stderr", progress.read),
        "read": progress.read,
    }
