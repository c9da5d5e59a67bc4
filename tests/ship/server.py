"""A `_bulk` server on a real socket that answers by a script, and keeps ids as an index does."""

import gzip
import http.server
import socket
import ssl
import struct
import threading
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson

Answer = Callable[["Request"], None]
"""Called with a request; answers it, or breaks the connection."""

Fate = tuple[int, str] | tuple[int, str, str] | tuple[int, str, str, str]
"""What becomes of a refused item: status, type, reason and what the failure store did. A 201 with "used" went there."""


class Request:
    """A request as it came: `pairs` are its (action, document) lines, plain. `reply` answers it."""

    def __init__(self, handler: http.server.BaseHTTPRequestHandler, server: "BulkServer") -> None:
        self._handler, self.server = handler, server
        self.method, self.path = handler.command, handler.path
        self.headers = dict(handler.headers.items())
        self.raw = handler.rfile.read(int(handler.headers.get("content-length", 0)))
        self.plain = plain_of(self.raw) if self.headers.get("content-encoding") == "gzip" else self.raw

    @property
    def pairs(self) -> list[tuple[bytes, bytes]]:
        lines = self.plain.split(b"\n")
        return list(zip(lines[0:-1:2], lines[1::2], strict=True))

    @property
    def ids(self) -> list[str]:
        return [orjson.loads(action)["create"]["_id"] for action, _ in self.pairs]

    def reply(self, status: int, body: bytes, **headers: str) -> None:
        self._handler.send_response(status)
        for key, value in {"content_type": "application/json", "content_length": str(len(body)), **headers}.items():
            self._handler.send_header(key.replace("_", "-"), value)
        self._handler.end_headers()
        self._handler.wfile.write(body)

    def reset(self) -> None:
        """Break the connection with a reset."""
        connection = self._handler.connection
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._handler.close_connection = True
        connection.close()

    def cut(self, body: bytes) -> None:
        """Promise the whole body, send half of it, and close."""
        self._handler.send_response(200)
        self._handler.send_header("content-type", "application/json")
        self._handler.send_header("content-length", str(len(body)))
        self._handler.end_headers()
        self._handler.wfile.write(body[: len(body) // 2])
        self._handler.close_connection = True


class BulkServer:
    """Answers each `_bulk` with the next of `script`, and with `otherwise` when that is empty; keeps requests while `keep`.

    `documents` is the index, `failures` the failure store, both by id.
    """

    def __init__(self) -> None:
        self.url = ""
        self.documents: dict[str, bytes] = {}
        self.failures: dict[str, bytes] = {}
        self.requests: list[Request] = []
        self.keep = True
        self.script: deque[Answer] = deque()
        self.otherwise: Answer = index
        self.lock = threading.Lock()
        self.open = 0
        self.most_open = 0

    def answer(self, request: Request) -> None:
        with self.lock:
            self.requests += [request] if self.keep else []
            self.open += 1
            self.most_open = max(self.most_open, self.open)
            act = self.script.popleft() if self.script else self.otherwise
        try:
            (act if request.plain != b"?" else damaged)(request)
        finally:
            with self.lock:
                self.open -= 1

    @contextmanager
    def run(self, tls: ssl.SSLContext | None = None) -> Iterator[str]:
        """Serve on a free port of loopback; gives the url."""
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def do_POST(self) -> None:
                owner.answer(Request(self, owner))

            do_GET = do_PUT = do_DELETE = do_POST  # noqa: N815 - the names are http.server's

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        class Quiet(http.server.ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                """A connection that we reset is no news."""

        with Quiet(("127.0.0.1", 0), Handler) as server:
            if tls is not None:
                server.socket = tls.wrap_socket(server.socket, server_side=True)
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            try:
                yield f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
            finally:
                server.shutdown()
                thread.join()


def plain_of(raw: bytes) -> bytes:
    """A body's text, b"?" where it is damaged."""
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError, zlib.error):
        return b"?"


def apply(request: Request, refuse: Callable[[int, str], Fate | None] | None = None) -> bytes:
    """Index the request's documents as Elasticsearch does (`refuse` gives the fate of some); returns the reply's body."""
    items: list[dict[str, Any]] = []
    for place, (identity, (_, document)) in enumerate(zip(request.ids, request.pairs, strict=True)):
        with request.server.lock:
            wrong = refuse(place, identity) if refuse else None
            if wrong is None and identity in request.server.documents:
                wrong = (409, "version_conflict_engine_exception")
            if wrong is None:
                request.server.documents[identity] = document
            elif wrong[0] == 201:
                request.server.failures[identity] = document
        items.append({"create": fate(*wrong) if wrong else {"status": 201}})
    failed = any("error" in item["create"] for item in items)
    return orjson.dumps({"errors": failed, "took": 1, "items": items})


def fate(status: int, kind: str, reason: str = "", failure_store: str = "") -> dict[str, Any]:
    """An item of a reply."""
    if status == 201:
        return {"failure_store": kind, "status": 201}
    aside = {"failure_store": failure_store} if failure_store else {}
    return {"status": status, **aside, "error": {"type": kind, "reason": reason or f"a reason for {status}"}}


def damaged(request: Request) -> None:
    """What Elasticsearch does with a body that is no gzip: nothing but closing the connection."""
    request.reset()


def index(request: Request) -> None:
    """Take all."""
    request.reply(200, apply(request))


def refuse(*statuses: Fate | None) -> Answer:
    """Give items their fates by place; take those of None, and those behind."""

    def act(request: Request) -> None:
        request.reply(200, apply(request, lambda place, _: statuses[place] if place < len(statuses) else None))

    return act


def refuse_by(fates: Callable[[str], Fate | None]) -> Answer:
    """Give items the fates that `fates` has for their ids."""
    return lambda request: request.reply(200, apply(request, lambda _, identity: fates(identity)))


def hang(seconds: float, then: Answer) -> Answer:
    """Do nothing for so long, and then the other thing, whether anybody still waits or not."""

    def act(request: Request) -> None:
        time.sleep(seconds)
        then(request)

    return act


def status(code: int, body: bytes = b"{}", **headers: str) -> Answer:
    """Answer the whole request with `code`."""
    return lambda request: request.reply(code, body, **headers)


def reset_after(request: Request) -> None:
    """Take all, and break the connection instead of saying so."""
    apply(request)
    request.reset()


def reset_before(request: Request) -> None:
    """Break the connection."""
    request.reset()


def cut(request: Request) -> None:
    """Take all, and lose half of the reply."""
    request.cut(apply(request))


def slow(seconds: float) -> Answer:
    """Take all, and be slow to say so."""

    def act(request: Request) -> None:
        body = apply(request)
        time.sleep(seconds)
        request.reply(200, body)

    return act
