"""The wire: addresses, headers, and what is said when no answer comes."""

import logging
from collections.abc import Callable

import pytest

from logagent.ship.access import Access
from logagent.ship.body import pack
from logagent.ship.elastic import Elastic, Unreachable
from tests.ship.conftest import pair
from tests.ship.server import BulkServer, reset_before, status

Connect = Callable[..., Elastic]


def test_path_prefix_and_headers(server: BulkServer, connect: Connect) -> None:
    """A proxy's path stays before the target; credential and agent are in headers, and nothing else of us is."""
    client = connect(f"{server.url}/cluster/one/", access=Access({"api_key": "aWQ6a2V5"}))
    assert 200 == client.bulk(pack([pair(1)])).status
    (request,) = server.requests
    assert request.path.startswith(
        "/cluster/one/logs-docker.container_logs-default/_bulk?filter_path=took,errors,items"
    )
    headers = {key.lower(): value for key, value in request.headers.items()}
    assert "ApiKey aWQ6a2V5" == headers["authorization"]
    assert headers["user-agent"].startswith("logagent/")
    assert "x-elastic-client-meta" not in headers


def test_reply_comes_as_it_is(server: BulkServer, connect: Connect) -> None:
    """Status, bytes and Retry-After come back unchanged, whatever the type of the body is."""
    server.script += [
        status(429, b"<html>", content_type="text/html", retry_after="7"),
        status(503, b"\xff", content_type="image/png"),
        status(200, b"{}", content_type="application/vnd.elasticsearch+json;compatible-with=8"),
    ]
    client = connect(server.url)
    first = client.bulk(b"")
    assert (429, b"<html>", "7") == (first.status, first.body, first.retry_after)
    second, third = client.bulk(b""), client.bulk(b"")
    assert (503, b"\xff") == (second.status, second.body)
    assert (200, b"{}") == (third.status, third.body)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://es.example", "http://es.example:80"),
        ("https://es.example", "https://es.example:443"),
        ("http://es.example:9200/a/b/", "http://es.example:9200/a/b"),
        ("http://[::1]:9200", "http://[::1]:9200"),
        ("http://user:secret@es.example:9200", "http://es.example:9200"),
    ],
)
def test_address(url: str, shown: str, connect: Connect) -> None:
    """The address that is shown has the port, the prefix, and no credential."""
    assert shown == connect(url).url


def test_nothing_tells_the_credential(server: BulkServer, connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    """Neither logs at any level nor errors nor the client's rendering have the credential."""
    caplog.set_level(logging.DEBUG)
    server.script += [status(401), reset_before]
    client = connect(server.url, access=Access({"bearer_token": "topsecret"}))
    client.bulk(b"")
    with pytest.raises(Unreachable) as caught:
        client.bulk(b"")
    told = f"{client!r} {caught.value!r} {caplog.text} {caught.value.__cause__}"
    assert "topsecret" not in told


def test_unknown_host(connect: Connect) -> None:
    """A name that does not resolve is said to be unknown."""
    client = connect("http://no-such-host.invalid:9200")
    with pytest.raises(Unreachable, match=r"cannot reach http://no-such-host.invalid:9200: its name is not known"):
        client.bulk(b"")
