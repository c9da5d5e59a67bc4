"""The HTTP server's thread. It owns the listening socket, from the moment that a `Web` is made."""

import asyncio
import contextlib
import logging
import socket
import threading

from starlette.types import ASGIApp
from uvicorn import Config, Server

from logagent.errors import Exit, Failure

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


class _CalmServer(Server):
    """Waits until it is told to leave, where uvicorn looks ten times a second: that would be most of an idle agent's CPU time."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._leave = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over = asyncio.Event()

    def leave(self) -> None:
        """Tell it to leave; from any thread, also before it began."""
        self._leave.set()
        with contextlib.suppress(RuntimeError):  # the loop is closed: it left already
            if self._loop:
                self._loop.call_soon_threadsafe(self._over.set)

    async def main_loop(self) -> None:
        """Serve until told to leave."""
        self._loop = asyncio.get_running_loop()
        await self.on_tick(0)
        if not self._leave.is_set():
            await self._over.wait()


class Web:
    """Serves `app` at `listener` in a thread of its own, between `start` and `stop`."""

    def __init__(self, listener: Listener, app: ASGIApp) -> None:
        self.listener = listener
        self._server = _CalmServer(_config(app))
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    def start(self) -> None:
        """Begin to answer; requests that came since the address was taken are answered too."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering and give the address back."""
        if self._thread.is_alive():
            self._server.leave()
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


def _config(app: ASGIApp) -> Config:
    return Config(
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
