"""The overview as a page for people, once or live. Only verbs that print a page import this: rich is large.

Live, it is drawn anew each second at the foot of a terminal, with the log's lines above it; elsewhere it is one plain line
every few seconds.
"""

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, repeat
from typing import TYPE_CHECKING

import click
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from logagent.cli.human import count, size, span
from logagent.cli.overview import Line, Overview, attention, headline, overview

if TYPE_CHECKING:
    from logagent.agent import Agent

EVERY = 1.0  # seconds between two drawings
PLAIN_EVERY = 5.0  # seconds between two plain lines
PLAIN_FIRST = 2.0  # seconds to the first one
PLAIN_WIDTH = 140  # columns where there is no terminal
AROUND = 14  # rows of a live page beside its sources

Rates = Mapping[str, float]
"""Events in a second, by container id."""


def console() -> Console:
    """Make a console on stdout, wide enough where that is no terminal."""
    return Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False, markup=False)


def page(view: Overview, rates: Rates | None = None, rows: int | None = None) -> RenderableType:
    """Lay out a whole overview; `rows` bounds the sources that are shown, those furthest behind first."""
    troubles = attention(view)
    told = "\n- ".join([headline(view, troubles), *troubles])
    parts: list[RenderableType] = [Text(f"{told}\n"), _sources(view, rates, rows), Text(_store_line(view))]
    return Group(*parts, *([_outputs(view)] if view.outputs else []))


def line(view: Overview, rates: Rates) -> str:
    """Write the overview as one plain line."""
    parts = [
        f"{count(len(view.sources), 'source')}, {sum(rates.values()):.0f} lines/s",
        f"{count(view.total('stored'), 'event')} stored in {count(view.frames, 'frame')}, {size(view.size)}",
        f"lag {size(sum(s.lag_bytes or 0 for s in view.sources))}",
        *(f"{o.name}: {o.delivered:,} delivered, {o.waiting:,} waiting" for o in view.outputs),
        *attention(view),
    ]
    return "; ".join(parts)


class Pace:
    """How fast events come: the difference between two overviews."""

    def __init__(self) -> None:
        self._before: Overview | None = None

    def rates(self, view: Overview) -> Rates:
        """Return the events in a second since the last call, by container id; nothing at the first."""
        before, self._before = self._before, view
        if before is None or view.time <= before.time:
            return {}
        old = {source.id: source.events for source in before.sources}
        return {s.id: (s.events - old.get(s.id, 0)) / (view.time - before.time) for s in view.sources}


def watch_agent(agent: "Agent", stop: threading.Event) -> None:
    """Show the running `agent` until `stop` is set."""
    watch(lambda: agent_view(agent, time.time()), stop)


def agent_view(agent: "Agent", now: float) -> Overview:
    """Make the overview of an agent in this process: its collector knows the lag without looking at the files again."""
    lags = {container: size for container, _, size, _ in agent.collector.sources(now)}
    budget = agent.store.budget
    view = overview(
        agent.store.catalog,
        lambda container, _: lags.get(container.id),
        running=True,
        max_size=budget.max_size,
        now=now,
    )
    failing = [f"{s.name}: {s.last_error}" for s in agent.shippers if s.last_error]
    return replace(view, notes=(*([agent.store.full] if agent.store.full else []), *failing))


def watch(look: Callable[[], Overview], stop: threading.Event) -> None:
    """Show what `look` returns until `stop` is set: live on a terminal, in plain lines elsewhere."""
    pace = Pace()
    if not sys.stdout.isatty():
        _watch_plain(look, stop, pace)
        return
    with Live(console=console(), auto_refresh=False, transient=True) as live, _log_above():
        while not stop.is_set():
            view = look()
            live.update(page(view, pace.rates(view), max(1, live.console.height - AROUND)), refresh=True)
            stop.wait(EVERY)


def _watch_plain(look: Callable[[], Overview], stop: threading.Event, pace: Pace) -> None:
    pace.rates(look())
    for wait in chain([PLAIN_FIRST], repeat(PLAIN_EVERY)):
        if stop.wait(wait):
            return
        view = look()
        click.echo(line(view, pace.rates(view)))


@contextmanager
def _log_above() -> Iterator[None]:
    """Let the log's lines appear above the live page: a handler made before holds the stderr of before."""
    handlers = [h for h in logging.getLogger().handlers if isinstance(h, logging.StreamHandler)]
    ours = [h for h in handlers if h.stream is sys.__stderr__]
    for handler in ours:
        handler.setStream(sys.stderr)
    try:
        yield
    finally:
        for handler in ours:
            handler.setStream(sys.__stderr__)


def _sources(view: Overview, rates: Rates | None, rows: int | None) -> Table:
    table = Table("Container", *([] if rates is None else ["Lines/s"]), "Events", "Lag", "Behind", "Gaps", box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    table.columns[0].overflow = "fold"
    found = sorted(view.sources, key=lambda s: (-(s.lag_bytes or 0), s.name)) if rows else view.sources
    for source in found[:rows]:
        table.add_row(*_cells(source, rates))
    if rows and len(found) > rows:
        table.add_row(Text(f"and {len(found) - rows} more"))
    return table


def _cells(source: Line, rates: Rates | None) -> list[Text]:
    return [
        Text(source.name),
        *([] if rates is None else [Text(f"{rates.get(source.id, 0):.0f}")]),
        Text(f"{source.events:,}"),
        Text("unknown" if source.lag_bytes is None else size(source.lag_bytes)),
        Text("unknown" if source.lag_seconds is None else span(source.lag_seconds)),
        Text(f"{source.gaps:,}", style="red" if source.gaps else ""),
    ]


def _store_line(view: Overview) -> str:
    share = 100 * view.size / view.max_size
    counts = ", ".join(f"{view.total(name):,} {name}" for name in ("read", "stored", "filtered", "dropped"))
    kept = f"{count(view.frames, 'frame')} in {count(view.segments, 'segment')}"
    return f"\nEvents: {counts}\nStore: {size(view.size)} of {size(view.max_size)} ({share:.1f} %), {kept}\n"


def _outputs(view: Overview) -> Table:
    table = Table("Output", "Cursor", "Delivered", "Waiting", "Oldest", "Dead letters", "Dropped", box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    for output in view.outputs:
        oldest = "" if output.since is None else span(max(0.0, view.time - output.since))
        cursor = f"{output.cursor:,} of {view.last_frame:,}"
        numbers = [f"{n:,}" for n in (output.delivered, output.waiting, output.dead, output.dropped)]
        table.add_row(Text(output.name), cursor, *numbers[:2], oldest, *numbers[2:])
    return table
