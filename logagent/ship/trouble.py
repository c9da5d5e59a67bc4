"""What an output's trouble is right now, and when it is worth a line in the log.

The first failure is told at once with what to do, more of them at most each minute, the recovery once. The sentences are
ours: no credential and no content of events is in them.
"""

import logging
import threading

log = logging.getLogger(__name__)

REPEAT = 60.0  # seconds between two lines of one kind


class Trouble:
    """The trouble of output `name`. `since` is when it began (seconds), `paused` why nothing is even tried as usual."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.since: float | None = None
        self.last_error = ""
        self.paused = ""
        self._aside = 0
        self._next: dict[str, float] = {}
        self._told = False
        self._lock = threading.Lock()

    def failed(self, sentence: str, advice: str, now: float, *, paused: bool = False) -> None:
        """Note a failure; `sentence` says what happened, `advice` what to do."""
        with self._lock:
            self.since = now if self.since is None else self.since
            self.last_error, self.paused = sentence, sentence if paused else ""
            if self._due("failed", now):
                self._told = True
                log.warning("%s: %s. Nothing is lost: frames are kept and sent later. %s", self.name, sentence, advice)

    def refused(self, number: int, kind: str, now: float) -> None:
        """Note that events were refused for good, with the server's word `kind`."""
        with self._lock:
            if self._due("refused", now):
                log.warning(
                    "%s: %d events were refused for good (%s) and are kept as dead letters with the reason: correct the mapping or what writes them",
                    self.name,
                    number,
                    kind,
                )

    def stored_aside(self, number: int, now: float) -> None:
        """Note that the server put events into its failure store, instead of the place where they are looked for."""
        with self._lock:
            self._aside += number
            if number and self._due("aside", now):
                log.warning(
                    "%s: %d events went to the server's failure store, since its mapping or a pipeline refused them: "
                    "look at them with GET <data stream>::failures/_search, and correct the mapping or what writes them",
                    self.name,
                    self._aside,
                )
                self._aside = 0

    def cut(self, number: int, now: float) -> None:
        """Note that events were delivered with long texts cut, as the server takes nothing larger."""
        with self._lock:
            if number and self._due("cut", now):
                log.warning(
                    "%s: %d events were too large for the server (413) and were delivered with their long texts cut (log.flags: truncated): "
                    "raise http.max_content_length there, or the limit of the proxy before it",
                    self.name,
                    number,
                )

    def over(self, now: float) -> None:
        """Note that a request went through."""
        if self.since is None:
            return
        with self._lock:
            if self.since is not None and self._told:
                log.info("%s: shipping again after %.0f s", self.name, max(0.0, now - self.since))
            self.since, self.last_error, self.paused, self._told = None, "", "", False

    def _due(self, kind: str, now: float) -> bool:
        last = self._next.get(kind)
        # A clock that was set back must not silence it.
        if last is not None and last - REPEAT <= now < last:
            return False
        self._next[kind] = now + REPEAT
        return True
