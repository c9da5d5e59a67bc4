"""Whether the loops still step: each notes its beats here, and a loop that has been silent for too long is named."""

import threading

WHOSE = "logagent-store"
"""The header of health answers that names the store whose agent answers, so that nobody takes another's answer for ours."""

SILENT = 60.0  # seconds; the longest that a healthy loop stays inside one step


class Beats:
    """The last step of each loop, in seconds of one clock. A loop is watched from its first beat until it says farewell."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}
        self._lock = threading.Lock()

    def beat(self, loop: str, now: float) -> None:
        """Note that `loop` begins a step."""
        with self._lock:
            self._last[loop] = now

    def farewell(self, loop: str) -> None:
        """Watch `loop` no more: it ended as it should."""
        with self._lock:
            self._last.pop(loop, None)

    def silent(self, now: float, limit: float = SILENT) -> str:
        """Name the loop that has been silent longest, if that is longer than `limit`; "" when all step."""
        with self._lock:
            last = min(self._last.items(), key=lambda item: item[1], default=("", now))
        return f"the {last[0]} has not stepped for {now - last[1]:.0f} s" if now - last[1] > limit else ""
