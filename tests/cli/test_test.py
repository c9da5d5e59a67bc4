"""`logagent test output`: a line to each step, what to do, and the exit status."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from click.testing import CliRunner, Result

from logagent.cli.test import test as verb
from tests.ship.guarded import Guarded, refusal
from tests.ship.server import BulkServer

SECRET = "hunter2hunter2"


@pytest.fixture
def servers() -> Iterator[list[BulkServer]]:
    """Two scripted servers with users."""
    with ExitStack() as stack:
        made = [BulkServer() for _ in range(2)]
        for server in made:
            server.otherwise = Guarded()
            server.url = stack.enter_context(server.run())
        yield made


@pytest.fixture
def closed() -> str:
    """An address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Give a function that runs `test output` with these outputs."""
    monkeypatch.delenv("DOCKER_HOST", raising=False)

    def run(outputs, *arguments) -> Result:
        file = tmp_path / "logagent.yaml"
        file.write_text(json.dumps({"outputs": outputs}))
        return CliRunner().invoke(verb, ["output", "--config", str(file), *arguments], prog_name="logagent test")

    return run


def test_a_line_to_each_step(run, servers):
    """Each step that is well has its line; status 0, and nothing was written."""
    port = servers[0].url.rpartition(":")[2]
    result = run([{"url": servers[0].url, "name": "es", "api_key": SECRET}])
    assert [
        "es",
        "  resolves        OK    127.0.0.1",
        f"  connects        OK    127.0.0.1:{port}",
        "  authenticates   OK    by api_key _es_api_key; roles: log_writer",
        "  version         OK    Elasticsearch 8.15.0",
        "  privileges      OK    create_doc, auto_configure in logs-docker.container_logs-default",
    ] == result.output.splitlines()
    assert 0 == result.exit_code
    assert not any("_bulk" in request.path for request in servers[0].requests)


def test_write_is_asked_for(run, servers):
    """With --write an event is written, found and removed with its stream."""
    result = run([{"url": servers[0].url}], "--write")
    assert 0 == result.exit_code
    assert ["writes", "finds", "deletes"] == [line.split()[0] for line in result.output.splitlines()[-3:]]
    assert {} == servers[0].otherwise.streams


def test_what_to_do(run, servers):
    """A failing step is the last, has its advice below it, and gives status 5; nothing is written then."""
    servers[0].otherwise.said["GET", "/_security"] = (401, refusal(401, "security_exception"))
    result = run([{"url": servers[0].url, "api_key": SECRET}], "--write")
    assert 5 == result.exit_code
    assert [
        "  authenticates   FAIL  401: it does not let us in",
        "                        Check api_key: wrong, expired, or of another cluster",
    ] == result.output.splitlines()[-2:]
    assert SECRET not in result.output
    assert not any("_bulk" in request.path for request in servers[0].requests)


def test_one_or_all(run, servers, closed):
    """All outputs are tried, or the one that is named; one that fails gives status 5."""
    outputs = [{"url": closed, "name": "away"}, {"url": servers[0].url, "name": "es"}]
    both = run(outputs)
    assert (5, True, True) == (both.exit_code, both.output.startswith("away\n"), "\nes\n" in both.output)
    one = run(outputs, "es")
    assert (0, True, False) == (one.exit_code, one.output.startswith("es\n"), "away" in one.output)


@pytest.mark.parametrize(
    ("outputs", "name", "told"),
    [
        ([], [], "there is no output in the settings"),
        ([{"url": "http://es:1", "name": "a"}], ["b"], "there is no output of that name: there are a"),
        ([{"url": "es"}], [], "not a url that can be used"),
    ],
)
def test_usage(run, outputs, name, told):
    """What cannot be tried is told on stderr, with status 2."""
    result = run(outputs, *name)
    assert (2, "") == (result.exit_code, result.stdout)
    assert told in result.stderr


def test_each_host(run, servers, closed):
    """Of several hosts each is tried; the cluster is asked through those that answer, and one that does not is a failure."""
    result = run([{"urls": [closed, servers[0].url, servers[1].url], "name": "es"}])
    lines = result.output.splitlines()
    assert 5 == result.exit_code
    assert 3 == len([line for line in lines if line.startswith("  resolves        OK")])
    assert 1 == len([line for line in lines if f"connection refused ({closed})" in line])
    assert 2 == len([line for line in lines if line.startswith("  connects        OK")])
    assert lines[-1].startswith("  privileges      OK")


def test_as_json(run, servers):
    """With --json there is an object to each output."""
    result = run([{"url": servers[0].url, "name": "es"}], "--json")
    found = json.loads(result.output)
    assert ("es", True) == (found["output"], found["ok"])
    assert {"what": "version", "outcome": "ok", "said": "Elasticsearch 8.15.0", "advice": ""} == found["steps"][3]


def test_no_patience_beyond_the_outputs_own(run):
    """A server that takes connections and says nothing is given up after the output's timeout."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(8)
        result = run([{"url": f"http://127.0.0.1:{listener.getsockname()[1]}", "timeout": "200ms"}])
    assert (5, True) == (result.exit_code, "no answer within 0.2 s" in result.output)
