"""Several outputs of one agent: each at its own pace and cursor, and the account of each agrees at every look."""

import threading
import time
from contextlib import ExitStack

import pytest
from click.testing import CliRunner

from logagent.agent import Agent
from logagent.cli.dead import dead
from logagent.config.load import load
from logagent.demo.container import container_id, create_container
from logagent.demo.writer import LogWriter
from logagent.store.catalog import Catalog
from tests.ship.server import Answer, BulkServer, index, refuse

WITHIN = 30.0  # seconds that a test waits at most


class Host:
    """A simulated host with one container, an agent on it, and servers by name."""

    def __init__(self, folder, stack):
        self.folder, self._stack = folder, stack
        directory = create_container(str(folder / "docker"), "web", "busybox")
        self._writer = LogWriter(directory, container_id("web"))
        self.written = 0
        self.servers: dict[str, BulkServer] = {}

    def write(self, lines):
        """Let the container print so many lines."""
        for _ in range(lines):
            self._writer.write("stdout", b"line %d\n" % self.written, 1_790_000_000_000_000_000 + self.written)
            self.written += 1

    def server(self, name):
        """A scripted server; its output has its name."""
        made = self.servers[name] = BulkServer()
        made.url = self._stack.enter_context(made.run())
        return {"url": made.url, "name": name, "setup": "off", "backoff_min": "1ms", "backoff_max": "20ms"}

    def settings(self, *outputs):
        """Settings with these outputs."""
        return load(
            None,
            {},
            {
                "data_root": self.folder / "docker",
                "store.path": self.folder / "store",
                "store.min_free": 0,
                "store.frame_time": "20ms",
                "engine.enabled": "off",
                "web.enabled": False,
                "outputs": list(outputs),
            },
        )

    def start(self, *outputs):
        """A running agent, stopped at the end of the test."""
        agent = Agent(self.settings(*outputs))
        agent.start()
        self._stack.callback(agent.stop)
        return agent

    def once(self, *outputs):
        """A run that takes and delivers what is there."""
        assert Agent(self.settings(*outputs)).run_once()


@pytest.fixture
def host(tmp_path):
    """The host, with 50 lines."""
    with ExitStack() as stack:
        made = Host(tmp_path, stack)
        made.write(50)
        yield made


def after(event: threading.Event) -> Answer:
    """Take all, but only once `event` has come."""

    def act(request):
        event.wait(WITHIN)
        index(request)

    return act


def accounts(catalog):
    """By output: delivered, dead, dropped, waiting; each agrees with what is stored."""
    totals, outputs = catalog.accounting()
    for o in outputs:
        assert totals.get(("stored", ""), 0) - o.origin == o.delivered + o.dead + o.dropped + o.waiting
    return {o.name: (o.delivered, o.dead, o.dropped, o.waiting) for o in outputs}


def until(agent, expected):
    """Look at the accounts until they are as expected."""
    end = time.monotonic() + WITHIN
    while (found := accounts(agent.store.catalog)) != expected:
        assert time.monotonic() < end, found
        agent.collector.wake.set()
        threading.Event().wait(0.02)


def test_slow_and_dead_outputs_hold_nobody_back(host):
    """While one output hangs, one lets nobody in and one file cannot be written, the others get everything; the slow one gets it later."""
    release = threading.Event()
    hanging, closed, fast = (host.server(name) for name in ("hanging", "closed", "fast"))
    host.servers["hanging"].otherwise = after(release)
    host.servers["closed"].otherwise = lambda request: request.reply(401, b"{}")
    blocked = host.folder / "later" / "out"
    files = [{"type": "file", "name": "lines", "path": str(host.folder / "out")}]
    files += [{"type": "file", "name": "blocked", "path": str(blocked), "backoff_max": "500ms"}]
    agent = host.start(hanging, closed, fast, *files)
    done, wait = (50, 0, 0, 0), (0, 0, 0, 50)
    until(agent, {"hanging": wait, "closed": wait, "fast": done, "lines": done, "blocked": wait})
    assert 50 == len(host.servers["fast"].documents) == (host.folder / "out").read_bytes().count(b"\n")
    assert f"blocked: file://{blocked} cannot be written (No such file or directory)" in agent.unready()
    blocked.parent.mkdir()
    release.set()
    until(agent, {"hanging": done, "closed": wait, "fast": done, "lines": done, "blocked": done})
    assert host.servers["fast"].documents == host.servers["hanging"].documents
    assert (host.folder / "out").read_bytes() == blocked.read_bytes()


def test_outputs_come_and_go(host):
    """A new output gets all that is stored; one that was away for a while gets what it missed, and nothing twice."""
    first, second = host.server("first"), host.server("second")
    host.once(first)
    host.write(5)
    host.once(first, second)
    host.write(7)
    host.once(second)
    assert [55, 62] == [len(host.servers[name].documents) for name in ("first", "second")]
    host.write(1)
    host.once(first, second)
    for server in host.servers.values():
        sent = [identity for request in server.requests for identity in request.ids]
        assert 63 == len(server.documents) == len(sent)
    catalog = Catalog(host.folder / "store" / "catalog.db", read_only=True)
    assert {"first": (63, 0, 0, 0), "second": (63, 0, 0, 0)} == accounts(catalog)
    catalog.close()


def test_dead_letters_beside_the_agent(host):
    """While the agent runs and ships, what one output refused is replayed and dropped; the other output is not touched."""
    wrong, other = host.server("wrong"), host.server("other")
    host.servers["wrong"].script.append(refuse((400, "mapper"), (400, "mapper"), (400, "mapper")))
    agent = host.start(wrong, other)
    until(agent, {"wrong": (47, 3, 0, 0), "other": (50, 0, 0, 0)})
    file = host.folder / "logagent.yaml"
    url = host.servers["wrong"].url
    file.write_text(f"outputs: [{{url: '{url}', name: wrong, setup: off}}]\nstore: {{path: {host.folder}/store}}\n")
    ids = [letter.id for letter in agent.store.catalog.dead_letters(9)]
    host.write(10)
    for words in (["replay", *ids[:2]], ["drop", "--yes", ids[2]]):
        result = CliRunner().invoke(dead, [*words, "--config", str(file)])
        assert 0 == result.exit_code, result.output
    until(agent, {"wrong": (59, 0, 1, 0), "other": (60, 0, 0, 0)})
    assert host.servers["other"].documents.keys() - host.servers["wrong"].documents.keys() == {ids[2]}
