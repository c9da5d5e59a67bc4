"""Whether a host can be reached: each step failing, with what to do."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from logagent.ship.reach import Step, printable, reach
from logagent.ship.tls import Tls
from logagent.ship.wire import Address
from tests.ship.certificates import Certificate, authority, chained, openssl, self_signed, serving, signed
from tests.ship.server import BulkServer

NOW = time.time()


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """The authority."""
    return authority(tmp_path_factory.mktemp("tls"), subject="/O=logagent/CN=test authority")


def tried(url: str, tls: Tls | None = None, timeout: float = 5.0, now: float = NOW) -> list[Step]:
    """All steps to a host."""
    return list(reach(Address.of(url), tls or Tls(), timeout, now))


def test_plain(server: BulkServer) -> None:
    """A plain host resolves and connects; nothing is sent to it."""
    port = server.url.rpartition(":")[2]
    assert [Step("resolves", "ok", "127.0.0.1"), Step("connects", "ok", f"127.0.0.1:{port}")] == tried(server.url)
    assert [] == server.requests


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 64 + ".invalid", "a..b"])
def test_unknown_name(host: str) -> None:
    """A name that is not known, or that can be none, is the first thing to be told."""
    (step,) = tried(f"http://{host}:9200")
    assert ("resolves", "failed") == (step.what, step.outcome)
    assert step.said.startswith(host)
    assert "Check the output's url" in step.advice


def test_nobody_listens() -> None:
    """A refused connection is told, with what to check."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        step = tried(f"http://127.0.0.1:{port}")[-1]
    assert ("connects", "failed", f"127.0.0.1:{port}: connection refused") == (step.what, step.outcome, step.said)
    assert "Check that Elasticsearch or OpenSearch runs there" in step.advice


@pytest.fixture
def full() -> Iterator[int]:
    """A port that takes no more connections: what it had room for is taken, and nobody accepts them."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.settimeout(0)
            one.connect_ex(("127.0.0.1", port))
        yield port
        for one in waiting:
            one.close()


def test_no_answer_to_a_connection(full: int) -> None:
    """A host that does not answer at all is given up after the time that a step may take."""
    step = tried(f"http://127.0.0.1:{full}", timeout=0.2)[-1]
    assert ("failed", f"127.0.0.1:{full}: no answer within 0.2 s") == (step.outcome, step.said)


def test_tls_well(ca: Certificate) -> None:
    """A certificate that is trusted is told with its subject and its end, which is near here."""
    with serving(signed(ca, "leaf", days=60)) as server:
        step = tried(server.url, Tls(ca_file=ca.cert))[-1]
        assert ("TLS", "ok") == (step.what, step.outcome)
        assert step.said.startswith("CN=leaf, until ")
        near = tried(server.url, Tls(ca_file=ca.cert), now=NOW + 50 * 86400)[-1]
    assert ("note", "It ends in 10 days: renew it on the server") == (near.outcome, near.advice)


def test_tls_not_trusted(ca: Certificate) -> None:
    """Who is not trusted is told with the fingerprint to compare: the authority's, if it is shown. With it, all is well."""
    with serving(chained(signed(ca, "leaf", days=60), ca)) as server:
        step = tried(server.url)[-1]
        assert ("TLS", "failed") == (step.what, step.outcome)
        assert step.said.endswith("give the output's ca_file")
        fingerprint = step.advice.rpartition(" ")[2]
        assert ca.fingerprint == fingerprint
        assert "ok" == tried(server.url, Tls(ca_fingerprint=fingerprint))[-1].outcome


@pytest.mark.parametrize(
    ("host", "days", "cure"),
    [("DNS:elsewhere", 60, "write the output's url with a name"), ("IP:127.0.0.1", 0, "renew it on the server")],
)
def test_tls_wrong_certificate(ca: Certificate, host: str, days: int, cure: str) -> None:
    """A wrong name and an expired certificate are told as that; no fingerprint is offered for them."""
    with serving(signed(ca, "wrong", host, days=days)) as server:
        step = tried(server.url, Tls(ca_file=ca.cert))[-1]
    assert cure in step.said
    assert "" == step.advice


def test_tls_wrong_fingerprint(ca: Certificate) -> None:
    """A fingerprint that nothing has fails the step."""
    with serving(signed(ca, "leaf")) as server:
        step = tried(server.url, Tls(ca_fingerprint="ab" * 32))[-1]
    assert ("failed", True) == (step.outcome, "none of the certificates" in step.said)


def test_tls_not_checked(ca: Certificate) -> None:
    """What is not checked is no failure, and is not passed over."""
    leaf = signed(ca, "leaf")
    with serving(leaf) as server:
        step = tried(server.url, Tls(verify=False))[-1]
    assert ("note", True) == (step.outcome, leaf.fingerprint in step.said)
    assert "Anybody in between" in step.advice


def test_tls_files(ca: Certificate, tmp_path: Path) -> None:
    """A file that cannot be used fails the step with its path."""
    with serving(signed(ca, "leaf")) as server:
        step = tried(server.url, Tls(ca_file=tmp_path / "absent.pem"))[-1]
    assert ("TLS", "failed") == (step.what, step.outcome)
    assert str(tmp_path / "absent.pem") in step.said


def test_tls_to_a_plain_port(server: BulkServer) -> None:
    """Https to a port that speaks http is told as that."""
    assert "is it http?" in tried(server.url.replace("http:", "https:"))[-1].said


def test_subject_of_strangers(ca: Certificate, tmp_path: Path) -> None:
    """A subject is what the server likes it to be: printable and short here."""
    evil = self_signed(tmp_path)
    names = ("-subj", "/CN=\x1b[31mevil" + "x" * 40, "-addext", "subjectAltName=IP:127.0.0.1")
    openssl("req", "-x509", "-key", evil.key, "-days", "60", *names, "-out", evil.cert)
    with serving(evil) as server:
        step = tried(server.url, Tls(ca_file=evil.cert))[-1]
    assert ("ok", True) == (step.outcome, step.said.isprintable())
    assert "a?b" == printable("a\nb")
    assert 100 == len(printable("x" * 1000))
