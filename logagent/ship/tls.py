"""TLS of an output: whom we trust, and how we prove who we are, as one `ssl.SSLContext` for all hosts.

A fingerprint names one certificate: the server's own, or that of an authority in the chain which it sends. That certificate is
looked for in the chain once, and then is the only one that is trusted, in OpenSSL's full verification. (The client library's own
way is not used: it finds the authority in what was sent, and does not check that it signed anything.)
"""

import hashlib
import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from socket import create_connection
from typing import Any

import certifi

from logagent.errors import Exit, Failure
from logagent.ship.unreachable import Untrusted


@dataclass(frozen=True, slots=True)
class Tls:
    """What the settings say; `verify` False trusts everybody.

    Trusted are the authorities in `ca_file`, else the one whose `ca_fingerprint` (64 hex digits) this is, else the system's.
    Our own certificate is in `cert_file`, its key there as well or in `key_file`.
    """

    ca_file: Path | None = None
    ca_fingerprint: str | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    verify: bool = True

    @property
    def files(self) -> dict[str, Path]:
        """The files that it is made of, by key."""
        named = {"ca_file": self.ca_file, "cert_file": self.cert_file, "key_file": self.key_file}
        return {key: path for key, path in named.items() if path is not None}


class Trust:
    """The `context` that `tls` asks for. Raises Failure(USAGE) when its files cannot be used.

    With a fingerprint, `settle` must have succeeded before the context is used; `by_name` then tells whether the server's
    name is checked: not for a certificate that is the server's own.
    """

    def __init__(self, tls: Tls) -> None:
        self._tls, self._lock = tls, threading.Lock()
        self.settled = tls.ca_fingerprint is None
        self.verify = self.by_name = tls.verify
        self.context = self._context(verify=tls.verify)
        if tls.ca_fingerprint is not None:
            self.context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        elif tls.ca_file is None:
            self._load_the_systems()
        else:
            self._load(tls.ca_file)

    def settle(self, host: str, port: int, timeout: float) -> None:
        """Find the certificate of the fingerprint at a server, if that has not been done. Nothing but a handshake is sent.

        Raises Untrusted when the server does not show it, OSError when it cannot be reached.
        """
        with self._lock:
            if not self.settled:
                self._pin(self.shown(host, port, timeout))
                self.settled = True

    def shown(self, host: str, port: int, timeout: float) -> list[bytes]:
        """Return the certificates that a server sends, its own first, in DER; none of it is verified. Raises OSError."""
        context = self._context(verify=False)
        with (
            create_connection((host, port), timeout) as plain,
            context.wrap_socket(plain, server_hostname=host) as secure,
        ):
            return chain(secure)

    def _pin(self, chain: Sequence[bytes]) -> None:
        found = next((place for place, der in enumerate(chain) if fingerprint(der) == self._tls.ca_fingerprint), None)
        if found is None:
            raise Untrusted(
                "none of the certificates that it shows has the fingerprint: compare ca_fingerprint, or give ca_file"
            )
        self.by_name = self.context.check_hostname = found > 0
        self.context.load_verify_locations(cadata=chain[found])

    def _context(self, *, verify: bool) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.check_hostname = verify
        context.verify_mode = ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
        if self._tls.cert_file is not None:
            self._own(context, self._tls.cert_file)
        return context

    def _own(self, context: ssl.SSLContext, cert_file: Path) -> None:
        try:
            context.load_cert_chain(cert_file, self._tls.key_file, password=_refuse)
        except (OSError, ValueError) as error:  # an SSLError is an OSError
            raise _unusable(f"{cert_file} and its key {self._tls.key_file or 'in it'}", error) from None

    def _load_the_systems(self) -> None:
        """Trust the system's authorities; a slim image may have none, then those that the client's library brings."""
        self.context.load_default_certs()
        folder = ssl.get_default_verify_paths().capath  # OpenSSL looks into it when it meets a certificate
        if not self.context.cert_store_stats()["x509_ca"] and not (folder and any(Path(folder).iterdir())):
            self._load(Path(certifi.where()))

    def _load(self, ca_file: Path) -> None:
        try:
            self.context.load_verify_locations(ca_file)
        except OSError as error:
            raise _unusable(str(ca_file), error) from None


def fingerprint(der: bytes) -> str:
    """Return a certificate's SHA-256 as 64 hex digits."""
    return hashlib.sha256(der).hexdigest()


def chain(secure: ssl.SSLSocket) -> list[bytes]:
    """Return the certificates that the server sent, its own first, in DER; none of it is verified by this."""
    own = secure.getpeercert(binary_form=True)
    inner: Any = secure if hasattr(secure, "get_unverified_chain") else secure._sslobj  # type: ignore[attr-defined]  # noqa: SLF001 - public since Python 3.13
    sent = [_der(one) for one in inner.get_unverified_chain() or ()]
    return sent or ([own] if own else [])


def _der(certificate: Any) -> bytes:
    """Of what Python gives: DER since 3.13, an object that has it before."""
    der: bytes = certificate if isinstance(certificate, bytes) else ssl.PEM_cert_to_DER_cert(certificate.public_bytes())
    return der


def _refuse() -> str:
    raise ValueError("the key is encrypted: give one without a passphrase")


def _unusable(what: str, error: Exception) -> Failure:
    said = str(error) if type(error) is ValueError else None  # ours: OpenSSL's are OSErrors
    reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or said or type(error).__name__
    return Failure(
        f"TLS cannot be set up with {what} ({reason}): check the output's ca_file, cert_file and key_file", Exit.USAGE
    )
