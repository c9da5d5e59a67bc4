"""A small Docker engine on a real Unix socket: what our client asks of the Engine API, answered from a table."""

import json
import queue
import socket
import socketserver
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

END = object()  # put among the events, it ends the connection


class FakeEngine:
    """Answers at `url` from `answers` (path without the API version: status and JSON); `asked` has each path in order."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"unix://{path}"
        self.answers: dict[str, tuple[int, Any]] = {
            "/version": (200, {"ApiVersion": "1.41"}),
            "/info": (200, {"DockerRootDir": "/srv/docker", "ServerVersion": "20.10.24", "Name": "host-1"}),
            "/containers/json": (200, []),
        }
        self.asked: list[str] = []
        self.events: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.connections: set[socket.socket] = set()
        self.start()

    def start(self) -> None:
        """Listen, as an engine that (re)starts does."""
        self.path.unlink(missing_ok=True)
        self._server = socketserver.ThreadingUnixStreamServer(str(self.path), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, end all connections, remove the socket."""
        self.events.put(END)
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        for connection in list(self.connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.path.unlink(missing_ok=True)

    def put_container(self, container_id: str, name: str, state: str = "running", **more: Any) -> None:
        """Put a container into the list and behind its id."""
        line = {"Id": container_id, "Names": [f"/{name}"], "State": state}
        _, lines = self.answers["/containers/json"]
        lines[:] = [other for other in lines if other["Id"] != container_id] + [line]
        self.answers[f"/containers/{container_id}/json"] = (
            200,
            {
                "Id": container_id,
                "Name": f"/{name}",
                "Created": "2026-01-02T03:04:05.678901234Z",
                "State": {"Running": state == "running"},
                "Config": {"Image": "busybox:test", "Labels": {}},
                "HostConfig": {"LogConfig": {"Type": "json-file", "Config": {}}},
                "LogPath": f"/srv/docker/containers/{container_id}/{container_id}-json.log",
            }
            | more,
        )

    def drop_container(self, container_id: str) -> None:
        """Take a container out of the list and from behind its id."""
        _, lines = self.answers["/containers/json"]
        lines[:] = [line for line in lines if line["Id"] != container_id]
        self.answers.pop(f"/containers/{container_id}/json", None)


def _handler(engine: FakeEngine) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            engine.connections.add(self.connection)

        def finish(self) -> None:
            engine.connections.discard(self.connection)
            super().finish()

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path.startswith("/v1."):
                path = "/" + path.split("/", 2)[2]
            engine.asked.append(path)
            if path == "/events":
                return self.follow()
            return self.answer(*engine.answers.get(path, (404, {"message": "No such container"})))

        def answer(self, status: int, content: Any) -> None:
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def follow(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.close_connection = True
            with suppress(OSError):
                while (event := engine.events.get()) is not END:
                    body = event if isinstance(event, bytes) else json.dumps(event).encode() + b"\n"
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(body), body))
                self.wfile.write(b"0\r\n\r\n")

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
