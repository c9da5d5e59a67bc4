"""`logagent replay`: what is stored sent once more to an output, or to another server, under the ids that it always had."""

import os
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from logagent.cli.resending import chosen_output, send, summary
from logagent.cli.times import parse_time
from logagent.errors import Exit, Failure

if TYPE_CHECKING:
    from logagent.config.settings import Output, Settings
    from logagent.ship.replay import Lost, Replay

RATE = 5000  # events in a second: what a small cluster takes beside its other work

EPILOG = """\b
Times: an age (10m, 1h30m), a date or time with or without zone (2026-11-24, 2026-11-24T01:48:18.5Z),
unix seconds; both ends are included. It may be used while the agent runs, and changes nothing in the
store: an output's position and its dead letters stay as they are. An index that has an event already
says so and keeps one of it; so it may be interrupted and begun anew at any time.

\b
Exit statuses:
  0    everything was sent, and is there
  1    some events were refused or could not be read, or there is nothing to be sent
  2    wrong usage or settings
  4    the store cannot be read
  5    the output could not be reached, or did not let us in: not everything was sent
  130  interrupted
"""


def _time(text: str) -> int:
    try:
        return parse_time(text, time.time_ns())
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command(epilog=EPILOG)
@click.option("--since", type=_time, metavar="TIME", help="Only events of this time and later.")
@click.option("--until", type=_time, metavar="TIME", help="Only events up to this time.")
@click.option(
    "--container", "containers", multiple=True, metavar="NAME|ID|GLOB", help="Only of these; may be given again."
)
@click.option(
    "--output", metavar="NAME", help="The output of the settings to send to; not needed when there is one only."
)
@click.option("--to", "url", metavar="URL", help="Another server to send to, instead of an output.")
@click.option(
    "--rate",
    type=click.FloatRange(min=0),
    default=RATE,
    show_default=True,
    metavar="N",
    help="Events in a second at most; 0: as fast as it goes.",
)
@click.option(
    "--store", "folder", type=click.Path(path_type=Path), help="Folder of the store; else as the settings say."
)
@click.option(
    "--config", "-c", type=click.Path(path_type=Path), help="Settings file; it names the store and the outputs."
)
@click.pass_context
def replay(
    context: click.Context,
    *,
    since: int | None,
    until: int | None,
    containers: tuple[str, ...],
    output: str | None,
    url: str | None,
    rate: float,
    folder: Path | None,
    config: Path | None,
) -> None:
    """Send stored events again: to an index that was lost or deleted, or to another cluster."""
    from logagent.config.places import store_path
    from logagent.ship.replay import Replay, Span
    from logagent.store.choose import choose
    from logagent.store.index import Index
    from logagent.store.segment import Segments

    if output is not None and url is not None:
        raise click.UsageError("--output names an output of the settings, --to another server: give one of them")
    settings, target = _whither(config, folder, output, url)
    store = store_path(settings.store.path, os.environ, os.geteuid())
    with closing(Index(store / "catalog.db")) as index:
        known = tuple(choose(containers, index.containers())) if containers else None
        span = Span(known, since, until)
        found = Replay(index, Segments(store / "segments"), span, most=max(1, int(rate)) if rate else 1 << 62)
        context.exit(_replay(found, target, settings, rate))


def _whither(config: Path | None, folder: Path | None, name: str | None, url: str | None) -> "tuple[Settings, Output]":
    from logagent.config.load import load

    flags: dict[str, Any] = {"store.path": folder}
    if url is not None:
        flags["outputs"] = [{"url": url}]
    settings = load(config, flags=flags)
    return settings, chosen_output(settings, name, "name one with --output, or give an address with --to")


def _replay(found: "Replay", output: "Output", settings: "Settings", rate: float) -> int:
    """Send it all. Returns the exit status."""
    from logagent.ship.resend import Resend

    total = found.total
    resend = Resend(found.loads(), rate=rate)
    status, why = send(resend, output, settings, total, f"Replaying to {output.name}") if total else (Exit.OK, "")
    if not why and not resend.account.sent and not found.lost.removed and not found.lost.damaged:
        raise Failure("nothing is stored of these containers and times: `logagent logs` shows what is", Exit.NO)
    click.echo(summary(output.name, resend.account, why, "It may be begun anew at any time."))
    lost = _lost(found.lost)
    for line in lost:
        click.echo(f"{output.name}: {line}")
    return max(status, Exit.NO) if lost else status


def _lost(lost: "Lost") -> list[str]:
    from logagent.cli.human import count

    told = []
    if lost.removed:
        told.append(f"{count(lost.removed, 'event')} not sent: the store let them go meanwhile.")
    if lost.damaged:
        told.append(f"{count(lost.damaged, 'event')} not sent: damaged on disk; `logagent store verify` tells where.")
    return told
