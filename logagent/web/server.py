"""The HTTP server's thread. It owns the listening socket, from the moment that a `Web` is made."""

import asyncio
import contextlib
import logging
import socket
import threading
from typing import TYPE_CHECKING

from logagent.errors import Exit, Failure

if TYPE_CHECKING:
    from starlette.types import ASGIApp
    from uvicorn import Server

log = logging.getLogger(__name__)

BACKLOG = 64
CONNECTIONS = 64  # at the same time; more are answered with 503
GRACE = 1  # seconds that requests under way get when the server stops


class Listener:
    """A socket that listens at `host`:`port`. Raises Failure(NETWORK) when the address cannot be taken."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = _bind(host, port)
        self.host, self.port = host, int(self.socket.getsockname()[1])

    @property
    def url(self) -> str:
        """Where it can be reached, with the address as it was given."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


class Web:
    """Serves `app` at `listener` in a thread of its own, between `start` and `stop`."""

    def __init__(self, listener: Listener, app: "ASGIApp") -> None:
        self.listener = listener
        self._server = _server(app)
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    def start(self) -> None:
        """Begin to answer; requests that came since the address was taken are answered too."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering and give the address back."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(GRACE + 5)
        self.listener.socket.close()

    @property
    def alive(self) -> bool:
        """Whether the server runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            asyncio.run(self._server.serve([self.listener.socket]))
        except Exception:
            log.exception("the web server ended; metrics and health are gone until the agent starts again")


def _server(app: "ASGIApp") -> "Server":
    from uvicorn import Config, Server

    return Server(
        Config(
            app,
            http="h11",
            loop="asyncio",
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            limit_concurrency=CONNECTIONS,
            backlog=BACKLOG,
            timeout_graceful_shutdown=GRACE,
        )
    )


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with contextlib.ExitStack() as stack:
            found = stack.enter_context(socket.socket(family, kind, proto))
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            found.bind(address)
            found.listen(BACKLOG)
            stack.pop_all()
            return found
    except OSError as error:
        raise Failure(
            f"the web server cannot listen at {host}, port {port} ({error.strerror or error}): give a free port with web.port "
            "(LOGAGENT_WEB__PORT), or switch metrics and health off with web.enabled: false",
            Exit.NETWORK,
        ) from error
