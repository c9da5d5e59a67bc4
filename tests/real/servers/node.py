"""A node of Elasticsearch or OpenSearch that a test started: its process, and asking it over HTTP on loopback."""

import http.client
import shutil
import signal
import ssl
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from tests.real.servers.process import Server, free_port, remove_folder

PAGE = 10_000
"""Hits in one answer: the most that the servers allow."""
STARTED = ("yellow", "green")


class Node(ABC):
    """One running node with its own data and ports, in a temporary folder. It is deleted with `remove`."""

    streams = True
    """Whether it has data streams."""

    def __init__(self, kind: str) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix=f"logagent-{kind}-"))
        self.headers: dict[str, str] = {}
        self.context: ssl.SSLContext | None = None
        try:
            self._configure()
            self.start()
        except BaseException:
            self.remove()
            raise

    @property
    def url(self) -> str:
        """Its address."""
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}"

    @abstractmethod
    def _configure(self) -> None:
        """Write what it needs into its folder. Raises Unavailable."""

    @abstractmethod
    def _command(self) -> tuple[Sequence[str | Path], Mapping[str, str]]:
        """The command that starts it, and its environment."""

    def start(self) -> None:
        """Start it on its port and data, and wait until it answers; raises RuntimeError with its log's end if it does not."""
        self.launch()
        self.await_ready()

    def launch(self) -> None:
        """Start it, and do not wait for it. It ends when the thread that called this ends."""
        command, env = self._command()
        self._server = Server(command, self.folder / "output.log", env)

    def await_ready(self) -> None:
        """Wait until it answers; raises RuntimeError with its log's end if it does not."""
        self._server.await_ready(self._answers, 120)

    def _answers(self) -> bool:
        try:
            return bool(self.get("/_cluster/health?timeout=1s")["status"] in STARTED)
        except (OSError, http.client.HTTPException, AssertionError):
            return False

    def stop(self) -> None:
        """End it; what it acknowledged is on disk, and `start` serves it again at the same address."""
        self._server.stop()

    def pause(self) -> None:
        """Freeze it: connections are accepted by the kernel and never answered."""
        self._server.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Go on after `pause`."""
        self._server.signal(signal.SIGCONT)

    def remove(self) -> None:
        """End it and delete its folder."""
        if hasattr(self, "_server"):
            self.resume()
            self._server.stop()
        remove_folder(self.folder)

    def request(self, method: str, path: str, body: Any = None, *, ignore: Sequence[int] = ()) -> Any:
        """The decoded answer. `body`: bytes are sent as they are (an NDJSON bulk), all else as JSON.

        A status of 400 or more that is not in `ignore` raises AssertionError with the server's words.
        """
        connection = self._connection()
        try:
            connection.request(method, path, encode(body), {"Content-Type": content_type(body), **self.headers})
            reply = connection.getresponse()
            text = reply.read()
        finally:
            connection.close()
        if reply.status >= 400 and reply.status not in ignore:
            raise AssertionError(f"{method} {path}: {reply.status} {text.decode(errors='replace')[:1000]}")
        return orjson.loads(text) if text else None

    def _connection(self) -> http.client.HTTPConnection:
        if self.context is None:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=self.context)

    def get(self, path: str) -> Any:
        """The decoded answer to a GET."""
        return self.request("GET", path)

    def refresh(self) -> None:
        """Make everything that was indexed searchable."""
        self.request("POST", "/_refresh")

    def count(self, index: str, query: dict[str, Any] | None = None) -> int:
        """How many documents match, 0 where there is no such index; refreshes first."""
        self.refresh()
        body = {"query": query} if query else None
        return int(
            self.request("POST", f"/{index}/_count?ignore_unavailable=true&allow_no_indices=true", body)["count"]
        )

    def documents(self, index: str, fields: Sequence[str] = (), sort: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
        """All hits, {"_index", "_id", "_source"}, with only these source fields if any are named; refreshes first.

        Without `sort` they come in the order that is cheapest for the server. The view is one point in time.
        """
        self.refresh()
        body = {
            "size": PAGE,
            "_source": list(fields) or True,
            "sort": list(sort) or ["_doc"],
        }
        found = self.request("POST", f"/{index}/_search?scroll=5m", body)
        while hits := found["hits"]["hits"]:
            yield from hits
            found = self.request("POST", "/_search/scroll", {"scroll": "5m", "scroll_id": found["_scroll_id"]})
        self.request("DELETE", "/_search/scroll", {"scroll_id": found["_scroll_id"]})

    def define(self, name: str, mappings: Any = None, settings: Any = None, **more: Any) -> None:
        """Say how the first document is to make `name`: a data stream where there are such, else an index."""
        template = {"mappings": mappings or {}, "settings": {"index.number_of_replicas": 0} | (settings or {}), **more}
        body: dict[str, Any] = {"index_patterns": [name], "priority": 300, "template": template}
        if self.streams:
            body["data_stream"] = {}
        self.request("PUT", f"/_index_template/test-{name}", body)

    def change(self, name: str, settings: Any) -> None:
        """Change settings of an index, or of all that a data stream is made of."""
        self.request("PUT", f"/{name}/_settings", settings)

    def delete(self, name: str) -> None:
        """Delete the indices and empty the data streams of this name (wildcards too); nothing there is fine.

        Not each of the distributions can delete a data stream: it is rolled over, and what it had is deleted.
        """
        found = self.request("GET", f"/_resolve/index/{name}", ignore=(404,))
        doomed = [index["name"] for index in found.get("indices", ()) if "data_stream" not in index]
        for stream in found.get("data_streams", ()):
            self.request("POST", f"/{stream['name']}/_rollover")
            doomed += stream["backing_indices"]
        if doomed:
            self.request("DELETE", f"/{','.join(doomed)}")

    def clean(self) -> None:
        """Delete all indices and empty all data streams."""
        self.delete("*")


def settings_file(values: Mapping[str, Any]) -> str:
    """The text of elasticsearch.yml or opensearch.yml."""
    return "".join(f"{key}: {orjson.dumps(value).decode()}\n" for key, value in values.items())


def installed(folder: Path) -> bool:
    """Whether `scripts/install-test-servers` brought it."""
    return folder.exists() and shutil.which("setpriv") is not None


def encode(body: Any) -> bytes | None:
    """A request's body."""
    return body if body is None or isinstance(body, bytes) else orjson.dumps(body)


def content_type(body: Any) -> str:
    """Its type."""
    return "application/x-ndjson" if isinstance(body, bytes) else "application/json"
