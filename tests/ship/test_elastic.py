"""The wire: addresses, credentials, TLS, and what is said when no answer comes."""

import base64
import logging
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from logagent.errors import Exit, Failure
from logagent.ship.body import pack
from logagent.ship.elastic import Elastic, Unreachable, authorization
from tests.ship.conftest import pair
from tests.ship.server import BulkServer, reset_before, status

Connect = Callable[..., Elastic]


def encoded(text: str) -> str:
    """Base64 of a text."""
    return base64.b64encode(text.encode()).decode()


def test_authorization() -> None:
    """Each kind of credential has its header; an API key may come as id:key or encoded."""
    assert "Basic " + encoded("elastic:pass:wörd") == authorization(username="elastic", password="pass:wörd")
    assert "ApiKey " + encoded("id:key") == authorization(api_key="id:key")
    assert "ApiKey aWQ6a2V5" == authorization(api_key="aWQ6a2V5")
    assert "Bearer token" == authorization(bearer="token")
    assert authorization() is None


def test_credential_that_no_header_carries() -> None:
    """A key with strange characters is refused in words that do not have it."""
    with pytest.raises(Failure) as caught:
        authorization(api_key="schlüssel")
    assert Exit.USAGE == caught.value.status
    assert "schl" not in str(caught.value)


def test_path_prefix_and_headers(server: BulkServer, connect: Connect) -> None:
    """A proxy's path stays before the target; credential and agent are in headers, and nothing else of us is."""
    client = connect(f"{server.url}/cluster/one/", credential="ApiKey aWQ6a2V5")
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
    client = connect(server.url, credential="Bearer topsecret")
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


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 signed by itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=logagent test", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


@pytest.fixture
def secure(certificate: tuple[Path, Path]) -> Iterator[BulkServer]:
    """The scripted server behind TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server = BulkServer()
    with server.run(context) as url:
        server.url = url
        yield server


def test_tls(secure: BulkServer, connect: Connect, certificate: tuple[Path, Path]) -> None:
    """A certificate is trusted by the CA file, or not checked when told so, and else refused in words."""
    assert 200 == connect(secure.url, ca_file=certificate[0]).bulk(b"").status
    assert 200 == connect(secure.url, verify=False).bulk(b"").status
    with pytest.raises(Unreachable, match="its certificate is not trusted"):
        connect(secure.url).bulk(b"")


def test_tls_to_a_plain_port(server: BulkServer, connect: Connect) -> None:
    """Https to a server that speaks http is said to be that."""
    with pytest.raises(Unreachable, match=r"TLS failed .*is it http\?"):
        connect(server.url.replace("http:", "https:"), verify=False).bulk(b"")


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_unusable_ca_file(tmp_path: Path, content: str | None, connect: Connect) -> None:
    """A CA file that is absent or holds none is a mistake of the settings, told with its path."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(Failure, match=str(path)) as caught:
        connect("https://127.0.0.1:1", ca_file=path)
    assert Exit.USAGE == caught.value.status
