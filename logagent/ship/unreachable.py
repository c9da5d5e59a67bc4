"""When no answer comes: the one exception for it, and why, in a sentence of ours.

What the libraries below raise may have headers, and so credentials, in its text. So nothing of that text is passed on but what
the operating system and OpenSSL say of their own.
"""

import socket
import ssl
from collections.abc import Iterator

_EXPIRED, _NOT_YET, _OTHER_NAME, _OTHER_ADDRESS = 10, 9, 62, 64  # X509_V_ERR_… of OpenSSL


class Unreachable(Exception):  # noqa: N818 - it is what happened to the server, not a programming error
    """No reply came: a sentence that says whose, and why."""


class Untrusted(Exception):  # noqa: N818 - the same
    """The server did not prove who it is: a sentence that says why."""


def why(error: BaseException, timeout: float) -> str:
    """Say why no answer came within `timeout` seconds, or at all."""
    causes = list(_causes(error))
    if reason := next(filter(None, map(_reason, causes)), ""):
        return reason
    if any("Timeout" in type(cause).__name__ for cause in causes):
        return f"no answer within {timeout:g} s"
    other = next((c.strerror for c in causes if isinstance(c, OSError) and c.strerror), None)
    return other.lower() if other else f"the connection broke ({type(causes[-1]).__name__})"


def _reason(cause: BaseException) -> str:
    match cause:
        case Untrusted():
            return str(cause)
        case ssl.SSLError():
            return _tls_failed(cause)
        case socket.gaierror():
            return f"its name is not known ({cause.strerror})"
        case ConnectionError() if cause.strerror:
            return cause.strerror.lower()
        case _:
            return ""


def _tls_failed(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message}); {_cure(error.verify_code)}"
    if isinstance(error, ssl.SSLEOFError):
        return "the server ended TLS without a word; it may want a certificate of ours: check cert_file and key_file"
    reason = error.reason or "no reason given"
    if "ALERT" in reason and any(word in reason for word in ("CERTIFICATE", "UNKNOWN_CA", "HANDSHAKE_FAILURE")):
        return f"TLS failed ({reason}); it may not take our certificate, or want one: check cert_file and key_file"
    return f"TLS failed ({reason}); is it http?"


def _cure(code: int) -> str:
    if code in (_EXPIRED, _NOT_YET):
        return "renew it on the server, or correct this machine's clock"
    if code in (_OTHER_NAME, _OTHER_ADDRESS):
        return "write the output's url with a name that the certificate has"
    return "give the output's ca_file"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        inner = next((a for a in reversed(error.args) if isinstance(a, BaseException)), None)
        error = error.__cause__ or error.__context__ or inner
