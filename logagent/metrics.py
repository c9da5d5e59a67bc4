"""Metrics: nothing is counted here; at each scrape the owners' counters are read and named for Prometheus.

The accounting comes from the catalog as of one moment, so that in every scrape
`events_read = events_stored + events_filtered + events_dropped`, and for each output
`output_events = delivered + dead letters + dropped + waiting`. What the catalog counts survives a restart of the agent; what
the shippers count begins with the process. Series go when their owner goes; containers beyond a bound are one series.
"""

import itertools
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import get_args

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from logagent import __version__
from logagent.model import GapReason
from logagent.owners import Kept, Lag, Sources, Streams
from logagent.ship.carrier import Shipments
from logagent.ship.tally import BUCKETS
from logagent.store.catalog import Catalog
from logagent.store.records import Output

MAX_CONTAINERS = 1000  # containers with series of their own
OTHER = "other"

Totals = Mapping[tuple[str, str], int]


class Metrics(Collector):
    """Reads the owners at each scrape. Raises sqlite3.Error when the catalog cannot be read."""

    def __init__(
        self,
        catalog: Catalog,
        store: Kept,
        collector: Sources,
        shippers: Sequence[Shipments] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._catalog, self._store, self._collector, self._shippers = catalog, store, collector, shippers
        self._clock = clock

    def describe(self) -> Iterator[Metric]:
        """Name nothing beforehand: registering must not read the owners."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """All families, in the order in which a line travels."""
        now = self._clock()
        totals, outputs = self._catalog.accounting()
        yield InfoMetricFamily("logagent_build", "The agent's version.", _build())
        yield from lags(self._collector.sources(now))
        yield GaugeMetricFamily("logagent_open_files", "Log files that are open.", self._collector.open_files)
        yield GaugeMetricFamily(
            "logagent_deleted_bytes",
            "Bytes of log files that Docker deleted, kept on disk until they are read.",
            self._collector.deleted_bytes,
        )
        yield from streams(self._collector.targets)
        yield from accounting(totals)
        yield from self._stored()
        yield from deliveries(outputs, totals, now)
        yield from shipments(self._shippers)

    def _stored(self) -> Iterator[Metric]:
        segments = self._catalog.segments()
        size = self._catalog.size() + sum(segment.bytes for segment in segments)
        last, oldest = self._catalog.last_frame(), self._catalog.frames_after(0, 1)
        frames = last - oldest[0].seq + 1 if oldest else 0
        yield GaugeMetricFamily("logagent_frames", "Frames in the store.", frames)
        yield GaugeMetricFamily("logagent_last_frame", "Number of the newest frame.", last)
        yield GaugeMetricFamily("logagent_segments", "Segments in the store.", len(segments))
        yield GaugeMetricFamily("logagent_store_bytes", "Bytes of the store on disk, with its catalog.", size)
        yield GaugeMetricFamily(
            "logagent_store_max_bytes", "Bytes that the store may take.", self._store.budget.max_size
        )
        yield GaugeMetricFamily("logagent_store_full", "1 while the store takes nothing more.", bool(self._store.full))


def registry(metrics: Metrics) -> CollectorRegistry:
    """Put `metrics` and the process's own (CPU, memory, open files) into a registry of their own."""
    found = CollectorRegistry()
    found.register(metrics)
    ProcessCollector(registry=found)
    return found


def streams(targets: Streams) -> Iterator[Metric]:
    """How many data streams containers were given."""
    text = "Data streams in use by this agent, beside the default one."
    yield GaugeMetricFamily("logagent_data_streams", text, targets.streams)
    text = "Times that a container got the default data stream because document.max_streams others were in use."
    yield CounterMetricFamily("logagent_data_streams_refused", text, targets.refused)


def accounting(totals: Totals) -> Iterator[Metric]:
    """What became of all events since the store began."""
    yield _count("events_read", "Events read: stored, filtered and dropped together.", totals, "read")
    yield _count("events_stored", "Events written to the store.", totals, "stored")
    yield _reasons("events_filtered", "Events left out because the settings say so.", totals, "filtered")
    yield _reasons("events_dropped", "Events lost before they were stored.", totals, "dropped")
    yield _reasons("problems", "Events stored although something was wrong with their lines.", totals, "problems")
    none = dict.fromkeys(
        (("gaps", reason) for reason in get_args(GapReason)), 0
    )  # from 0 on, so that the first one shows as an increase
    yield _reasons("gaps", "Places where lines were gone before they could be read.", none | dict(totals), "gaps")
    yield _count(
        "lost_bytes", "Bytes of log files that were gone before they could be read, at least.", totals, "lost_bytes"
    )
    yield _count("read_bytes", "Bytes of log files read, as they are when decompressed.", totals, "bytes")


def lags(sources: Iterable[Lag]) -> Iterator[Metric]:
    """How far behind the containers are; those beyond the bound as one."""
    sizes = GaugeMetricFamily(
        "logagent_source_lag_bytes", "Bytes of a container's log that are not read yet.", labels=["container"]
    )
    times = GaugeMetricFamily(
        "logagent_source_lag_seconds", "How long the oldest line that is not read yet has waited.", labels=["container"]
    )
    for name, (size, seconds) in _by_name(sources).items():
        sizes.add_metric([name], size)
        times.add_metric([name], seconds)
    yield from (sizes, times)


def deliveries(outputs: Iterable[Output], totals: Totals, now: float) -> Iterator[Metric]:
    """How far the outputs got, from the catalog."""
    found = list(outputs)
    for name, text, number in _counters(totals.get(("stored", ""), 0)):
        counter = CounterMetricFamily(f"logagent_output_events{name}", text, labels=["output"])
        for output in found:
            counter.add_metric([output.name], number(output))
        yield counter
    for name, text, value in _gauges(now):
        gauge = GaugeMetricFamily(f"logagent_output_{name}", text, labels=["output"])
        for output in found:
            gauge.add_metric([output.name], value(output))
        yield gauge


def waited(output: Output, now: float) -> float:
    """How many seconds an output's oldest frame has waited, 0 when none does."""
    return max(0.0, now - output.since) if output.since is not None else 0.0


def shipments(shippers: Iterable[Shipments]) -> Iterator[Metric]:
    """What the shippers did since the agent started."""
    requests = CounterMetricFamily(
        "logagent_bulk_requests", "Bulk requests, by HTTP status or kind of failure.", labels=["output", "code"]
    )
    items = CounterMetricFamily(
        "logagent_bulk_items", "Items of bulk requests, by result.", labels=["output", "result"]
    )
    seconds = HistogramMetricFamily("logagent_bulk_seconds", "Time that bulk requests took.", labels=["output"])
    flying = GaugeMetricFamily("logagent_bulk_in_flight", "Bulk requests under way.", labels=["output"])
    limit = GaugeMetricFamily(
        "logagent_bulk_in_flight_limit",
        "Bulk requests that may be under way: as many as the server bears.",
        labels=["output"],
    )
    failing = GaugeMetricFamily(
        "logagent_output_failing", "1 while requests fail and wait to be tried again.", labels=["output"]
    )
    paused = GaugeMetricFamily(
        "logagent_output_paused", "1 while nothing is sent until the cause is put right.", labels=["output"]
    )
    for shipper in shippers:
        name, tally, trouble = shipper.name, shipper.tally, shipper.trouble
        for code, number in dict(tally.requests).items():
            requests.add_metric([name, code], number)
        for result, number in dict(tally.items).items():
            items.add_metric([name, result], number)
        seconds.add_metric([name], _buckets(tally.latency), tally.latency_sum)
        flying.add_metric([name], tally.in_flight)
        limit.add_metric([name], tally.allowed)
        failing.add_metric([name], trouble.since is not None)
        paused.add_metric([name], bool(trouble.paused))
    yield from (requests, items, seconds, flying, limit, failing, paused)


def _buckets(counts: Sequence[int]) -> list[tuple[str, float]]:
    """Make Prometheus's buckets, each with all that is below it, of counts by bucket."""
    return list(zip((*map(str, BUCKETS), "+Inf"), itertools.accumulate(counts), strict=True))


def _by_name(sources: Iterable[Lag]) -> dict[str, tuple[int, float]]:
    """Sum by name, since a container that is made anew has its predecessor's name; names beyond the bound are one."""
    found: dict[str, tuple[int, float]] = {}
    for _, name, size, seconds in sources:
        key = name if name in found or len(found) < MAX_CONTAINERS else OTHER
        old = found.get(key, (0, 0.0))
        found[key] = (old[0] + size, max(old[1], seconds))
    return found


def _counters(stored: int) -> list[tuple[str, str, Callable[[Output], int]]]:
    return [
        ("", "Events for this output: delivered, dead, dropped and waiting together.", lambda o: stored - o.origin),
        ("_delivered", "Events that the output has.", lambda o: o.delivered),
        ("_duplicates", "Events, of those delivered, that the output had already.", lambda o: o.duplicates),
        ("_dropped", "Events that the store let go before they were delivered.", lambda o: o.dropped),
    ]


def _gauges(now: float) -> list[tuple[str, str, Callable[[Output], float]]]:
    return [
        (
            "events_dead_letters",
            "Events that the output refused for good; fewer when they are replayed.",
            lambda o: o.dead,
        ),
        ("events_waiting", "Events that are stored and not delivered yet.", lambda o: o.waiting),
        (
            "waiting_seconds",
            "How long the oldest event that is not delivered yet has been stored.",
            lambda o: waited(o, now),
        ),
        ("cursor_frame", "Number of the frame up to which all is done.", lambda o: o.cursor),
    ]


def _count(name: str, text: str, totals: Totals, key: str) -> Metric:
    return CounterMetricFamily(f"logagent_{name}", text, totals.get((key, ""), 0))


def _reasons(name: str, text: str, totals: Totals, key: str) -> Metric:
    family = CounterMetricFamily(f"logagent_{name}", text, labels=["reason"])
    for (counted, reason), number in totals.items():
        if counted == key:
            family.add_metric([reason], number)
    return family


def _build() -> dict[str, str]:
    return {"version": __version__, "python": platform.python_version()}
