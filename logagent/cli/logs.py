"""`logagent logs`: what `docker logs` would print, from the store; so also after rotation and after `docker rm`."""

import contextlib
import gc
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import click

from logagent.cli.times import parse_time
from logagent.errors import Exit

if TYPE_CHECKING:
    from logagent.cli.printer import Json, Outlet, Plain, Prefixed
    from logagent.model import Stream
    from logagent.store.query import Filter, Query, Run
    from logagent.store.texts import Lost

POLL = 0.2  # seconds between looks for new frames
GRACE = 15.0  # seconds that a container's last lines may take into the store
POLLS_TO_END = 25  # every so many polls it is asked whether anything can still come
LATENCY = 0.1  # seconds that lines wait to be written together
INTERRUPTED = 130
CYCLES = 200_000  # lines are tuples without cycles: looking for some as often as usual costs a third of the time

_EPILOG = """\b
Times: an age (10m, 1h30m), a date or time with or without zone (2026-11-24, 2026-11-24T01:48:18.5Z),
unix seconds; both ends are included. --tail counts lines of both streams before --stream, --since and
--until are looked at, and after --grep.

\b
Exit statuses:
  0    the lines were printed, or whoever read them stopped reading
  1    no such container in the store, or several that the id may mean
  2    wrong usage or settings
  4    the store cannot be read, or parts of it are damaged
  130  interrupted; with --follow that is 0
"""


def _time(text: str) -> int:
    try:
        return parse_time(text, time.time_ns())
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _tail(text: str) -> int:
    """Read a number of lines; -1 is `all`, and so is any negative number, as with Docker."""
    try:
        return -1 if text == "all" else max(-1, int(text))
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is neither a number of lines nor all") from error


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise click.BadParameter(f"{text!r} is no regular expression: {error}") from error


@dataclass(frozen=True, slots=True)
class Look:
    """How lines are to be shown."""

    timestamps: bool
    json: bool
    prefix: bool
    colour: bool


@click.command(epilog=_EPILOG)
@click.argument("containers", nargs=-1, metavar="[NAME|ID|GLOB]...")
@click.option("--all", "-a", "everything", is_flag=True, help="All containers in the store.")
@click.option(
    "--tail", "-n", type=_tail, metavar="N|all", default="all", help="Only the last so many lines of each container."
)
@click.option(
    "--follow", "-f", is_flag=True, help="Go on with new lines, until Ctrl-C or the named containers are removed."
)
@click.option("--timestamps", "-t", is_flag=True, help="Print the time before each line.")
@click.option("--since", type=_time, metavar="TIME", help="Only lines of this time and later.")
@click.option("--until", type=_time, metavar="TIME", help="Only lines up to this time.")
@click.option(
    "--grep", type=_pattern, metavar="REGEX", help="Only lines in which this (Python) regular expression is found."
)
@click.option("--stream", type=click.Choice(["stdout", "stderr"]), help="Only lines of this stream.")
@click.option("--json", "as_json", is_flag=True, help="Print the stored documents, one a line, to stdout.")
@click.option("--no-color", is_flag=True, help="Names in no colour, also on a terminal.")
@click.option("--store", type=click.Path(path_type=Path), help="Folder of the store; else as the settings say.")
@click.option("--config", "-c", type=click.Path(path_type=Path), help="Settings file; it names the store's folder.")
@click.pass_context
def logs(
    context: click.Context,
    *,
    containers: tuple[str, ...],
    everything: bool,
    tail: int,
    follow: bool,
    timestamps: bool,
    since: int | None,
    until: int | None,
    grep: re.Pattern[str] | None,
    stream: "Stream | None",
    as_json: bool,
    no_color: bool,
    store: Path | None,
    config: Path | None,
) -> None:
    """Print what containers wrote: stdout to stdout, stderr to stderr, byte for byte as `docker logs` does.

    It answers from the store: after rotation and after `docker rm` too. Of several containers with the same name a NAME means
    the newest. With several names, a glob (quote it) or --all, lines are merged by time, each behind its container's name.
    """
    from logagent.store.query import Filter

    if bool(containers) == everything:
        raise click.UsageError("give the name or id of a container, several, or --all")
    words = containers or ("*",)
    asked = Filter(since, until, None if tail < 0 else tail, stream, grep)
    prefix = len(words) > 1 or any(c in word for word in words for c in "*?[")
    look = Look(timestamps, as_json, prefix, not no_color and not os.environ.get("NO_COLOR"))
    context.exit(_print(_store(store, config), words, asked, look, follow=follow))


def _store(store: Path | None, config: Path | None) -> Path:
    if store is not None:
        return store
    from logagent.config.load import load
    from logagent.config.places import store_path

    return store_path(load(config).store.path, os.environ, os.geteuid())


def _print(folder: Path, words: tuple[str, ...], asked: "Filter", look: Look, *, follow: bool) -> int:
    from logagent.cli.printer import Outlet
    from logagent.store.query import Query

    gc.set_threshold(CYCLES)
    query = Query(folder, words, asked)
    outlet = Outlet(sys.stdout.buffer, sys.stderr.buffer)
    writer, told = _writer(outlet, look), False
    try:
        for runs in _rounds(query, follow=follow, sleep=time.sleep):
            _write(runs, query, writer, outlet)
            told = told or _tell(query.lost)
    except BrokenPipeError:
        _discard()
    except KeyboardInterrupt:
        return Exit.OK if follow else INTERRUPTED
    finally:
        query.close()
    return Exit.STORE if query.lost.damaged else Exit.OK


def _rounds(query: "Query", *, follow: bool, sleep: Callable[[float], None]) -> Iterator["Iterator[Run]"]:
    yield query.history()
    for poll in count():
        if not follow or (poll % POLLS_TO_END == 0 and query.ended(time.time(), GRACE)):
            return
        sleep(POLL)
        yield query.news()


def _writer(outlet: "Outlet", look: Look) -> "Plain | Prefixed | Json":
    from logagent.cli.printer import Json, Plain, Prefixed

    if look.json:
        return Json(outlet)
    if not look.prefix:
        return Plain(outlet, timestamps=look.timestamps)
    colours = (look.colour and sys.stdout.isatty(), look.colour and sys.stderr.isatty())
    return Prefixed(outlet, timestamps=look.timestamps, colours=colours)


def _write(runs: "Iterator[Run]", query: "Query", writer: "Plain | Prefixed | Json", outlet: "Outlet") -> None:
    writer.name(query.chosen)
    flushed = time.monotonic()
    for known, lines in runs:
        writer.write(known, lines)
        if time.monotonic() - flushed > LATENCY:
            outlet.flush()
            flushed = time.monotonic()
    outlet.flush()


def _tell(lost: "Lost") -> bool:
    """Say what could not be shown; tells whether there was anything."""
    if lost.removed_lines or lost.removed_frames:
        frames = f" and {lost.removed_frames} frames of all containers" if lost.removed_frames else ""
        click.echo(
            f"logagent: {lost.removed_lines} lines{frames} were removed by the store's limits before they could be shown; "
            "raise store.max_size or store.max_age to keep lines longer",
            err=True,
        )
    if lost.damaged:
        click.echo(f"logagent: {lost.damaged_lines} lines are not shown: damaged {lost.damaged}", err=True)
    return bool(lost.removed_lines or lost.removed_frames or lost.damaged)


def _discard() -> None:
    """Send to nowhere what the interpreter still wants to flush at its end: its reader is gone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BrokenPipeError):
            stream.flush()
            continue
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
