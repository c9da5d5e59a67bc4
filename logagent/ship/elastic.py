"""The wire to Elasticsearch or OpenSearch: plain `application/x-ndjson` and JSON over the official client's connections.

No product check, no headers of one version, no retries, so that one path serves every version. What the way in is made of,
credentials and certificates, is looked at before each request and read again when it changed. The credential lives in one
header; no message, repr or log has it.
"""

import logging
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from logagent.errors import Failure
from logagent.ship import target
from logagent.ship.access import Access, signature
from logagent.ship.tls import Tls
from logagent.ship.unreachable import Unreachable
from logagent.ship.wire import Address, Reply, Request

if TYPE_CHECKING:
    from logagent.ship.link import Link

__all__ = ["Elastic", "Reply", "Unreachable"]

log = logging.getLogger(__name__)

NDJSON = {"content-type": "application/x-ndjson", "content-encoding": "gzip", "accept": "application/json"}
JSON = {"content-type": "application/json", "accept": "application/json"}


class Elastic:
    """One cluster at `url`, or at several that are its hosts, into whose `data_stream` frames go.

    `plain_index` tells that it is an index instead, into which all goes, whatever frames name. `pipeline` is an ingest pipeline.
    `timeout` is in seconds, `connections` how many requests there are at a time. Raises Failure(USAGE) when the files of
    `tls` cannot be used.
    """

    def __init__(
        self,
        url: str | Sequence[str],
        data_stream: str,
        *,
        access: Access | None = None,
        tls: Tls | None = None,
        timeout: float = 60.0,
        connections: int = 2,
        pipeline: str | None = None,
        plain_index: bool = False,
    ) -> None:
        self.data_stream = data_stream
        self._target, self._plain_index = target.path(data_stream, pipeline), plain_index
        self.addresses = [Address.of(one) for one in ([url] if isinstance(url, str) else url)]
        others = len(self.addresses) - 1
        self.url = str(self.addresses[0]) + (f" (or {others} more)" if others else "")
        self.access, self.tls = access or Access(), tls or Tls()
        self._timeout, self._connections = timeout, connections
        self._seen, self._renewing = signature(self.tls.files), threading.Lock()
        self._link = self._connect()

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
        """Read what the credential comes from again, because it was refused."""
        self._renew(refused=True)

    @property
    def left_out(self) -> list[str]:
        """The addresses of the hosts that do not answer and are left out, where there are several."""
        return self._link.left_out

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._link.close()

    def _perform(self, method: str, target: str, body: bytes | None, headers: Mapping[str, str]) -> Reply:
        self._renew()
        credential = {"authorization": self.access.header} if self.access.header else {}
        return self._link.perform(Request(method, target, body, {**headers, **credential}, self._timeout))

    def _connect(self) -> "Link":
        from logagent.ship.link import Link  # the client's libraries are for those who ship only

        return Link(self.addresses, self.tls, connections=self._connections)

    def _renew(self, *, refused: bool = False) -> None:
        if self.access.renew(refused=refused):
            log.info("%s: the credential was read again", self.url)
        if signature(self.tls.files) != self._seen:
            with self._renewing:
                self._reconnect()

    def _reconnect(self) -> None:
        """Use the certificates as they are now; as they were, while they cannot be used."""
        seen = signature(self.tls.files)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            link = self._connect()
        except Failure as failure:
            log.warning("%s: %s; those read before are used until then", self.url, failure)
            return
        before, self._link = self._link, link
        before.close()
        log.info("%s: the certificates were read again", self.url)
