"""TLS: whom we trust by an authority's file or by a fingerprint, and how we show who we are."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from logagent.errors import Exit, Failure
from logagent.ship.elastic import Elastic, Unreachable
from logagent.ship.tls import Tls, Trust
from tests.ship.certificates import Certificate, authority, chained, openssl, self_signed, serving, signed
from tests.ship.server import BulkServer, status

Connect = Callable[..., Elastic]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the certificates are."""
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def ca(folder: Path) -> Certificate:
    """The authority."""
    return authority(folder)


@pytest.fixture(scope="module")
def leaf(ca: Certificate) -> Certificate:
    """The server's certificate and its authority's, as a server sends them."""
    return chained(signed(ca, "leaf"), ca)


def refused(client: Elastic) -> str:
    """Why no answer came."""
    with pytest.raises(Unreachable) as caught:
        client.bulk(b"")
    return str(caught.value)


def test_authority_in_a_file(ca: Certificate, leaf: Certificate, connect: Connect) -> None:
    """A certificate is trusted by the CA file, or not checked when told so, and else refused in words."""
    with serving(leaf) as server:
        assert 200 == connect(server.url, tls=Tls(ca_file=ca.cert)).bulk(b"").status
        assert 200 == connect(server.url, tls=Tls(verify=False)).bulk(b"").status
        assert "its certificate is not trusted" in (why := refused(connect(server.url)))
        assert why.endswith("; give the output's ca_file")


def test_a_ca_file_is_all_that_is_trusted(folder: Path, ca: Certificate, leaf: Certificate, connect: Connect) -> None:
    """With a CA file nobody else's certificates count."""
    other = authority(folder, "other")
    with serving(leaf) as server:
        client = connect(server.url, tls=Tls(ca_file=other.cert))
        assert "its certificate is not trusted" in refused(client)
        assert client._link._trust is not None
        assert 1 == len(client._link._trust.context.get_ca_certs())


def test_the_systems_authorities(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ca: Certificate) -> None:
    """Without a CA file the system's count, and where it has none, those of the certifi package."""
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    monkeypatch.setenv("SSL_CERT_FILE", str(ca.cert))
    assert 1 == Trust(Tls()).context.cert_store_stats()["x509_ca"]
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "absent"))
    assert 100 < Trust(Tls()).context.cert_store_stats()["x509_ca"]
    (tmp_path / "0123abcd.0").write_text("looked into when it is needed")
    assert 0 == Trust(Tls()).context.cert_store_stats()["x509_ca"]


@pytest.mark.parametrize(("host", "days", "cure"), [("DNS:elsewhere", 2, "a name"), ("IP:127.0.0.1", 0, "renew it")])
def test_what_to_do_about_a_wrong_certificate(
    ca: Certificate, host: str, days: int, cure: str, connect: Connect
) -> None:
    """A wrong name and an expired certificate are told as what they are: no CA file would help."""
    with serving(signed(ca, "wrong", host, days=days)) as server:
        why = refused(connect(server.url, tls=Tls(ca_file=ca.cert)))
    assert cure in why
    assert "ca_file" not in why


def test_fingerprint_of_the_authority(ca: Certificate, leaf: Certificate, connect: Connect) -> None:
    """The authority is known by its fingerprint, when the server sends its certificate."""
    with serving(leaf) as server:
        client = connect(server.url, tls=Tls(ca_fingerprint=ca.fingerprint))
        assert [200, 200] == [client.bulk(b"").status, client.bulk(b"").status]


def test_the_name_counts_with_an_authority(ca: Certificate, connect: Connect) -> None:
    """An authority vouches for names: a certificate of it for another host is not taken."""
    with serving(chained(signed(ca, "named", "DNS:elsewhere"), ca)) as server:
        assert "is not trusted" in refused(connect(server.url, tls=Tls(ca_fingerprint=ca.fingerprint)))


def test_fingerprint_of_the_server(folder: Path, ca: Certificate, connect: Connect) -> None:
    """The server's own certificate is known by its fingerprint, whoever signed it and for whatever name."""
    own, elsewhere = self_signed(folder), signed(ca, "elsewhere", "DNS:elsewhere")
    for shown in (own, elsewhere):
        with serving(shown) as server:
            assert 200 == connect(server.url, tls=Tls(ca_fingerprint=shown.fingerprint)).bulk(b"").status


