"""A private OpenSearch on loopback: one node with its own data, ports and 512 MB of heap.

OpenSearch's server is published as jars; the runner that starts them is a project of its own (codelibs). Data streams, ingest
and match_only_text are there; security and index state management are plugins of the whole distribution, and are not.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from tests.real.servers import cache, java
from tests.real.servers.node import Node, installed
from tests.real.servers.process import Unavailable, free_port

VERSION = "3.1.0"
JAVA = (21, 25)
PROGRAM = Path(__file__).with_name("OpenSearchNode.java")


class OpenSearch(Node):
    """One running node with these `settings` beside the usual ones."""

    version = VERSION

    def __init__(self, settings: Mapping[str, Any] | None = None) -> None:
        self._settings = settings or {}
        self._jars = cache.FOLDER / f"opensearch-{VERSION}"
        if not installed(self._jars):
            raise Unavailable(f"OpenSearch {VERSION} is not installed: {cache.HOW}")
        self._java = java.home(*JAVA, compiler=True)
        super().__init__("opensearch")

    def _configure(self) -> None:
        self._values = {
            "discovery.type": "single-node",
            "network.host": "127.0.0.1",
            "http.port": self.port,
            "transport.port": free_port(),
            "node.roles": "cluster_manager,data,ingest",
            "cluster.routing.allocation.disk.threshold_enabled": False,
            **self._settings,
        }

    def _command(self) -> tuple[Sequence[str | Path], Mapping[str, str]]:
        command: list[str | Path] = [self._java / "bin/java", *java.OPTIONS, "--add-modules=jdk.incubator.vector"]
        command += ["-cp", f"{self._jars}/*", PROGRAM, self.folder]
        return [*command, *map(_argument, self._values.items())], {}


def _argument(setting: tuple[str, Any]) -> str:
    key, value = setting
    return f"{key}={value if isinstance(value, str) else orjson.dumps(value).decode()}"
