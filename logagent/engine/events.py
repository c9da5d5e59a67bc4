"""The engine's container events, followed in a thread of their own. Never raises, and owns nothing but its connection.

Events tell sooner, not more: those from before a connection and from between two are lost, so each connection begins with
`relist`, and whoever listens looks at all containers then.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from logagent.engine.api import engine_url, listens, open_client
from logagent.engine.metadata import is_container_id

if TYPE_CHECKING:
    from docker.types.daemon import CancellableStream

_log = logging.getLogger(__name__)

Kind = Literal["create", "start", "die", "destroy", "rename", "relist"]
Notice = tuple[Kind, str]  # what happened, and the container's id; "" with relist

_KINDS = [kind for kind in get_args(Kind) if kind != "relist"]
_FIRST_WAIT = 0.5  # seconds until connecting again, doubled with each failure …
_LONGEST_WAIT = 30.0  # … up to this


class EventFeed:
    """Calls `put` with each notice, from its own thread: `queue.SimpleQueue().put` does. The caller drains that queue.

    Connects to `url` (else DOCKER_HOST, else the usual socket) for as long as it takes, waiting `timeout` seconds for the
    engine's first answer, and again whenever the connection ends.
    """

    def __init__(self, put: Callable[[Notice], object], url: str | None = None, timeout: float = 10.0) -> None:
        self._put = put
        self._url = engine_url(url)
        self._timeout = timeout
        self._stopping = threading.Event()
        self._stream: CancellableStream[Any] | None = None
        self._wait = _FIRST_WAIT
        self._thread = threading.Thread(target=self._run, name="engine-events", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """End the connection and the thread, waiting at most `timeout` seconds for it."""
        self._stopping.set()
        self._hang_up()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._try_to_follow()
            self._stopping.wait(self._wait)
            self._wait = min(self._wait * 2, _LONGEST_WAIT)

    def _try_to_follow(self) -> None:
        """Follow one connection to its end, whatever that is."""
        try:
            if listens(self._url, self._timeout):
                self._follow()
        except Exception as error:
            _log.info("the engine's events at %s ended: %s", self._url, error)
        finally:
            self._hang_up()

    def _follow(self) -> None:
        client = open_client(self._url, self._timeout)
        try:
            self._stream = client.events(decode=True, filters={"type": "container", "event": _KINDS})
            self._wait = _FIRST_WAIT
            # `stop` sets its flag before it hangs up, so either it sees this stream or we see the flag.
            if not self._stopping.is_set():
                self._put(("relist", ""))
                self._pass_on(self._stream)
        finally:
            client.close()

    def _pass_on(self, stream: "CancellableStream[Any]") -> None:
        for event in stream:
            if notice := read_event(event):
                self._put(notice)

    def _hang_up(self) -> None:
        stream, self._stream = self._stream, None
        if stream:
            # The SDK closes its socket by way of what may be closed already.
            with suppress(Exception):
                stream.close()


def read_event(event: Any) -> Notice | None:
    """Read one decoded event of `GET /events`; None when it is none of those that matter here."""
    if not isinstance(event, dict) or event.get("Type") != "container" or not isinstance(event.get("Actor"), dict):
        return None
    kind, container_id = event.get("Action"), event["Actor"].get("ID")
    return (cast("Kind", kind), container_id) if kind in _KINDS and is_container_id(container_id) else None
