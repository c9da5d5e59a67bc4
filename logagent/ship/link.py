"""The connections to one cluster: the official client's nodes, its hosts with one TLS set-up for all.

A node sends our bytes as they are and gives back the server's as they are; it follows no redirect and tries nothing again.
Foreign exceptions end here as `Unreachable`.
"""

import logging
from collections.abc import Sequence

from elastic_transport import BaseNode, HttpHeaders, NodeConfig, Urllib3HttpNode
from urllib3 import HTTPSConnectionPool, Timeout
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from logagent import __version__
from logagent.ship.hosts import NO_SERVICE, Hosts
from logagent.ship.tls import Tls, Trust
from logagent.ship.unreachable import Unreachable, why
from logagent.ship.wire import Address, Reply, Request

CONNECT = 10.0  # seconds: a host that does not even take a connection is given up sooner than one that works
SIGN_OF_LIFE = 5.0  # seconds: how long a host that was left out gets to say that it is back
NOT_SENT = (NewConnectionError, ConnectTimeoutError)


class Link:
    """The connections to the hosts at `addresses`, all of one scheme; `connections` requests at a time.

    `pause` and `longest` are how long, in seconds, a host is left out. Raises Failure(USAGE) when the files of `tls` cannot be used.
    """

    def __init__(
        self,
        addresses: Sequence[Address],
        tls: Tls,
        *,
        connections: int,
        pause: float = 1.0,
        longest: float = 30.0,
    ) -> None:
        # It tells requests and failures, with their bodies: they are told by the shipper, once, with what to do.
        quiet = logging.getLogger("elastic_transport")
        quiet.setLevel(logging.ERROR)
        quiet.propagate = False  # it would make each body's text at any level
        self._number = len(addresses)
        self._trust = Trust(tls) if addresses[0].scheme == "https" else None
        self._hosts = Hosts([self._config(one, connections) for one in addresses], pause=pause, longest=longest)
        for pool in self._secure_pools():
            pool.ca_certs = None  # the node would add the certifi package's authorities to those of our context

    def perform(self, request: Request) -> Reply:
        """Send a request to one of the hosts and wait for its answer. Raises Unreachable.

        A host that takes no connection was not sent anything: then another one that seems to be alive is asked at once.
        """
        others = self._number
        while True:
            others -= 1
            node = self._hosts.take(lambda node: self._alive(node, request))
            try:
                reply = self._send(node, request)
            except Exception as error:
                # Whatever the libraries below raise, it means that no answer came; their text may have headers in it.
                reason = _why(error, request)
                self._hosts.failed(node, reason)
                if others and isinstance(error.__cause__, NOT_SENT) and self._hosts.any_sound:
                    continue
                raise Unreachable(f"cannot reach {node.base_url}: {reason}") from None
            self._hosts.answered(node, reply.status)
            return reply

    @property
    def left_out(self) -> list[str]:
        """The addresses of the hosts that do not answer."""
        return self._hosts.left_out

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._hosts.close()

    def _config(self, address: Address, connections: int) -> NodeConfig:
        trust = self._trust
        return NodeConfig(
            address.scheme,
            address.host,
            address.port,
            path_prefix=address.prefix,
            headers={"user-agent": f"logagent/{__version__}"},
            connections_per_node=connections,
            verify_certs=trust is None or trust.verify,
            ssl_show_warn=False,
            ssl_context=trust.context if trust else None,
        )

    def _send(self, node: BaseNode, request: Request) -> Reply:
        connect = min(CONNECT, request.timeout)
        if self._trust is not None and not self._trust.settled:
            self._settle(self._trust, node, connect)
        meta, answer = node.perform_request(
            request.method,
            request.target,
            body=request.body,
            headers=HttpHeaders(request.headers),
            request_timeout=Timeout(connect=connect, total=request.timeout),  # type: ignore[arg-type]  # it is passed on to urllib3
        )
        return Reply(meta.status, answer or b"", meta.duration, meta.headers.get("retry-after"))

    def _settle(self, trust: Trust, node: BaseNode, timeout: float) -> None:
        trust.settle(node.host, node.port, timeout)
        for pool in self._secure_pools():
            pool.assert_hostname = None if trust.by_name else False

    def _alive(self, node: BaseNode, request: Request) -> bool:
        headers = {key: value for key, value in request.headers.items() if key in ("accept", "authorization")}
        sign = Request("GET", "/", None, headers, min(SIGN_OF_LIFE, request.timeout))
        try:
            return self._send(node, sign).status not in NO_SERVICE
        except Exception:
            # As above; why the host was left out is told already.
            return False

    def _secure_pools(self) -> list[HTTPSConnectionPool]:
        nodes = [node for node in self._hosts.nodes if isinstance(node, Urllib3HttpNode)]
        return [node.pool for node in nodes if isinstance(node.pool, HTTPSConnectionPool)]


def _why(error: Exception, request: Request) -> str:
    connecting = isinstance(error.__cause__, ConnectTimeoutError)
    return why(error, min(CONNECT, request.timeout) if connecting else request.timeout)