def test_wrong_fingerprint(folder: Path, leaf: Certificate, connect: Connect) -> None:
    """Where no certificate has it, nothing is sent, and the cure is told."""
    with serving(leaf) as server:
        why = refused(connect(server.url, tls=Tls(ca_fingerprint="ab" * 32)))
    assert "none of the certificates that it shows has the fingerprint" in why
    assert [] == server.requests


def test_forged_chain(folder: Path, ca: Certificate, connect: Connect) -> None:
    """A certificate that only names the authority, and is sent together with the real one's, is not taken."""
    evil = authority(folder, "evil")
    with serving(chained(signed(evil, "forged"), ca)) as server:
        why = refused(connect(server.url, tls=Tls(ca_fingerprint=ca.fingerprint)))
    assert "is not trusted" in why
    assert [] == server.requests


def test_our_own_certificate(folder: Path, ca: Certificate, leaf: Certificate, connect: Connect) -> None:
    """A server that asks for it gets our certificate; without one, or with another's, it does not answer."""
    ours, others = signed(ca, "client"), self_signed(folder, "stranger")
    both = folder / "both.pem"
    both.write_text(ours.cert.read_text() + ours.key.read_text())
    with serving(leaf, client_ca=ca.cert) as server:
        for tls in (
            Tls(ca_file=ca.cert, cert_file=ours.cert, key_file=ours.key),
            Tls(ca_file=ca.cert, cert_file=both),
            Tls(ca_fingerprint=ca.fingerprint, cert_file=both),
        ):
            assert 200 == connect(server.url, tls=tls).bulk(b"").status
        count = len(server.requests)
        refused(connect(server.url, tls=Tls(ca_file=ca.cert)))
        stranger = Tls(ca_file=ca.cert, cert_file=others.cert, key_file=others.key)
        refused(connect(server.url, tls=stranger))
        assert count == len(server.requests)


def test_certificates_are_read_again(folder: Path, ca: Certificate, leaf: Certificate, connect: Connect) -> None:
    """A CA file that changes counts for the next request; while it is not usable, the one before goes on."""
    file, other = folder / "changing.pem", authority(folder, "before")
    shutil.copy(ca.cert, file)
    with serving(leaf) as server:
        client = connect(server.url, tls=Tls(ca_file=file))
        assert 200 == client.bulk(b"").status
        file.write_text("half of a cert")
        assert 200 == client.bulk(b"").status
        shutil.copy(other.cert, file)
        assert "is not trusted" in refused(client)
        shutil.copy(ca.cert, file)
        assert 200 == client.bulk(b"").status


def test_tls_to_a_plain_port(server: BulkServer, connect: Connect) -> None:
    """Https to a server that speaks http is said to be that."""
    url = server.url.replace("http:", "https:")
    for tls in (Tls(verify=False), Tls(ca_fingerprint="ab" * 32)):
        assert re.search(r"TLS failed .*is it http\?", refused(connect(url, tls=tls)))


@pytest.mark.parametrize("key", ["ca_file", "cert_file"])
@pytest.mark.parametrize("content", [None, "no certificate"])
def test_unusable_file(tmp_path: Path, key: str, content: str | None, connect: Connect) -> None:
    """A file that is absent or holds no certificate is a mistake of the settings, told with its path."""
    path = tmp_path / "file.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(Failure, match=str(path)) as caught:
        connect("https://127.0.0.1:1", tls=Tls(ca_file=path) if key == "ca_file" else Tls(cert_file=path))
    assert Exit.USAGE == caught.value.status


def test_encrypted_key(folder: Path, ca: Certificate, connect: Connect) -> None:
    """A key with a passphrase is told; nobody is asked for it."""
    ours, locked = signed(ca, "locked"), folder / "locked.enc"
    openssl("pkey", "-in", ours.key, "-aes256", "-passout", "pass:secret", "-out", locked)
    with pytest.raises(Failure, match="without a passphrase"):
        connect("https://127.0.0.1:1", tls=Tls(cert_file=ours.cert, key_file=locked))


def test_no_redirect_is_followed(server: BulkServer, connect: Connect) -> None:
    """A redirect is an answer: the credential goes nowhere else."""
    server.script.append(status(302, b"", location=f"{server.url}/elsewhere"))
    assert 302 == connect(server.url).bulk(b"").status
    assert 1 == len(server.requests)
