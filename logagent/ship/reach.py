"""Whether a host can be reached, step by step as far as TLS, each step with what to do when it fails.

Nothing but handshakes is sent. Names in certificates come from outside: they are shown printable and short.
"""

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from logagent.errors import Failure
from logagent.ship.tls import Tls, Trust, fingerprint
from logagent.ship.unreachable import Untrusted, why
from logagent.ship.wire import Address

SOON = 14 * 86400  # seconds before its end at which a certificate is worth a note
UNKNOWN_ISSUER = (18, 19, 20, 21)  # X509_V_ERR_… of OpenSSL: self-signed, or signed by somebody who is not trusted


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried: `said` is what came of it, `advice` what to do. A note is worth reading, and no failure."""

    what: str
    outcome: Literal["ok", "note", "failed"]
    said: str
    advice: str = ""


def reach(address: Address, tls: Tls, timeout: float, now: float) -> Iterator[Step]:
    """Resolve, connect, and agree on TLS. Ends with the first step that fails; each may take `timeout` seconds."""
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        advice = "Check the output's url, and how this host, or the agent's container, looks names up"
        yield Step("resolves", "failed", f"{address.host}: {why(error, timeout)}", advice)
        return
    yield Step("resolves", "ok", ", ".join(dict.fromkeys(str(one[4][0]) for one in found)))
    try:
        plain = socket.create_connection((address.host, address.port), timeout)
    except OSError as error:
        yield Step("connects", "failed", f"{address.host}:{address.port}: {_refused(error, timeout)}", _CONNECT)
        return
    with plain:
        yield Step("connects", "ok", f"{address.host}:{address.port}")
    if address.scheme == "https":
        yield _tls(address, tls, timeout, now)


_CONNECT = (
    "Check that Elasticsearch or OpenSearch runs there and listens on that address, the port, and firewalls between"
)


def _refused(error: OSError, timeout: float) -> str:
    return f"no answer within {timeout:g} s" if isinstance(error, TimeoutError) else why(error, timeout)


def _tls(address: Address, tls: Tls, timeout: float, now: float) -> Step:
    try:
        trust = Trust(tls)
        trust.settle(address.host, address.port, timeout)
        with (
            socket.create_connection((address.host, address.port), timeout) as plain,
            trust.context.wrap_socket(plain, server_hostname=address.host) as secure,
        ):
            return _agreed(secure, now)
    except Failure as failure:
        return Step("TLS", "failed", str(failure))
    except (OSError, Untrusted, ValueError) as error:
        return Step("TLS", "failed", why(error, timeout), _cure(error, address, tls, timeout))


def _agreed(secure: ssl.SSLSocket, now: float) -> Step:
    shown: Any = secure.getpeercert()
    if not shown:
        der = secure.getpeercert(binary_form=True) or b""
        advice = "Anybody in between can read and change everything: give ca_file or ca_fingerprint instead"
        return Step("TLS", "note", f"{secure.version()}, not checked (verify_tls: false), {fingerprint(der)}", advice)
    left = ssl.cert_time_to_seconds(shown["notAfter"]) - now
    said = f"{_subject(shown)}, until {shown['notAfter']}, {secure.version()}"
    if left < SOON:
        return Step("TLS", "note", said, f"It ends in {max(0.0, left) / 86400:.0f} days: renew it on the server")
    return Step("TLS", "ok", said)


def _cure(error: Exception, address: Address, tls: Tls, timeout: float) -> str:
    """For an issuer that is not trusted: the fingerprint to compare; the sentence of any other error says all."""
    if not isinstance(error, ssl.SSLCertVerificationError) or error.verify_code not in UNKNOWN_ISSUER:
        return ""
    try:
        shown = Trust(tls).shown(address.host, address.port, timeout)
    except (OSError, Failure):
        return ""
    return f"Or compare this SHA-256 on the server, and if it is the same, set ca_fingerprint: {fingerprint(shown[-1])}"


def _subject(shown: Any) -> str:
    """The certificate's subject, in short words."""
    short = {"commonName": "CN", "organizationName": "O", "organizationalUnitName": "OU"}
    parts = [f"{short.get(key, key)}={value}" for name in shown.get("subject", ()) for key, value in name]
    return printable(", ".join(parts)) or "no subject"


def printable(text: str, longest: int = 100) -> str:
    """Text from outside as it may be shown: in one line, at most `longest` characters."""
    return "".join(c if c.isprintable() else "?" for c in text[:longest])
