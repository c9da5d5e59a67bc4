"""`logagent run`: the agent, in the foreground, until it is told to stop."""

import gc
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from logagent.cli.options import settings_file
from logagent.errors import Exit, Failure

if TYPE_CHECKING:
    from logagent.agent import Agent
    from logagent.config.settings import Settings

EPILOG = """\b
Exit statuses:
  0  stopped as asked; with --once: everything was delivered
  1  with --once: stopped before everything was delivered
  2  wrong usage or settings: every problem is listed
  3  Docker's data root is not there or cannot be read
  4  the store cannot be used: not writable, in use, damaged, or of a newer version
  5  the metrics port is taken; with --once: an output did not take everything
"""


@click.command(epilog=EPILOG)
@settings_file
@click.option(
    "--data-root",
    type=click.Path(path_type=Path),
    help="Docker's data root; else what the engine says, else /var/lib/docker.",
)
@click.option("--store", type=click.Path(path_type=Path), help="The store's folder.")
@click.option(
    "--output",
    "outputs",
    multiple=True,
    metavar="URL",
    help="Elasticsearch or OpenSearch to ship to, - for stdout; may be given again.",
)
@click.option("--once", is_flag=True, help="Collect everything that is there now, deliver it, and exit.")
@click.option("--or-demo", is_flag=True, help="Where there is no Docker that can be read, say so and run the demo.")
@click.pass_context
def run(
    context: click.Context,
    file: Path | None,
    data_root: Path | None,
    store: Path | None,
    outputs: tuple[str, ...],
    *,
    once: bool,
    or_demo: bool,
) -> None:
    """Collect, store and ship the logs of this host's containers."""
    from logagent.cli import ownlog

    gc.disable()  # imports make objects that stay: looking through them is a tenth of the start
    settings = load_settings(file, data_root=data_root, store=store, outputs=outputs)
    ownlog.set_up(settings.log.level, settings.log.format)
    try:
        agent = build(settings)
    except Failure as failure:
        if not or_demo or failure.status != Exit.HOST:
            raise
        from logagent.cli.demo import demo

        click.echo(f"{failure}. Running the demo instead.", err=True)
        gc.enable()
        context.invoke(demo)
        return
    gc.freeze()
    gc.enable()
    run_once(agent) if once else run_on(agent)


def load_settings(
    file: Path | None, *, data_root: Path | None = None, store: Path | None = None, outputs: tuple[str, ...] = ()
) -> "Settings":
    """Read the settings with the flags over them. Raises Failure(USAGE) with all problems."""
    from logagent.config.load import load

    flags: dict[str, Any] = {"data_root": data_root, "store.path": store}
    if outputs:
        flags["outputs"] = [{"type": "stdout"} if url == "-" else {"url": url} for url in outputs]
    return load(file, flags=flags)


def build(settings: "Settings") -> "Agent":
    """Build the agent. Raises Failure when this host, the store or an address cannot be used."""
    import resource

    from logagent.agent import Agent

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # each container needs an open file
    return Agent(settings)


def run_once(agent: "Agent") -> None:
    """Collect and deliver what is there. Raises Failure when not everything was delivered."""
    from logagent.agent import failure_of

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: agent.halt())
    if not agent.run_once():
        raise failure_of(agent)


def run_on(agent: "Agent") -> None:
    """Run until SIGINT or SIGTERM: with a live table on a terminal, with nothing but our own log's lines elsewhere."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    agent.start()
    free = all(output.type != "stdout" for output in agent.settings.outputs)
    try:
        if free and sys.stdout.isatty():
            from logagent.cli.table import watch_agent

            watch_agent(agent, stop)
        else:
            stop.wait()
    finally:
        agent.stop()
