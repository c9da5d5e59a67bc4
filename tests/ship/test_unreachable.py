"""Why no answer came: what the libraries raise, said in words of ours with what to do."""

import socket
import ssl

import pytest

from logagent.ship.unreachable import Untrusted, why


def tls(reason: str) -> ssl.SSLError:
    """An error as OpenSSL gives it."""
    error = ssl.SSLError(1, f"[SSL: {reason}] of somebody")
    error.reason = reason
    return error


def untrusted(code: int) -> ssl.SSLError:
    """A certificate that failed for this reason."""
    error = ssl.SSLCertVerificationError(1, "failed")
    error.verify_code, error.verify_message = code, "message"
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (untrusted(19), "its certificate is not trusted (message); give the output's ca_file"),
        (untrusted(10), "its certificate is not trusted (message); renew it on the server, or correct this machine's"),
        (untrusted(62), "its certificate is not trusted (message); write the output's url with a name that the"),
        (tls("TLSV13_ALERT_CERTIFICATE_REQUIRED"), "it may not take our certificate, or want one: check cert_file"),
        (tls("TLSV1_ALERT_UNKNOWN_CA"), "it may not take our certificate, or want one: check cert_file and key_file"),
        (tls("WRONG_VERSION_NUMBER"), "TLS failed (WRONG_VERSION_NUMBER); is it http?"),
        (ssl.SSLEOFError(8, "EOF"), "it may want a certificate of ours: check cert_file and key_file"),
        (Untrusted("no such certificate"), "no such certificate"),
        (socket.gaierror(-2, "Name or service not known"), "its name is not known (Name or service not known)"),
        (ConnectionRefusedError(111, "Connection refused"), "connection refused"),
        (OSError(113, "No route to host"), "no route to host"),
        (TimeoutError("timed out"), "no answer within 5 s"),
        (ValueError("Authorization: Basic secret"), "the connection broke (ValueError)"),
    ],
)
def test_why(error: Exception, said: str) -> None:
    """The innermost reason is told, however deep it lies, and the texts of libraries are not."""
    outer = RuntimeError("Authorization: Basic secret", error)
    outer.__cause__ = error
    for one in (error, outer):
        assert said in why(one, 5.0)
        assert "secret" not in why(one, 5.0)


def test_a_cause_of_itself() -> None:
    """Errors that name each other as their cause end as well."""
    one, two = RuntimeError("one"), RuntimeError("two")
    one.__cause__, two.__cause__ = two, one
    assert "the connection broke (RuntimeError)" == why(one, 1.0)
