"""`logagent status`: how far everything got, from the catalog; so also while the agent runs, and after it."""

import json
import os
import re
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from logagent.errors import Exit, Failure

if TYPE_CHECKING:
    from logagent.cli.overview import Overview
    from logagent.model import Container, Progress

_EPILOG = """\b
Lag is what a container's log files hold beyond what is stored, and how old the newest stored line then is.
Something needs attention when an output is paused (the running agent is asked for that at web.host and
web.port), when lines were lost (gaps, dropped, dead letters), when logs or undelivered events
wait although no agent runs, when they wait for more than a minute although one does, or when the store is
full to 90 % with what is not delivered.

\b
Exit statuses:
  0  all is well
  1  something needs attention: each thing stands on a line of its own
  2  wrong usage or settings
  4  there is no store, or it cannot be read
"""

_LOCK = re.compile(r"\d+: FLOCK +ADVISORY +WRITE +\S+ [0-9a-f]+:[0-9a-f]+:(\d+) ")


@click.command(epilog=_EPILOG)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object: bytes, seconds and counts.")
@click.option("--store", type=click.Path(path_type=Path), help="Folder of the store; else as the settings say.")
@click.option("--config", "-c", type=click.Path(path_type=Path), help="Settings file; it names the store's folder.")
@click.pass_context
def status(context: click.Context, *, as_json: bool, store: Path | None, config: Path | None) -> None:
    """Say whether all is well: sources and their lag, the store, and how far each output got."""
    from logagent.cli.overview import attention

    try:
        view = _view(store, config)
    except Failure as failure:
        click.echo(str(failure), err=True)
        context.exit(failure.status)
    troubles = attention(view)
    if as_json:
        _print_json(view, troubles)
    else:
        _print_table(view)
    context.exit(Exit.NO if troubles else Exit.OK)


def agent_runs(folder: Path) -> bool:
    """Tell whether an agent holds the lock of the store in `folder`, without touching it: a look must not get into an agent's way."""
    try:
        inode = (folder / "lock").stat().st_ino
        with open("/proc/locks", encoding="ascii") as file:
            return any(match and int(match[1]) == inode for match in map(_LOCK.match, file))
    except OSError:
        return False


def _view(store: Path | None, config: Path | None) -> "Overview":
    """Read the store. Raises Failure for settings that are not valid and for a store that cannot be read."""
    from dataclasses import replace

    from logagent.cli.hindrance import hindrance
    from logagent.cli.overview import overview
    from logagent.config.load import load
    from logagent.config.places import store_path
    from logagent.store.catalog import Catalog

    settings = load(config, flags={"store.path": store})
    folder = store_path(settings.store.path, os.environ, os.geteuid())
    with closing(Catalog(folder / "catalog.db", read_only=True)) as catalog:
        running, web = agent_runs(folder), settings.web
        view = overview(catalog, _lag, running=running, max_size=settings.store.max_size, now=time.time())
        asked = running and web.enabled
        return replace(view, notes=hindrance(web.host, web.port, catalog.known_agent()) if asked else ())


def _lag(container: "Container", progress: "Progress") -> int | None:
    from logagent.collect.lag import lag_bytes

    try:
        return lag_bytes(container, progress)
    except OSError:
        return None


def _print_json(view: "Overview", troubles: list[str]) -> None:
    from logagent.cli.overview import as_json

    click.echo(json.dumps(as_json(view, troubles), ensure_ascii=False))


def _print_table(view: "Overview") -> None:
    from logagent.cli.table import console, page

    console().print(page(view))
