"""The metrics are named by Prometheus's rules, and their sums agree."""

import re
import time
from types import SimpleNamespace

import pytest
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from logagent.metrics import MAX_CONTAINERS, OTHER, Metrics, lags, registry
from logagent.model import Batch, Container, DeadLetter, Gap, Generation, Image, Position, Progress
from logagent.ship.bulk import Items
from logagent.ship.tally import Tally
from logagent.ship.trouble import Trouble
from logagent.store.retention import Budget
from logagent.store.store import Store

NOW = 1_795_000_000.0
WEB = Container("ab" * 32, "web-1", Image("nginx"))


class FakeCollector:
    """A collector with the lags that a test gives it."""

    open_files = 3
    deleted_bytes = 77
    targets = SimpleNamespace(streams=5, refused=2)

    def __init__(self, *found):
        self.found = list(found)

    def sources(self, now):
        return self.found


@pytest.fixture
def store(tmp_path):
    """Give an empty store that knows one container, with a budget of 1 GiB."""
    store = Store(tmp_path, Budget(1 << 30), segment_size=1 << 20, frame_size=4096, frame_time=1)
    store.catalog.remember([WEB])
    yield store
    store.close()


def _batch(events, **more):
    progress = Progress(Position(Generation(1), 100))
    return Batch(WEB.id, b"{}\n{}\n" * events, events, 1, 2, progress, **more)


def _commit(store, batch):
    store.add(batch, NOW)
    assert store.commit(NOW)


def _scrape(store, collector=None, shippers=()):
    found = registry(Metrics(store.catalog, store, collector or FakeCollector(), shippers, clock=lambda: NOW + 5))
    text = generate_latest(found).decode()
    families = list(text_string_to_metric_families(text))
    return {
        (s.name, *sorted(s.labels.values(), key=lambda v: v != "es")): s.value for f in families for s in f.samples
    }, families


def _shipper():
    shipper = SimpleNamespace(name="es", tally=Tally(), trouble=Trouble("es"))
    for status, seconds in ((200, 0.004), (200, 0.3), (429, 70.0), (None, 1.0)):
        shipper.tally.sent(10)
        shipper.tally.answered(status, seconds)
    shipper.tally.sorted(Items(delivered=5, duplicates=2, retry=(1,), dead=()))
    shipper.tally.sent(10)
    shipper.tally.allowed = 2
    return shipper


def _busy(store):
    """Two frames, of which one output has the first: 3 events of 5 delivered, one of them dead."""
    store.catalog.use_outputs(["es"])
    _commit(store, _batch(3, raw_bytes=300, filtered={"exclude": 2}, dropped={"too_old": 1}, gaps=(Gap("rotated", 5),)))
    _commit(store, _batch(2, raw_bytes=200, problems={"damaged": 2}))
    dead = [DeadLetter("es", 1, 0, "a", 400, "no", NOW, b"{}")]
    store.catalog.advance("es", 1, delivered=2, duplicates=1, dead=dead)


def test_accounting_adds_up(store):
    """Read is stored, filtered and dropped together; an output's events are delivered, dead, dropped and waiting together."""
    _busy(store)
    values, _ = _scrape(store)
    assert {
        "read": 8.0,
        "stored": 5.0,
        "filtered": 2.0,
        "dropped": 1.0,
        "problems": 2.0,
        "gaps": 1.0,
        "bytes": 500.0,
    } == {
        "read": values["logagent_events_read_total",],
        "stored": values["logagent_events_stored_total",],
        "filtered": values["logagent_events_filtered_total", "exclude"],
        "dropped": values["logagent_events_dropped_total", "too_old"],
        "problems": values["logagent_problems_total", "damaged"],
        "gaps": values["logagent_gaps_total", "rotated"],
        "bytes": values["logagent_read_bytes_total",],
    }
    parts = ("events_delivered_total", "events_dead_letters", "events_dropped_total", "events_waiting")
    assert [2.0, 1.0, 0.0, 2.0] == [values[f"logagent_output_{part}", "es"] for part in parts]
    assert values["logagent_output_events_total", "es"] == 5.0
    assert values["logagent_output_events_duplicates_total", "es"] == 1.0


def test_output_that_came_later_has_its_own_origin(store):
    """What the store let go before an output was there does not count for it."""
    _commit(store, _batch(3))
    segment = store.catalog.segments()[0].id
    store.catalog.new_segment()
    store.catalog.remove_segment(segment)
    store.catalog.use_outputs(["late"])
    values, _ = _scrape(store)
    assert values["logagent_events_stored_total",] == 3.0
    assert values["logagent_output_events_total", "late"] == 0.0
    assert values["logagent_output_events_waiting", "late"] == 0.0


