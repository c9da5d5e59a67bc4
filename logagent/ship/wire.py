"""What goes over the wire, as values: where to, what, and what comes back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Address:
    """Where a host is: `prefix` is the path of a proxy before it, empty or beginning with a slash."""

    scheme: str
    host: str
    port: int
    prefix: str = ""

    @classmethod
    def of(cls, url: str) -> "Address":
        """Take `url` apart; a credential in it is left out."""
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return cls(parts.scheme, parts.hostname or "", port, parts.path.rstrip("/"))

    def __str__(self) -> str:
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{shown}:{self.port}{self.prefix}"


@dataclass(frozen=True, slots=True)
class Request:
    """A request to any host of a cluster; `timeout` is how many seconds its answer may take. `headers` have the credential."""

    method: str
    target: str
    body: bytes | None = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    timeout: float


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's answer; `seconds` is how long it took, `retry_after` that header as it came."""

    status: int
    body: bytes
    seconds: float = 0.0
    retry_after: str | None = None
