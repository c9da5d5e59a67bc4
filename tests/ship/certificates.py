"""Certificates for tests, made by openssl: an authority, what it signs, and what only looks as if it had."""

import hashlib
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.ship.server import BulkServer

EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def openssl(*arguments: str | Path) -> None:
    """Run the command."""
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


@dataclass(frozen=True)
class Certificate:
    """The files of a certificate and its key."""

    cert: Path
    key: Path

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(self.cert.read_text())).hexdigest()


def authority(folder: Path, name: str = "ca", subject: str = "/CN=logagent test authority") -> Certificate:
    """A certificate that may sign others."""
    made = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
    openssl("req", "-x509", *EC, "-days", "2", "-subj", subject, "-keyout", made.key, "-out", made.cert)
    return made


def self_signed(folder: Path, name: str = "own", host: str = "IP:127.0.0.1") -> Certificate:
    """A certificate of `host` that signed itself."""
    made = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
    names = ("-subj", "/CN=own", "-addext", f"subjectAltName={host}")
    openssl("req", "-x509", *EC, "-days", "2", *names, "-keyout", made.key, "-out", made.cert)
    return made


def signed(by: Certificate, name: str, host: str = "IP:127.0.0.1", *, days: int = 2) -> Certificate:
    """A certificate of `host` that `by` signed."""
    folder = by.cert.parent
    made = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
    request, extra = folder / f"{name}.csr", folder / f"{name}.ext"
    extra.write_text(f"subjectAltName={host}\nauthorityKeyIdentifier=none\n")
    openssl("req", *EC, "-subj", f"/CN={name}", "-keyout", made.key, "-out", request)
    sign = ("-CA", by.cert, "-CAkey", by.key, "-CAcreateserial", "-days", str(days), "-extfile", extra)
    openssl("x509", "-req", "-in", request, *sign, "-out", made.cert)
    return made


def chained(leaf: Certificate, *others: Certificate) -> Certificate:
    """`leaf` as a server sends it: followed by `others`."""
    file = leaf.cert.with_suffix(".chain")
    file.write_text("".join(one.cert.read_text() for one in (leaf, *others)))
    return Certificate(file, leaf.key)


@contextmanager
def serving(shown: Certificate, client_ca: Path | None = None) -> Iterator[BulkServer]:
    """The scripted server behind TLS; with `client_ca` it wants a certificate of the client's, signed by that."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown.cert, shown.key)
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_ca)
    server = BulkServer()
    with server.run(context) as url:
        server.url = url
        yield server