def test_store_and_cursor_are_told(store):
    """Frames, segments, bytes against the budget, the cursor and how long the oldest frame has waited."""
    _busy(store)
    values, _ = _scrape(store)
    assert values["logagent_frames",] == 2.0
    assert values["logagent_last_frame",] == 2.0
    assert values["logagent_segments",] == 1.0
    assert values["logagent_store_bytes",] == store.size()
    assert values["logagent_store_max_bytes",] == 1 << 30
    assert values["logagent_store_full",] == 0.0
    assert values["logagent_output_cursor_frame", "es"] == 1.0
    assert values["logagent_output_waiting_seconds", "es"] == 5.0
    assert (3.0, 77.0) == (values["logagent_open_files",], values["logagent_deleted_bytes",])
    assert (5.0, 2.0) == (values["logagent_data_streams",], values["logagent_data_streams_refused_total",])


def test_full_store_is_told(store):
    """While the store takes nothing more the gauge is 1."""
    store.full = "the store is full"
    assert _scrape(store)[0]["logagent_store_full",] == 1.0


def test_every_name_follows_the_rules(store):
    """Names begin with the program's or process_, counters end in _total, units are base units, each has a sentence of help."""
    _busy(store)
    _, families = _scrape(store, FakeCollector((WEB.id, "web-1", 5, 1.0)), [_shipper()])
    names = [family.name for family in families]
    assert len(names) == len(set(names))
    assert {"logagent_build_info", "process_cpu_seconds", "process_resident_memory_bytes"} <= set(names)
    for family in families:
        assert re.fullmatch(r"(logagent|process)_[a-z_]+", family.name)
        assert re.fullmatch(r"[A-Z0-9].*\.", family.documentation), family.name
        assert not re.search(r"_(ms|kb|milliseconds|megabytes|total)$", family.name)
        suffixes = {sample.name.removeprefix(family.name) for sample in family.samples}
        expected = {"counter": {"_total"}, "histogram": {"_bucket", "_sum", "_count"}}.get(family.type, {""})
        assert suffixes <= expected, family.name


def test_requests_and_their_times_are_told(store):
    """Requests by code, items by result, and a histogram whose buckets hold all that is below them."""
    shipper = _shipper()
    values, _ = _scrape(store, shippers=[shipper])
    assert [2.0, 1.0, 1.0] == [values["logagent_bulk_requests_total", "es", c] for c in ("200", "429", "none")]
    results = ("delivered", "duplicate", "retried")
    assert [3.0, 2.0, 1.0] == [values["logagent_bulk_items_total", "es", r] for r in results]
    bounds = ("0.005", "0.25", "0.5", "60.0", "+Inf")
    assert [1.0, 1.0, 2.0, 2.0, 3.0] == [values["logagent_bulk_seconds_bucket", "es", b] for b in bounds]
    assert values["logagent_bulk_seconds_count", "es"] == 3.0
    assert values["logagent_bulk_in_flight", "es"] == 1.0
    assert values["logagent_bulk_in_flight_limit", "es"] == 2.0
    assert values["logagent_output_failing", "es"] == 0.0
    shipper.trouble.failed("refused", "start it", NOW, paused=True)
    values, _ = _scrape(store, shippers=[shipper])
    assert values["logagent_output_failing", "es"] == values["logagent_output_paused", "es"] == 1.0


def _lags(*found):
    sizes, times = lags(found)
    return {s.labels["container"]: (s.value, t.value) for s, t in zip(sizes.samples, times.samples, strict=True)}


def test_lag_is_told_by_container():
    """Each container has its bytes and seconds."""
    assert {"a": (5, 1.0), "b": (0, 0.0)} == _lags(("1", "a", 5, 1.0), ("2", "b", 0, 0.0))


def test_container_made_anew_has_one_series():
    """Two containers of one name, the old one not gone yet, are one series: the same series twice would fail the scrape."""
    assert {"a": (7, 3.0)} == _lags(("1", "a", 5, 1.0), ("2", "a", 2, 3.0))


def test_series_are_bounded():
    """Containers beyond the bound are summed as one, their longest wait told."""
    found = _lags(*((str(n), f"c{n}", 1, float(n)) for n in range(MAX_CONTAINERS + 10)))
    assert len(found) == MAX_CONTAINERS + 1
    assert (10, MAX_CONTAINERS + 9.0) == found[OTHER]


def test_hostile_name_stays_one_label(store):
    """A name with quotes and newlines breaks no line of the answer."""
    values, _ = _scrape(store, FakeCollector(("1", 'a"\n} 1\\', 5, 1.0)))
    assert values["logagent_source_lag_bytes", 'a"\n} 1\\'] == 5.0


def test_registering_reads_nothing():
    """Making the registry asks no owner for anything: they may not be ready yet."""
    assert registry(Metrics(None, None, None)) is not None  # type: ignore[arg-type]  # that is the point


def test_scrape_of_500_containers_is_cheap(store):
    """A scrape takes less than 30 ms of CPU: the best of five, for the machine may be busy."""
    _busy(store)
    collector = FakeCollector(*((f"{n:064x}", f"container-{n}", n, n / 10) for n in range(500)))
    found = registry(Metrics(store.catalog, store, collector, [_shipper()]))
    spent = []
    for _ in range(5):
        start = time.process_time()
        generate_latest(found)
        spent.append(time.process_time() - start)
    assert min(spent) < 0.03
