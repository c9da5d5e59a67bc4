"""What a source has to tell beside its lines: gaps, holes that were passed over, files that cannot be read.

Invariant: a gap goes into the next batch, in front of the lines that follow it, so that it is remembered together with the progress
beyond it; each gap is told in the log, a hole once, and trouble when it changes.
"""

import logging
from collections.abc import Iterable
from dataclasses import replace

from logagent.model import Gap
from logagent.parse import gap as gap_event
from logagent.parse.block import Parsed
from logagent.parse.document import Constant

log = logging.getLogger(__name__)


class Notes:
    """The notes of the source `name` with the container id `container`. `events` says whether a gap becomes an event, too."""

    def __init__(self, container: str, *, events: bool) -> None:
        self._container, self._events = container, events
        self._gaps: list[Gap] = []
        self._told_hole, self._trouble = False, ""

    def __bool__(self) -> bool:
        return bool(self._gaps)

    def gap(self, gaps: Iterable[Gap]) -> None:
        """Note what is missing before the lines that come next."""
        self._gaps += gaps

    def take(self, name: str, *, since: int, until: int) -> tuple[Gap, ...]:
        """Give the gaps that were noted, between the lines of two times (ns; 0: unknown), and tell them."""
        gaps = tuple(replace(gap, since=since, until=until) for gap in self._gaps)
        self._gaps.clear()
        for gap in gaps:
            log.warning("container %s (%s): %s", name, self._container[:12], gap_event.describe(gap))
        return gaps

    def joined(self, gaps: tuple[Gap, ...], parsed: Parsed, constant: Constant, now: float) -> Parsed:
        """Put `gaps` as events in front of what was parsed."""
        if not gaps or not self._events:
            return parsed
        found = gap_event.times(gaps, now)
        times = [*found, parsed.first_time, parsed.last_time] if parsed.events else found
        documents = gap_event.documents(gaps, self._container, constant, now) + parsed.documents
        return Parsed(documents, parsed.events + len(gaps), min(times), max(times), parsed.problems)

    def holes(self, name: str, number: int, parsed: Parsed) -> Parsed:
        """Count `number` holes among the problems."""
        if not number:
            return parsed
        if not self._told_hole:
            log.warning(
                "container %s (%s): NUL bytes in its log were passed over: another program truncated it while Docker wrote, or the power failed",
                name,
                self._container[:12],
            )
        self._told_hole = True
        return replace(parsed, problems={**parsed.problems, "nul_bytes": number})

    def trouble(self, name: str, why: str) -> None:
        """Say what goes wrong, until it is something else; empty when nothing does."""
        if why not in ("", self._trouble):
            log.warning("reading the log of container %s failed: %s", name, why)
        self._trouble = why
