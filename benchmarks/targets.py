"""Where agents send: the sink, or a real Elasticsearch. Each counts the documents that are there, not the answers given.

A target lives for one run, so that no run finds what another left. The real server is never cleaned of anything that
the benchmark did not make: an index or data stream that exists already ends the benchmark before it begins.
"""

import http.client
import json
import subprocess
import time
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from benchmarks import processes

NAMESPACE = "bench"
STREAM = f"logs-docker.container_logs-{NAMESPACE}"
MAPPING = {
    "settings": {"number_of_shards": 1, "number_of_replicas": 0},
    "mappings": {
        "properties": {"@timestamp": {"type": "date_nanos"}, "message": {"type": "text"}, "log": {"type": "text"}},
        "dynamic_templates": [{"words": {"match_mapping_type": "string", "mapping": {"type": "keyword"}}}],
    },
}


@dataclass(frozen=True)
class Totals:
    """What a target received: documents, requests, bytes on the wire and inflated (0 where it cannot tell)."""

    docs: int
    requests: int = 0
    wire: int = 0
    plain: int = 0


class Target(Protocol):
    """What a run needs of a target."""

    url: str
    index: str
    pause: float

    def totals(self) -> Totals:
        """Cheap enough to ask in a loop."""

    def settled(self) -> Totals:
        """The documents that are there for good."""

    def cpu(self) -> float:
        """CPU seconds since the target was made."""

    def close(self) -> None:
        """End or empty it."""


class Connection:
    """One kept HTTP connection; JSON both ways."""

    def __init__(self, url: str) -> None:
        parts = urllib.parse.urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self.http = kind(parts.hostname or "127.0.0.1", parts.port, timeout=60)

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Status and reply. The other side may have closed a kept connection: one more try on a new one."""
        data = json.dumps(body) if body is not None else None
        for last in (False, True):
            try:
                self.http.request(method, path, data, {"content-type": "application/json"} if data else {})
                reply = self.http.getresponse()
                return reply.status, json.loads(reply.read() or b"null")
            except (http.client.HTTPException, OSError):
                self.http.close()
                if last:
                    raise
        raise AssertionError


def build_sink(work: Path) -> Path:
    """Compile sink.c into the work folder; end with what to install where that cannot be done."""
    binary, source = work / "sink", Path(__file__).with_name("sink.c")
    try:
        subprocess.run(["gcc", "-O2", "-o", binary, source, "-lz", "-lpthread"], check=True)
    except FileNotFoundError:
        raise SystemExit("bench: gcc is missing; install it: apt-get install -y gcc libc6-dev zlib1g-dev") from None
    except subprocess.CalledProcessError:
        raise SystemExit("bench: sink.c did not compile; it needs: apt-get install -y libc6-dev zlib1g-dev") from None
    return binary


class Sink:
    """The sink, started for one run."""

    index = "logs-bench"
    pause = 0.02

    def __init__(self, binary: Path) -> None:
        port = processes.free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.program = processes.Program([str(binary), str(port)], binary.parent)
        self.connection = Connection(self.url)
        self.await_start()

    def await_start(self) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + 5
        while True:
            try:
                self.totals()
            except OSError:
                if time.monotonic() > deadline:
                    self.close()
                    raise SystemExit("bench: the sink does not answer; see output.log in the work folder") from None
                time.sleep(0.02)
            else:
                return

    def totals(self) -> Totals:
        return Totals(**self.connection.ask("GET", "/count")[1])

    settled = totals

    def cpu(self) -> float:
        return processes.cpu(self.program.process.pid)

    def close(self) -> None:
        self.connection.http.close()
        self.program.stop()


class Elasticsearch:
    """A real server: one index for peers, our agent's data stream; both are removed after the run."""

    pause = 0.1

    def __init__(self, url: str, index: str) -> None:
        self.url, self.index, self.connection = url.rstrip("/"), index, Connection(url)
        self.names = f"{index},{STREAM}"
        self.refuse_foreign()
        self.connection.ask("DELETE", f"/{index}?ignore_unavailable=true")
        status, reply = self.connection.ask("PUT", f"/{index}", MAPPING)
        if status != 200:
            raise SystemExit(f"bench: {url} does not make the index {index}: {reply}")
        self.spent = self.node_cpu()

    def refuse_foreign(self) -> None:
        """End the benchmark where our agent's data stream holds someone's documents."""
        if self.documents():
            raise SystemExit(
                f"bench: {self.url} already holds documents in {self.names}; remove these, or give another server"
            )

    def documents(self) -> int:
        status, reply = self.connection.ask("GET", f"/{self.names}/_count?ignore_unavailable=true")
        if status != 200:
            raise SystemExit(f"bench: {self.url} does not count documents ({status}): {reply}")
        return int(reply["count"])

    def totals(self) -> Totals:
        path = f"/{self.names}/_stats/indexing?ignore_unavailable=true&filter_path=_all.primaries"
        _, reply = self.connection.ask("GET", path)
        return Totals(reply.get("_all", {}).get("primaries", {}).get("indexing", {}).get("index_total", 0))

    def settled(self) -> Totals:
        self.connection.ask("POST", f"/{self.names}/_refresh?ignore_unavailable=true")
        return Totals(self.documents())

    def node_cpu(self) -> float:
        _, reply = self.connection.ask("GET", "/_nodes/stats/process")
        return float(sum(node["process"]["cpu"]["total_in_millis"] for node in reply["nodes"].values())) / 1e3

    def cpu(self) -> float:
        return self.node_cpu() - self.spent

    def close(self) -> None:
        self.connection.ask("DELETE", f"/{self.index}")
        if self.connection.ask("DELETE", f"/_data_stream/{STREAM}")[0] not in (200, 404):
            self.empty_stream()
        self.connection.http.close()

    def empty_stream(self) -> None:
        """Leave the data stream without its documents, on a server that cannot delete one: Elasticsearch's distribution for tests."""
        self.connection.ask("POST", f"/{STREAM}/_rollover")
        _, found = self.connection.ask("GET", f"/_resolve/index/{STREAM}")
        for stream in found.get("data_streams", ()):
            for index in stream["backing_indices"][:-1]:
                self.connection.ask("DELETE", f"/{index}")
