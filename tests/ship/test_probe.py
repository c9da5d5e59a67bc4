"""What a cluster says to us: each step, well and failing, with what to do."""

from collections.abc import Callable
from typing import Any

import pytest

from logagent.ship.access import Access
from logagent.ship.elastic import Elastic
from logagent.ship.probe import probe, write
from logagent.ship.reach import Step
from tests.ship.conftest import STREAM
from tests.ship.guarded import Guarded, refusal
from tests.ship.server import BulkServer, reset_before

Connect = Callable[..., Elastic]
NOW = 1_795_528_800.0
TEST = "logs-logagent.test-0a1b2c3d"
HTML = b"<html>Welcome</html>"


@pytest.fixture
def guarded(server: BulkServer) -> Guarded:
    """The server's answers."""
    made = Guarded()
    server.otherwise = made
    return made


@pytest.fixture
def client(server: BulkServer, connect: Connect) -> Elastic:
    """A client with a credential."""
    return connect(server.url, access=Access({"api_key": "id:key"}))


def outcomes(steps: list[Step]) -> list[str]:
    """Each step with its outcome."""
    return [f"{step.what} {step.outcome}" for step in steps]


def test_all_well(client: Elastic, guarded: Guarded) -> None:
    """A server that lets us in says how, what it is, and that we may write."""
    assert [
        Step("authenticates", "ok", "by api_key _es_api_key; roles: log_writer"),
        Step("version", "ok", "Elasticsearch 8.15.0"),
        Step("privileges", "ok", f"create_doc, auto_configure in {STREAM}"),
    ] == list(probe(client))


def test_write(client: Elastic, guarded: Guarded, server: BulkServer) -> None:
    """One event goes into a data stream of its own, is found by its id, and the stream is deleted."""
    assert [
        Step("writes", "ok", f"one event into {TEST}"),
        Step("finds", "ok", "by its id"),
        Step("deletes", "ok", TEST),
    ] == list(write(client, "0a1b2c3d", NOW))
    assert {} == guarded.streams
    assert [f"/{TEST}/_bulk?refresh=true", f"/{TEST}/_search", f"/_data_stream/{TEST}"] == [
        request.path for request in server.requests
    ]


NO_ELASTIC = "what answers is no Elasticsearch or OpenSearch "


@pytest.mark.parametrize(
    ("path", "answer", "told"),
    [
        (
            "/_security",
            (401, refusal(401, "x")),
            ("authenticates", "401: it does not let us in", "Check api_key: wrong"),
        ),
        ("/", (503, HTML), ("version", f"{NO_ELASTIC}(503)", "Check the output's url")),
        ("/", (200, HTML), ("version", f"{NO_ELASTIC}(200)", "Check the output's url")),
        ("/", (200, {"name": "x"}), ("version", f"{NO_ELASTIC}(200)", "Check the output's url")),
        ("/", (302, b""), ("version", f"{NO_ELASTIC}(302)", "Check the output's url")),
        ("/", (404, HTML), ("version", f"{NO_ELASTIC}(404)", "Check the output's url")),
    ],
)
def test_what_ends_it(
    client: Elastic, guarded: Guarded, path: str, answer: tuple[int, Any], told: tuple[str, str, str]
) -> None:
    """A step that fails says what to do, and is the last one."""
    guarded.said["GET", path] = answer
    step = list(probe(client))[-1]
    what, said, advice = told
    assert (what, "failed", said) == (step.what, step.outcome, step.said)
    assert step.advice.startswith(advice)


def test_no_service(client: Elastic, guarded: Guarded) -> None:
    """A proxy whose server is away, or a node that cannot work, is told as that."""
    guarded.said["GET", "/"] = (503, HTML)
    for asked in (503, 404):
        guarded.said["GET", "/_security"] = (asked, HTML)
        assert [Step("authenticates", "failed", "503: it does not work now", "Look into the server's own log")] == list(
            probe(client)
        )


def test_no_credential(server: BulkServer, guarded: Guarded, connect: Connect) -> None:
    """Who has none and is asked for one is told how to give it; who is not asked is told that."""
    guarded.said["GET", "/_security"] = (401, refusal(401, "security_exception"))
    (step,) = probe(connect(server.url))
    assert "Give the output a credential" in step.advice
    guarded.said["GET", "/_security"] = (400, refusal(400, "illegal_argument_exception"))
    assert "without a credential; none is asked for" == next(probe(connect(server.url))).said


def test_no_security_api(client: Elastic, guarded: Guarded) -> None:
    """Where nobody can be asked who we are, the first page tells whether we are let in."""
    guarded.said["GET", "/_security"] = guarded.said["POST", "/_security"] = (400, refusal(400, "no handler"))
    guarded.said["GET", "/"] = (200, {"version": {"number": "3.1.0", "distribution": "opensearch"}})
    found = list(probe(client))
    assert ["authenticates ok", "version ok", "privileges note"] == outcomes(found)
    assert ("OpenSearch 3.1.0", "--write tries them") == (found[1].said, found[2].advice)
    guarded.said["GET", "/"] = (401, b"Unauthorized")
    assert ["authenticates failed"] == outcomes(list(probe(client)))


