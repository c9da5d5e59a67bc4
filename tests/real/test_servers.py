"""The real servers themselves: what the other tests here rest on."""

import pytest

from tests.real.servers.dockerd import Engine
from tests.real.servers.elasticsearch import Elasticsearch

INDEX = "servers-test"


@pytest.mark.real_docker
def test_engine_keeps_every_numbered_line_apart_by_stream(engine: Engine) -> None:
    """`docker logs` gives the writer's lines whole and in order, every tenth on stderr."""
    engine.run("numbers", command=["writer", "-n", "5000", "-e", "10", "-p", "n", "-l", "20"])
    status = engine.wait("numbers")
    out, err = engine.logs("numbers")
    engine.remove("numbers")
    assert status == 0
    assert numbered(number for number in range(1, 5001) if number % 10) == out
    assert numbered(range(10, 5001, 10)) == err


@pytest.mark.real_docker
def test_engine_is_the_version_asked_for(engine: Engine) -> None:
    """The fixture's name is the version that runs, and the log file lies where the engine says."""
    identity = engine.run("one", command=["echo", "hello"])
    engine.wait("one")
    path = engine.docker("inspect", "--format", "{{.LogPath}}", "one").stdout.decode().strip()
    assert engine.version.startswith(engine.name)
    assert str(engine.log_path(identity)) == path
    assert b'{"log":"hello\\n","stream":"stdout","time":"' == engine.log_path(identity).read_bytes()[:43]
    engine.remove("one")
    assert not engine.log_path(identity).exists()


@pytest.mark.real_docker
def test_engine_restarts_on_its_data(engine: Engine) -> None:
    """After a restart of the daemon its containers and their logs are still there."""
    engine.run("before", command=["echo", "hello"])
    engine.wait("before")
    engine.restart_daemon()
    assert (b"hello\n", b"") == engine.logs("before")
    engine.remove("before")


@pytest.mark.real_elasticsearch
def test_elasticsearch_gives_back_every_document(elasticsearch: Elasticsearch) -> None:
    """More documents than one page holds come back, each once, and only with the fields asked for."""
    total = 25_000
    elasticsearch.request("POST", f"/{INDEX}/_bulk", bulk(total))
    found = list(elasticsearch.documents(INDEX, ["number"], sort=["number"]))
    assert total == elasticsearch.count(INDEX)
    assert [{"number": number} for number in range(total)] == [hit["_source"] for hit in found]
    assert 1 == elasticsearch.count(INDEX, {"term": {"number": 7}})
    elasticsearch.delete(INDEX)
    assert 0 == elasticsearch.count(INDEX)


@pytest.mark.real_elasticsearch
def test_elasticsearch_empties_a_data_stream(elasticsearch: Elasticsearch) -> None:
    """A data stream that is deleted has no documents, and takes new ones."""
    template = {"index_patterns": ["servers-stream"], "data_stream": {}, "priority": 500}
    elasticsearch.request("PUT", "/_index_template/servers-stream", template)
    event = b'{"create":{}}\n{"@timestamp":"2024-01-01T00:00:00Z","message":"hello"}\n'
    for _ in range(2):
        elasticsearch.request("POST", "/servers-stream/_bulk", event)
        assert 1 == elasticsearch.count("servers-stream")
        elasticsearch.delete("servers-stream")
        assert 0 == elasticsearch.count("servers-stream")


def numbered(numbers) -> bytes:
    """The writer's lines for these numbers."""
    return b"".join(b"n %d %s\n" % (number, b"x" * 20) for number in numbers)


def bulk(total: int) -> bytes:
    """A bulk body of documents that count."""
    return b"".join(b'{"create":{"_id":"%d"}}\n{"number":%d,"other":"x"}\n' % (n, n) for n in range(total))
