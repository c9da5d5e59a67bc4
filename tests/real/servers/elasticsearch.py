"""A private Elasticsearch on loopback: one node with its own data, ports and 512 MB of heap, run by an unprivileged user.

The distribution is the one that Elastic publishes for integration tests. It is the real server with few modules: no `GET /`,
no lifecycle policies, no ingest processors; `_bulk`, data streams, templates and search are all there.
"""

import http.client
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from tests.real.servers import cache
from tests.real.servers.process import Server, Unavailable, free_port, remove_folder

VERSION = "8.15.0"
NOBODY = ("--reuid=65534", "--regid=65534", "--clear-groups")
JAVA_OPTIONS = "-Xms512m -Xmx512m -XX:TieredStopAtLevel=1"
"""The quick compiler only: a node that lives for minutes starts in half the time."""
PAGE = 10_000
"""Hits in one answer: the most that the server allows."""


class Elasticsearch:
    """One running node. `settings` are added to elasticsearch.yml (for example {"http.max_content_length": "2mb"})."""

    def __init__(self, settings: dict[str, str] | None = None) -> None:
        distribution = cache.FOLDER / f"elasticsearch-{VERSION}"
        if not distribution.exists() or shutil.which("java") is None:
            raise Unavailable(f"Elasticsearch {VERSION} and a Java to run it are not installed: {cache.HOW}")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = Path(tempfile.mkdtemp(prefix="logagent-elasticsearch-"))
        try:
            self._configure(distribution, settings or {})
            self.start()
        except BaseException:
            self.remove()
            raise

    def _configure(self, distribution: Path, settings: dict[str, str]) -> None:
        """Copy the distribution (a user's cache is not readable to everybody) and write its settings."""
        shutil.copytree(distribution, self.folder / "server", symlinks=True)
        values = {
            "discovery.type": "single-node",
            "network.host": "127.0.0.1",
            "http.port": self.port,
            "transport.port": free_port(),
            "path.data": f"{self.folder}/data",
            "path.logs": f"{self.folder}/logs",
            "xpack.security.enabled": False,
            "cluster.routing.allocation.disk.threshold_enabled": False,
            **settings,
        }
        lines = (f"{key}: {orjson.dumps(value).decode()}\n" for key, value in values.items())
        (self.folder / "server/config/elasticsearch.yml").write_text("".join(lines))
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", "65534:65534", self.folder], check=True)

    def start(self) -> None:
        """Start it on its port and data, and wait until it answers; raises RuntimeError with its log's end if it does not."""
        self.launch()
        self.await_ready()

    def launch(self) -> None:
        """Start it, and do not wait for it. It ends when the thread that called this ends."""
        user = ["setpriv", *NOBODY, "--pdeathsig", "TERM"] if os.geteuid() == 0 else []
        env = {"ES_JAVA_HOME": java_home(), "ES_JAVA_OPTS": JAVA_OPTIONS, "ES_TMPDIR": str(self.folder)}
        self._server = Server([*user, self.folder / "server/bin/elasticsearch"], self.folder / "output.log", env)

    def await_ready(self) -> None:
        """Wait until it answers; raises RuntimeError with its log's end if it does not."""
        self._server.await_ready(self._answers, 120)

    def _answers(self) -> bool:
        try:
            return bool(self.get("/_cluster/health?timeout=1s")["status"] in ("yellow", "green"))
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
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, encode(body), {"Content-Type": content_type(body)})
            reply = connection.getresponse()
            text = reply.read()
        finally:
            connection.close()
        if reply.status >= 400 and reply.status not in ignore:
            raise AssertionError(f"{method} {path}: {reply.status} {text.decode(errors='replace')[:1000]}")
        return orjson.loads(text) if text else None

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
        view = self.request("POST", f"/{index}/_pit?keep_alive=5m")["id"]
        body: dict[str, Any] = {
            "size": PAGE,
            "track_total_hits": False,
            "_source": list(fields) or True,
            "sort": [*sort, "_shard_doc"],
            "pit": {"id": view, "keep_alive": "5m"},
        }
        while hits := self.request("POST", "/_search", body)["hits"]["hits"]:
            yield from hits
            body["search_after"] = hits[-1]["sort"]
        self.request("DELETE", "/_pit", {"id": view})

    def delete(self, name: str) -> None:
        """Delete the indices and empty the data streams of this name (wildcards too); nothing there is fine.

        This distribution cannot delete a data stream: it is rolled over, and what it had is deleted.
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


def java_home() -> str:
    """The folder of the Java in PATH, as that Java names it."""
    command = ["java", "-XshowSettings:properties", "-version"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    return next(line.split("=", 1)[1].strip() for line in shown.splitlines() if "java.home" in line)


def encode(body: Any) -> bytes | None:
    """A request's body."""
    return body if body is None or isinstance(body, bytes) else orjson.dumps(body)


def content_type(body: Any) -> str:
    """Its type."""
    return "application/x-ndjson" if isinstance(body, bytes) else "application/json"
