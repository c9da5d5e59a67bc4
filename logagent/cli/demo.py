"""`logagent demo`: the real agent on a small simulated Docker host, for a first look without Docker."""

import os
import shlex
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from logagent.errors import Exit, Failure

if TYPE_CHECKING:
    from logagent.agent import Agent

STEP = 0.05  # seconds between two steps of the simulated host

_EPILOG = """\b
Settings of file and environment play no part here. The simulated containers and, without --store, the
store lie in a temporary folder that is removed at the end.

\b
Exit statuses:
  0  stopped as asked
  2  wrong usage
  4  the folder given with --store cannot be used, or is not empty
"""

_TEXT = """\
This is a demo: a simulated Docker host with {containers} containers that print about 50 lines a second.
The real agent reads their log files, as it would read Docker's, and stores every line in
  {store}
Try in a second terminal:
  {command} logs web-1 -f --store {store}
  {command} logs --all -n 5 --grep ERROR --store {store}
  {command} status --store {store}
  curl {url}/metrics
Ctrl-C ends it{removed}."""


@click.command(epilog=_EPILOG)
@click.option(
    "--store",
    type=click.Path(path_type=Path),
    help="Keep the store in this new folder; else it is a temporary one, removed at the end.",
)
@click.option("--duration", type=click.FloatRange(min=0), metavar="SECONDS", help="Stop after so many seconds.")
def demo(store: Path | None = None, duration: float | None = None) -> None:
    """Show how it works on a simulated Docker host: no Docker, no settings, no rights needed."""
    from logagent.cli import ownlog

    ownlog.set_up("warning", "text")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="logagent-demo-"))
        kept = _new(store) if store else Path(folder, "store")
        stack.enter_context(_host(f"{folder}/docker", stop))
        agent = _agent(f"{folder}/docker", kept)
        stack.callback(agent.stop)
        agent.start()
        click.echo(_introduction(agent, kept=bool(store)))
        _show(agent, stop, duration)


@contextmanager
def _host(data_root: str, stop: threading.Event) -> Iterator[None]:
    """Let the simulated host print its lines until the context ends."""
    from logagent.demo.host import SimulatedHost

    host, over = SimulatedHost(data_root, time.time()), threading.Event()

    def print_lines() -> None:
        while not over.wait(STEP):
            host.step(time.time())

    thread = threading.Thread(target=print_lines, name="demo-host", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        over.set()
        thread.join()
        host.close()


def _agent(data_root: str, store: Path) -> "Agent":
    """Build the agent; where the usual port is taken, it gets a free one."""
    from logagent.cli.run import build
    from logagent.config.settings import Settings

    given = {
        "data_root": data_root,
        "host_name": "demo",
        "engine": {"enabled": "off"},
        "store": {"path": str(store), "max_size": "100MB", "segment_size": "8MB", "frame_time": 0.5, "min_free": 0},
    }
    try:
        return build(Settings.model_validate(given))
    except Failure as failure:
        if failure.status != Exit.NETWORK:
            raise
    return build(Settings.model_validate({**given, "web": {"port": _free_port()}}))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def _new(store: Path) -> Path:
    """Make sure that the demo's lines get into no store that is used otherwise. Raises Failure(STORE)."""
    try:
        if store.exists() and any(store.iterdir()):
            raise Failure(f"{store} is not empty: give the demo a new folder with --store, or none", Exit.STORE)
    except OSError as error:
        raise Failure(
            f"{store} cannot be used ({error.strerror}): give the demo a new folder with --store", Exit.STORE
        ) from error
    return store.absolute()


def _introduction(agent: "Agent", *, kept: bool) -> str:
    from logagent.demo.host import CAST

    return _TEXT.format(
        containers=len(CAST),
        store=shlex.quote(str(agent.store.folder)),
        command=_command(),
        url=agent.web_url,
        removed="" if kept else ", and removes all of it",
    )


def _command() -> str:
    """Return how the agent can be called in another terminal: by its name where that is found, else by its path."""
    called, found = os.path.abspath(sys.argv[0]), shutil.which("logagent")
    return "logagent" if found and os.path.realpath(found) == os.path.realpath(called) else shlex.quote(called)


def _show(agent: "Agent", stop: threading.Event, duration: float | None) -> None:
    from logagent.cli.table import watch_agent

    timer = threading.Timer(duration or 0, stop.set)
    timer.daemon = True
    if duration is not None:
        timer.start()
    watch_agent(agent, stop)
    timer.cancel()
