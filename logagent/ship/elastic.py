"""The wire to Elasticsearch or OpenSearch: the official client's transport, used for its nodes, TLS and kept connections.

The transport sends our bytes as they are and gives back the server's as they are: plain `application/x-ndjson`, no product
check, no retries of its own, so that one path serves every version. Foreign exceptions end here as `Unreachable`. The
credential lives in one header; no message, repr or log has it.
"""

import base64
import logging
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from logagent import __version__
from logagent.errors import Exit, Failure
from logagent.ship import target

if TYPE_CHECKING:
    from elastic_transport import Transport

NDJSON = {"content-type": "application/x-ndjson", "content-encoding": "gzip", "accept": "application/json"}
JSON = {"content-type": "application/json", "accept": "application/json"}


class Unreachable(Exception):  # noqa: N818 - it is what happened to the server, not a programming error
    """No reply came: a sentence that says whose, and why."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's answer; `seconds` is how long it took, `retry_after` that header as it came."""

    status: int
    body: bytes
    seconds: float = 0.0
    retry_after: str | None = None


def authorization(
    *, username: str | None = None, password: str | None = None, api_key: str | None = None, bearer: str | None = None
) -> str | None:
    """The Authorization header: basic, API key (as `id:key` or in its encoded form) or bearer; None without a credential.

    Raises Failure(USAGE) for one that no header can carry.
    """
    if username is not None:
        return "Basic " + _base64(f"{username}:{password or ''}")
    if api_key is not None:
        return _header("ApiKey", _base64(api_key) if ":" in api_key else api_key)
    return None if bearer is None else _header("Bearer", bearer)


class Elastic:
    """One server at `url`, into whose `data_stream` frames go. `timeout` is in seconds, `connections` how many at a time.

    `plain_index` tells that it is an index instead, into which all goes, whatever frames name. `pipeline` is an ingest pipeline.
    `credential` is the Authorization header. Raises Failure(USAGE) when the certificates of `ca_file` cannot be used.
    """

    def __init__(
        self,
        url: str,
        data_stream: str,
        *,
        credential: str | None = None,
        ca_file: Path | None = None,
        verify: bool = True,
        timeout: float = 60.0,
        connections: int = 2,
        pipeline: str | None = None,
        plain_index: bool = False,
    ) -> None:
        self.data_stream = data_stream
        self._target, self._plain_index = target.path(data_stream, pipeline), plain_index
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        host = parts.hostname or ""
        shown = f"[{host}]" if ":" in host else host
        self.url = f"{parts.scheme}://{shown}:{port}{parts.path.rstrip('/')}"
        self._timeout = timeout
        tls = _tls(ca_file, verify=verify) if parts.scheme == "https" else {}
        headers = {"user-agent": f"logagent/{__version__}"} | ({"authorization": credential} if credential else {})
        self._transport = _transport(
            scheme=parts.scheme,
            host=host,
            port=port,
            path_prefix=parts.path.rstrip("/"),
            headers=headers,
            connections_per_node=connections,
            request_timeout=timeout,
            **tls,
        )

    def __repr__(self) -> str:
        return f"<Elastic {self.url} {self.data_stream}>"

    def bulk(self, member: bytes) -> Reply:
        """POST the gzip member `member`, a whole `_bulk` body. Raises Unreachable."""
        body = target.without_index(member) if self._plain_index else member
        return self._perform("POST", self._target, body, NDJSON)

    def request(self, method: str, path: str, body: bytes | None = None) -> Reply:
        """Send a request with a JSON `body` or none to `path`. Raises Unreachable."""
        return self._perform(method, path, body, JSON)

    def renew(self) -> None:
        """Read the credentials again: they were refused."""

    def close(self) -> None:
        """Close the connections; requests under way fail."""
        self._transport.close()

    def _perform(self, method: str, target: str, body: bytes | None, headers: dict[str, str]) -> Reply:
        try:
            meta, answer = self._transport.perform_request(method, target, body=body, headers=headers)
        except Exception as error:
            # Whatever the libraries below raise, it means that no answer came; their text may have headers in it.
            raise Unreachable(f"cannot reach {self.url}: {_why(error, self._timeout)}") from None
        return Reply(meta.status, answer or b"", meta.duration, meta.headers.get("retry-after"))


def _transport(**node: Any) -> "Transport":
    from elastic_transport import NodeConfig, Serializer, SerializerCollection, Transport

    # It tells each request at info and each failure at warning: both are told by the shipper, once and with what to do.
    logging.getLogger("elastic_transport").setLevel(logging.ERROR)

    class AsItIs(Serializer):
        def dumps(self, data: bytes) -> bytes:
            return data

        def loads(self, data: bytes) -> bytes:
            return data

    class AnyType(SerializerCollection):
        def get_serializer(self, mimetype: str | None) -> Serializer:  # noqa: ARG002 - bytes are bytes
            return AsItIs()

    try:
        transport = Transport([NodeConfig(**node)], max_retries=0, meta_header=False)
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        raise _unusable(f"https://{node['host']}", error) from None
    transport.serializers = AnyType()
    return transport


def _unusable(what: str, error: Exception) -> Failure:
    reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or type(error).__name__
    return Failure(f"TLS cannot be set up with {what} ({reason}): check the output's url and ca_file", Exit.USAGE)


def _tls(ca_file: Path | None, *, verify: bool) -> dict[str, Any]:
    """The node's TLS settings. `ca_file` is trusted beside the system's authorities, which the official client always loads."""
    if not verify:
        return {"verify_certs": False, "ssl_show_warn": False}
    if ca_file is None:
        return {"verify_certs": True}
    try:
        # The client would find this out at the first request only.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(ca_file)
    except OSError as error:  # an SSLError is one
        raise _unusable(str(ca_file), error) from None
    return {"verify_certs": True, "ca_certs": str(ca_file)}


def _why(error: BaseException, timeout: float) -> str:
    causes = list(_causes(error))
    if reason := next(filter(None, map(_reason, causes)), ""):
        return reason
    if any("Timeout" in type(cause).__name__ for cause in causes):
        return f"no answer within {timeout:g} s"
    other = next((c.strerror for c in causes if isinstance(c, OSError) and c.strerror), None)
    return other.lower() if other else f"the connection broke ({type(causes[-1]).__name__})"


def _reason(cause: BaseException) -> str:
    match cause:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted ({cause.verify_message}); give the output's ca_file"
        case ssl.SSLError():
            return f"TLS failed ({cause.reason or 'no reason given'}); is it http?"
        case socket.gaierror():
            return f"its name is not known ({cause.strerror})"
        case ConnectionError() if cause.strerror:
            return cause.strerror.lower()
        case _:
            return ""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        inner = next((a for a in reversed(error.args) if isinstance(a, BaseException)), None)
        error = error.__cause__ or error.__context__ or inner


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _header(scheme: str, secret: str) -> str:
    if not secret.isascii() or not secret.isprintable():
        raise Failure(
            f"the {scheme} credential has characters that no header can carry: check api_key or bearer_token",
            Exit.USAGE,
        )
    return f"{scheme} {secret}"
