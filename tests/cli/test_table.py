"""The overview as a page, and as a line."""

import threading
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from logagent.cli import table
from logagent.cli.overview import Line, Overview
from logagent.store.records import Output

NOW = 1_795_000_000.0
TOTALS = {("read", ""): 1234, ("stored", ""): 1200, ("filtered", "exclude"): 34}


def _line(name, *, events=10, lag: int | None = 0, gaps=0):
    return Line(name, name, events, gaps, NOW, lag, None if lag is None else float(bool(lag)))


def _view(*sources, outputs=(), time=NOW):
    return Overview(
        time,
        running=True,
        sources=sources,
        outputs=tuple(outputs),
        totals=TOTALS,
        frames=7,
        last_frame=9,
        segments=1,
        size=5_000_000,
        max_size=100_000_000,
        undelivered=0,
    )


def _text(page):
    console = Console(width=120, highlight=False, markup=False)
    with console.capture() as capture:
        console.print(page)
    return capture.get()


def test_page_has_sources_store_and_outputs():
    """Each source with its lag, the accounting, the store against its budget, each output with its cursor."""
    output = Output("es", 8, 1000, 3, 2, 1, 197, 0, NOW - 75)
    text = _text(table.page(_view(_line("web-1", lag=1500), _line("db", lag=None), outputs=[output])))
    rows = [line.split() for line in text.splitlines()]
    assert ["web-1", "10", "1.50", "kB", "1", "s", "0"] in rows
    assert ["db", "10", "unknown", "unknown", "0"] in rows
    assert "Events: 1,234 read, 1,200 stored, 34 filtered, 0 dropped" in text
    assert "Store: 5.00 MB of 100 MB (5.0 %), 7 frames in 1 segment" in text
    assert ["es", "8", "of", "9", "1,000", "197", "1", "m", "15", "s", "2", "1"] in rows


def test_page_begins_with_the_verdict():
    """The first line says whether all is well; what hinders the agent stands below it."""
    view = _view(_line("web-1", gaps=1))
    assert _text(table.page(view)).startswith("All is well")
    view = replace(view, notes=("es: refused",))
    assert _text(table.page(view)).splitlines()[:2] == [
        "1 thing to look at; the agent runs and reads 1 source.",
        "- es: refused",
    ]


def test_bounded_page_shows_those_furthest_behind():
    """Where there is no room for all, the sources with the largest lag are shown, and how many are not."""
    text = _text(table.page(_view(_line("a"), _line("b", lag=1), _line("c", lag=5)), rows=2))
    names = [line.split()[0] for line in text.splitlines() if line.startswith(" ") and line.strip()]
    assert ["Container", "c", "b", "and"] == names
    assert "and 1 more" in text


def test_pace_is_events_in_a_second():
    """The difference of two looks over the time between them; a new source counts from nothing, the first look tells nothing."""
    pace = table.Pace()
    assert {} == pace.rates(_view(_line("a", events=10)))
    assert {"a": 5.0, "b": 2.0} == pace.rates(_view(_line("a", events=20), _line("b", events=4), time=NOW + 2))
    assert {} == pace.rates(_view(_line("a", events=30), time=NOW + 2))


def test_plain_line_tells_the_same_in_short():
    """One line has rate, events, lag, outputs and what needs attention."""
    output = Output("es", 8, 1000, 3, 2, 0, 197, 0, NOW)
    expected = (
        "1 source, 5 lines/s; 1,200 events stored in 7 frames, 5.00 MB; lag 1.50 kB; es: 1,000 delivered, 197 waiting; "
        "es: 2 events refused for good and kept as dead letters: `logagent dead list` tells why"
    )
    assert expected == table.line(_view(_line("a", lag=1500), outputs=[output]), {"a": 5.0})


def test_without_a_terminal_lines_are_printed_until_the_stop(capsys, monkeypatch):
    """Plain lines come one after the other, and the stop ends them."""
    stop, looks = threading.Event(), list[None]()

    def look():
        looks.append(None)
        if len(looks) == 3:
            stop.set()
        return _view(_line("a"), time=NOW + len(looks))

    monkeypatch.setattr(table, "PLAIN_FIRST", 0.01)
    monkeypatch.setattr(table, "PLAIN_EVERY", 0.01)
    table.watch(look, stop)
    printed = capsys.readouterr().out.splitlines()
    assert ["1 source, 0 lines/s"] * 2 == [line.partition(";")[0] for line in printed]


@pytest.mark.parametrize(("full", "error", "expected"), [("", "", ()), ("full", "refused", ("full", "es: refused"))])
def test_agent_tells_what_hinders_it(monkeypatch, full, error, expected):
    """A store that is full and an output that fails are notes of the overview; lag is the collector's."""
    monkeypatch.setattr(
        table, "overview", lambda _, lag, **__: _view(_line("a", lag=lag(SimpleNamespace(id="x"), None)))
    )
    agent: Any = SimpleNamespace(
        collector=SimpleNamespace(sources=lambda _: [("x", "a", 7, 1.0)]),
        store=SimpleNamespace(catalog=None, full=full, budget=SimpleNamespace(max_size=1)),
        shippers=[SimpleNamespace(name="es", last_error=error)],
    )
    view = table.agent_view(agent, NOW)
    assert expected == view.notes
    assert view.sources[0].lag_bytes == 7
