"""The gate lets workers through in their order, as many as the pace allows."""

import threading
from collections.abc import Callable

from logagent.ship.bulk import Again, Fault, Items, Split
from logagent.ship.gate import Gate
from logagent.ship.tally import Tally


def await_(what: Callable[[], object]) -> None:
    """Wait until it is so."""
    for _ in range(2000):
        if what():
            return
        threading.Event().wait(0.005)
    raise AssertionError("it never came to that")


class Comer(threading.Thread):
    """Enters, notes that, and leaves when told."""

    def __init__(self, gate: Gate, name: str, log: list[str]) -> None:
        super().__init__(daemon=True)
        self.gate, self.called, self.log, self.go = gate, name, log, threading.Event()
        self.entered: bool | None = None
        self.start()

    def run(self) -> None:
        self.entered = self.gate.enter()
        if self.entered:
            self.log.append(self.called)
            self.go.wait(10)
            self.gate.leave()


def come(gate: Gate, names: str) -> tuple[dict[str, Comer], list[str]]:
    """So many comers, in this order."""
    log: list[str] = []
    comers: dict[str, Comer] = {}
    for place, name in enumerate(names):
        comers[name] = Comer(gate, name, log)
        await_(lambda: len(log) + len(gate._row) == place + 1)  # noqa: B023 - asked at once
    return comers, log


def test_one_at_a_time_in_order() -> None:
    """At first one is inside; the others follow in the order in which they came, whoever comes back."""
    gate = Gate(4, Tally())
    comers, log = come(gate, "abc")
    assert ["a"] == log
    for name, now in (("a", ["a", "b"]), ("b", ["a", "b", "c"])):
        comers[name].go.set()
        await_(lambda: log == now)  # noqa: B023 - asked at once
    comers["c"].go.set()


def test_more_when_it_goes_well() -> None:
    """A success opens it for one more, and the tally shows it; a push-back closes it again, a refusal of documents does not."""
    tally = Tally()
    gate = Gate(4, tally)
    comers, log = come(gate, "abc")
    gate.judged(gate.begin(), Items(3), 100, 0.1)
    await_(lambda: log == ["a", "b"])
    assert 2 == tally.allowed
    gate.judged(gate.begin(), Split(400, "400"), 100, 0.1)
    assert 2 == tally.allowed
    gate.judged(gate.begin(), Again("429"), 100, 0.1)
    assert 1 == tally.allowed
    comers["a"].go.set()
    comers["a"].join(10)
    assert ["a", "b"] == log
    comers["b"].go.set()
    await_(lambda: log == ["a", "b", "c"])
    comers["c"].go.set()


def test_partial_push_back_and_faults_count() -> None:
    """Documents to be sent again, and a refusal of ourselves, are push-backs too."""
    for verdict in (Items(1, retry=(1,)), Fault("403", "")):
        tally = Tally()
        gate = Gate(4, tally)
        gate.judged(gate.begin(), Items(3), 100, 0.1)
        gate.judged(gate.begin(), verdict, 100, 0.1)
        assert 1 == tally.allowed


def test_closing_lets_all_go() -> None:
    """Who waits is told that it is closed."""
    gate = Gate(1, Tally())
    comers, log = come(gate, "abc")
    gate.close()
    for name in "bc":
        comers[name].join(10)
        assert comers[name].entered is False
    assert ["a"] == log
    comers["a"].go.set()
    assert not gate.enter()


def test_nobody_overtakes() -> None:
    """Who comes back at once stands behind those who wait already: the oldest frame's worker is not passed by for ever."""
    gate = Gate(1, Tally())
    assert gate.enter()
    log: list[str] = []
    other = Comer(gate, "b", log)
    await_(lambda: gate._row)
    other.go.set()
    gate.leave()
    assert gate.enter()
    assert ["b"] == log
    gate.leave()
