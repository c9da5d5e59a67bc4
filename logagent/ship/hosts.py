"""Which host of a cluster gets the next request: the official client's node pool, and what one output needs beyond it.

Of the hosts that answer, the one with the fewest requests under way is next, in turn among equals: so a slow host gets less, and
holds up none of the others. One that does not answer is left out for 1 s, doubled with each failure up to 30 s, and then is asked
for a sign of life, by one request at a time, before it gets work again. An answer is one, whatever it says, except those
by which a proxy or a node says that it cannot work (502, 503, 504). Where no host answers, all are tried in turn.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from elastic_transport import NodePool, NodeSelector, Urllib3HttpNode

if TYPE_CHECKING:
    from elastic_transport import BaseNode, NodeConfig

log = logging.getLogger(__name__)

NO_SERVICE = (502, 503, 504)


class _LeastBusy(NodeSelector):
    """Chooses the host with the fewest requests under way, the one that waited longest among equals."""

    def __init__(self, node_configs: "list[NodeConfig]") -> None:
        super().__init__(node_configs)
        self.busy: Counter[NodeConfig] = Counter()
        self.doubted: set[NodeConfig] = set()
        self._last: Counter[NodeConfig] = Counter()
        self._turn = 0

    def select(self, nodes: "Sequence[BaseNode]") -> "BaseNode":
        chosen = min(nodes, key=self._rank)
        self._turn += 1
        self._last[chosen.config] = self._turn
        return chosen

    def _rank(self, node: "BaseNode") -> tuple[bool, int, int]:
        config = node.config
        tried = config in self.doubted and self.busy[config] > 0
        return tried, self.busy[config], self._last[config]


class _Pool(NodePool):
    """The client's pool, in which a host that several requests found dead at once is dead once."""

    def mark_dead(self, node: "BaseNode", _now: float | None = None) -> None:
        if node.config in self._alive_nodes:
            super().mark_dead(node, _now)


class Hosts:
    """The hosts of one cluster. `pause` and `longest` are the first and the longest time, in seconds, that one is left out."""

    def __init__(self, configs: "Sequence[NodeConfig]", *, pause: float = 1.0, longest: float = 30.0) -> None:
        self._pool = _Pool(
            list(configs),
            Urllib3HttpNode,
            dead_node_backoff_factor=pause,
            max_dead_node_backoff=longest,
            node_selector_class=_LeastBusy,
        )
        selector = self._pool.node_selector
        assert isinstance(selector, _LeastBusy)  # noqa: S101 - as given above
        self._state, self._number = selector, len(configs)
        self._lock = threading.Lock()

    @property
    def nodes(self) -> "list[Urllib3HttpNode]":
        """All hosts."""
        return [node for node in self._pool.all() if isinstance(node, Urllib3HttpNode)]

    @property
    def left_out(self) -> list[str]:
        """The addresses of those that do not answer."""
        with self._lock:
            return sorted(node.base_url for node in self.nodes if node.config in self._state.doubted)

    @property
    def any_sound(self) -> bool:
        """Whether there is a host that answered last, or was not asked yet."""
        return len(self._state.doubted) < self._number

    def take(self, alive: "Callable[[BaseNode], bool]") -> "BaseNode":
        """The host for a request; `answered` or `failed` must follow. `alive` asks a host that was left out for a sign of life."""
        for _ in range(self._number):
            with self._lock:
                node = self._pool.get()
                self._state.busy[node.config] += 1
                sound = node.config not in self._state.doubted or len(self._state.doubted) == self._number
            if sound:
                return node
            if alive(node):
                self._cured(node)
                return node
            self.failed(node, "no sign of life")
        with self._lock:
            node = self._pool.get()
            self._state.busy[node.config] += 1
            return node

    def answered(self, node: "BaseNode", status: int) -> None:
        """An answer came: the host is alive, unless it says that it cannot work."""
        if status in NO_SERVICE:
            self.failed(node, f"it answered {status}")
            return
        with self._lock:
            self._state.busy[node.config] -= 1
        self._cured(node)

    def failed(self, node: "BaseNode", reason: str) -> None:
        """No answer came: leave the host out for a time, if there are others."""
        with self._lock:
            self._state.busy[node.config] -= 1
            if self._number == 1:
                return
            new = node.config not in self._state.doubted
            self._state.doubted.add(node.config)
            self._pool.mark_dead(node)
        if new:
            log.warning("%s is left out until it answers again: %s", node.base_url, reason)

    def close(self) -> None:
        """Close the connections that are not in use."""
        for node in self.nodes:
            node.close()

    def _cured(self, node: "BaseNode") -> None:
        with self._lock:
            cured = node.config in self._state.doubted
            self._state.doubted.discard(node.config)
            if cured:
                self._pool.mark_live(node)
        if cured:
            log.info("%s answers again", node.base_url)
