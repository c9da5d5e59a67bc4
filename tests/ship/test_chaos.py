"""A server that answers by chance, in every way that servers and what stands before them can: nothing is lost, nothing is twice."""

import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from logagent.metrics import Metrics, registry
from logagent.ship.elastic import Elastic
from logagent.ship.shipper import AHEAD, Shipper
from tests.ship.conftest import STREAM, Filled
from tests.ship.server import Answer, BulkServer, Fate, Request, apply, hang, reset_before, status

FRAMES, EVENTS, WORKERS = 200, 1000, 4
TOTAL = FRAMES * EVENTS
TIMEOUT = 0.3  # seconds; a hang is longer
PAGE = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
MAPPING = (400, "document_parsing_exception")
POISON = {f"abababababab-0-{n:x}" for n in range(7, TOTAL, 997)}  # refused whenever they are looked at
MALFORMED = {f"abababababab-0-{n:x}" for n in range(500, TOTAL, 19_001)}  # a request with one of them is refused


class Chaos:
    """Answers by dice, but so that a document's fate is one: what is refused for good always is, and nothing else ever."""

    def __init__(self, seed: int) -> None:
        self._dice, self._lock = random.Random(seed), threading.Lock()
        self.told: Counter[str] = Counter()
        self._answers: dict[str, tuple[int, Answer]] = {
            "200": (80, self.take),
            "mixed": (15, self.mixed),
            "400": (2, self.halve(400)),
            "413": (3, self.halve(413)),
            "401": (2, status(401, b"{}")),
            "429": (5, status(429, b"{}")),
            "500": (3, status(500, b"")),
            "502": (4, status(502, PAGE, content_type="text/html")),
            "503": (3, status(503, b"{}", retry_after="0")),
            "200 of something else": (2, status(200, PAGE, content_type="text/html")),
            "cut": (4, lambda request: request.cut(self.body(request))),
            "reset before": (4, reset_before),
            "reset after": (4, self.reset_after),
            "hang": (2, hang(TIMEOUT * 1.5, self.take)),
        }

    def __call__(self, request: Request) -> None:
        names = list(self._answers)
        with self._lock:
            (name,) = self._dice.choices(names, [weight for weight, _ in self._answers.values()])
            self.told[name] += 1
        self._answers[name][1](request)

    def take(self, request: Request) -> None:
        """Take all but the poisonous documents; refuse a request with a malformed one."""
        if MALFORMED & set(request.ids):
            request.reply(400, b'{"error":{"type":"parse_exception"}}')
        else:
            request.reply(200, self.body(request))

    def body(self, request: Request, *, mixed: bool = False) -> bytes:
        """Index, and give the reply to it; malformed documents are busy here, so that they are met again."""
        return apply(request, lambda _, identity: self.fate(identity, mixed=mixed))

    def fate(self, identity: str, *, mixed: bool) -> Fate | None:
        """Decide what becomes of a document."""
        if identity in MALFORMED:
            return (429, "es_rejected_execution_exception")
        if identity in POISON:
            return MAPPING
        chance = self._dice.random() if mixed else 1.0
        return (429, "es_rejected_execution_exception") if chance < 0.2 else (503, "x") if chance < 0.3 else None

    def mixed(self, request: Request) -> None:
        """Take some, refuse some for now and some for good; some are there already (409)."""
        request.reply(200, self.body(request, mixed=True))

    def halve(self, code: int) -> Answer:
        """Refuse a request of several documents as a whole."""
        return lambda r: r.reply(code, b"{}") if len(r.ids) > 1 else self.take(r)

    def reset_after(self, request: Request) -> None:
        """Take all, and break the connection instead of saying so."""
        self.body(request)
        request.reset()


class Scraper(threading.Thread):
    """Scrapes again and again, and looks at each scrape; `wrong` has what did not hold."""

    def __init__(self, found: CollectorRegistry, shipper: Shipper) -> None:
        super().__init__(daemon=True)
        self._found, self._shipper, self._over = found, shipper, threading.Event()
        self.scrapes, self.partial, self.wrong = 0, 0, list[str]()

    def run(self) -> None:
        while not self._over.wait(0.02):
            self.look()

    def look(self) -> None:
        """One scrape: the accounting holds, and what is in memory keeps to its bounds."""
        families = text_string_to_metric_families(generate_latest(self._found).decode())
        v = {s.name.removeprefix("logagent_"): s.value for f in families for s in f.samples}
        part = "delivered_total", "dead_letters", "dropped_total", "waiting"
        parts = [v[f"output_events_{name}"] for name in part]
        if not v["output_events_total"] == v["events_stored_total"] == sum(parts):
            self.wrong.append(f"{v['events_stored_total']} are stored, but {parts}")
        if not 0 <= v["bulk_in_flight"] <= WORKERS or not 1 <= v["bulk_in_flight_limit"] <= WORKERS:
            self.wrong.append(f"{v['bulk_in_flight']} in flight, {v['bulk_in_flight_limit']} allowed")
        if len(self._shipper._window) > AHEAD * WORKERS:
            self.wrong.append(f"{len(self._shipper._window)} frames are held")
        self.scrapes += 1
        self.partial += 0 < parts[0] < TOTAL - FRAMES

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Scrape meanwhile."""
        self.start()
        try:
            yield
        finally:
            self._over.set()
            self.join()
        self.look()


def test_chaos(filled: Filled, server: BulkServer) -> None:
    """Whatever a server answers by chance: in the end each event is indexed once or a dead letter with its reason, and all ended by itself.

    At each scrape in between the accounting holds, and memory keeps to its bounds.
    """
    server.otherwise, server.keep = Chaos(20261124), False
    client = Elastic(server.url, STREAM, timeout=TIMEOUT, connections=WORKERS)
    shipper = Shipper(filled.store, "es", client, workers=WORKERS, backoff_min=0.001, backoff_max=0.02)
    targets = SimpleNamespace(streams=0, refused=0)
    collector = SimpleNamespace(open_files=0, deleted_bytes=0, sources=lambda _: [], targets=targets)
    scraper = Scraper(registry(Metrics(filled.store.catalog, filled.store, collector, [shipper])), shipper)
    with scraper.at_work():
        shipper.start()
        last = filled.fill(FRAMES, events=EVENTS)
        assert shipper.wait_drained(last, 120), shipper.last_error
        assert shipper.stop(5)
    client.close()

    letters = {d.id: (d.status, d.reason) for d in filled.store.catalog.dead_letters(TOTAL)}
    assert POISON | MALFORMED == set(letters)
    assert {(400, "document_parsing_exception: a reason for 400")} == {letters[i] for i in POISON}
    assert {400} == {letters[i][0] for i in MALFORMED}
    assert {f"abababababab-0-{n:x}" for n in range(TOTAL)} - set(letters) == set(server.documents)
    cursor, delivered, _, dead, waiting = filled.output
    assert (last, len(server.documents), len(letters), 0) == (cursor, delivered, dead, waiting)
    assert [] == scraper.wrong
    assert scraper.partial > 10
    assert set(server.otherwise._answers) == set(server.otherwise.told)
    assert "" == shipper.last_error
