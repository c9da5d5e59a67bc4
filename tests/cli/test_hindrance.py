"""Why an output is paused is told by the running agent: by its readiness, and so by `logagent status`."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from click.testing import CliRunner

from logagent.agent import Agent
from logagent.cli.hindrance import hindrance
from logagent.cli.status import status
from logagent.config.load import load
from logagent.demo.container import container_id, create_container
from logagent.demo.writer import LogWriter
from tests.ship.server import BulkServer, index
from tests.ship.server import status as answer


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def await_(what: Callable[[], object], within: float = 20) -> None:
    """Wait until it is so."""
    end = time.monotonic() + within
    while not what():
        assert time.monotonic() < end, "it never came to that"
        threading.Event().wait(0.02)


@pytest.fixture
def server() -> Iterator[BulkServer]:
    """A server that lets nobody in."""
    made = BulkServer()
    made.otherwise = answer(403, b'{"error":{"type":"security_exception"}}')
    with made.run() as made.url:
        yield made


@pytest.fixture
def agent(tmp_path, server) -> Iterator[Agent]:
    """An agent that ships one line to that server."""
    root = tmp_path / "docker"
    directory = create_container(str(root), "web", "busybox")
    with LogWriter(directory, container_id("web")) as writer:
        writer.write("stdout", b"a line\n", 1_790_000_000_000_000_000)
    output = {"url": server.url, "name": "es", "setup": "off", "backoff_min": "10ms", "backoff_max": "50ms"}
    settings = {
        "data_root": str(root),
        "engine": {"enabled": "off"},
        "store": {"path": str(tmp_path / "store"), "min_free": 0},
        "web": {"port": free_port()},
        "outputs": [output],
    }
    made = Agent(load(None, {}, settings))
    made.start()
    yield made
    made.stop()


def told(agent: Agent, tmp_path) -> list[str]:
    """What `logagent status` says needs attention."""
    environ = {"LOGAGENT_CONFIG": "", "LOGAGENT_WEB__PORT": str(agent.settings.web.port)}
    found = CliRunner().invoke(status, ["--json", "--store", str(tmp_path / "store")], env=environ)
    return list(json.loads(found.stdout)["attention"])


def test_pause_is_told_until_it_is_over(agent: Agent, server: BulkServer, tmp_path) -> None:
    """While an output is paused readiness and status say which and why, and no more once the cause is put right."""
    await_(agent.unready)
    await_(lambda: "security_exception" in agent.unready())
    sentence = f"es: {server.url} answered 403 security_exception"
    assert sentence == agent.unready()
    assert sentence in told(agent, tmp_path)
    server.otherwise = index
    await_(lambda: server.documents)
    await_(lambda: not agent.unready())
    assert [] == told(agent, tmp_path)


@pytest.fixture
def stranger() -> Iterator[int]:
    """Somebody else's server, which is not ready; gives its port."""

    class Stranger(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(503)
            self.send_header("logagent-store", "another")
            self.end_headers()
            self.wfile.write(b"not yours\x1b[31m")

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Stranger) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made.server_port
        made.shutdown()
        thread.join()


def test_only_the_stores_agent_is_believed(stranger: int) -> None:
    """What another agent or program says at that address is not told; no escape sequence is passed on."""
    assert () == hindrance("127.0.0.1", stranger, "ours")
    assert () == hindrance("127.0.0.1", stranger, "")
    assert ("not yours?[31m",) == hindrance("127.0.0.1", stranger, "another")


def test_nobody_to_ask() -> None:
    """Where nobody answers nothing is told."""
    assert () == hindrance("127.0.0.1", free_port(), "ours")
    assert () == hindrance("no.such.host.invalid", 1, "ours")