@pytest.mark.parametrize("status", [403, 405])
def test_version_by_the_nodes(client: Elastic, guarded: Guarded, status: int) -> None:
    """Where the first page is not served, the nodes tell the version; where they do not either, that is no fault."""
    guarded.said["GET", "/"] = (status, refusal(status, "x"))
    guarded.said["GET", "/_nodes/_local"] = (200, {"nodes": {"a": {"version": "7.17.9"}}})
    assert Step("version", "ok", "Elasticsearch 7.17.9") == list(probe(client))[1]
    guarded.said["GET", "/_nodes/_local"] = (403, refusal(403, "security_exception"))
    step = list(probe(client))[1]
    assert ("ok", True) == (step.outcome, "the version is not told" in step.said)


def test_privileges(client: Elastic, guarded: Guarded) -> None:
    """Without create_doc nothing can be shipped; without auto_configure only what is there can be written to."""
    guarded.templates = False
    assert "not manage_index_templates" in list(probe(client))[-1].said
    guarded.privileges["auto_configure"] = False
    assert ("note", "no auto_configure") == ((step := list(probe(client))[-1]).outcome, step.said[:17])
    guarded.privileges["create_doc"] = False
    assert ("failed", "no create_doc") == ((step := list(probe(client))[-1]).outcome, step.said[:13])
    assert "config/elasticsearch-role.json" in step.advice


BROKEN_ITEM = {"errors": True, "items": [{"create": {"status": 403, **refusal(403, "security_exception")}}]}
REFUSED_ITEM = {"errors": True, "items": [{"create": {"status": 400, "error": {"type": "strict_dynamic_mapping"}}}]}


@pytest.mark.parametrize(
    ("answer", "said", "advice"),
    [
        ((200, BROKEN_ITEM), "403 in logs-logagent.test-", "create_doc and auto_configure on logs-*"),
        ((403, refusal(403, "security_exception")), "403 in logs-logagent.test-", "create_doc"),
        ((200, REFUSED_ITEM), "strict_dynamic_mapping", "own log"),
        ((400, refusal(400, "illegal\nargument")), "400 illegal?argument", "own log"),
        ((200, HTML), "(an answer that cannot be read)", "own log"),
    ],
)
def test_write_refused(client: Elastic, guarded: Guarded, answer: tuple[int, Any], said: str, advice: str) -> None:
    """An event that is refused is told with the server's word, and nothing is looked for."""
    guarded.said["POST", "/logs-logagent"] = answer
    (step,) = write(client, "0a1b2c3d", NOW)
    assert ("writes", "failed") == (step.what, step.outcome)
    assert said in step.said
    assert advice in step.advice


def test_the_minimal_role(client: Elastic, guarded: Guarded) -> None:
    """A role that may only write cannot find or delete: notes with what is left to do, and no failure."""
    guarded.said["POST", f"/{TEST}/_search"] = (403, refusal(403, "security_exception"))
    guarded.said["DELETE", "/"] = guarded.said["DELETE", "/_data_stream"] = (403, refusal(403, "security_exception"))
    found = list(write(client, "0a1b2c3d", NOW))
    assert ["writes ok", "finds note", "deletes note"] == outcomes(found)
    assert f"DELETE /_data_stream/{TEST}" in found[2].advice


def test_not_found(client: Elastic, guarded: Guarded) -> None:
    """An event that went in and is not there is a failure; the stream is deleted nevertheless."""
    guarded.said["POST", f"/{TEST}/_search"] = (200, {"hits": {"hits": []}})
    assert ["writes ok", "finds failed", "deletes ok"] == outcomes(list(write(client, "0a1b2c3d", NOW)))
    assert {} == guarded.streams


def test_a_plain_index_is_deleted(client: Elastic, guarded: Guarded) -> None:
    """Where no template made a data stream of it, the index is deleted."""
    guarded.said["DELETE", "/_data_stream"] = (404, refusal(404, "index_not_found_exception"))
    assert "deletes ok" == outcomes(list(write(client, "0a1b2c3d", NOW)))[-1]
    assert {} == guarded.streams


@pytest.mark.parametrize("step", [0, 1, 2])
def test_no_answer(server: BulkServer, guarded: Guarded, client: Elastic, step: int) -> None:
    """A connection that breaks fails the step that it breaks in, with the thought that it may be TLS."""
    server.script += [guarded] * step + [reset_before]
    found = list(probe(client))
    assert "failed" == found[step].outcome
    assert step + 1 == len(found)
    assert "write https" in found[step].advice


def test_text_of_the_server_is_harmless(client: Elastic, guarded: Guarded) -> None:
    """Roles, versions and errors come from outside: no control character of theirs reaches a terminal, and they are short."""
    evil = "\x1b[31mred\r\n" + "x" * 1000
    guarded.said["GET", "/_security"] = (200, {"roles": [evil], "authentication_type": evil})
    guarded.said["GET", "/"] = (200, {"version": {"number": evil}})
    for step in probe(client):
        assert step.said.isprintable()
        assert len(step.said) < 200
