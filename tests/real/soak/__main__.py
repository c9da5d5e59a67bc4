"""`python -m tests.real.soak`: a soak on servers of its own, started for it and ended with it."""

import random
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import click

from tests.real.servers.dockerd import SUITES, Engine
from tests.real.servers.elasticsearch import Elasticsearch
from tests.real.servers.process import Unavailable
from tests.real.soak.soak import Result, Soak, table


@click.command(name="soak")
@click.option(
    "--engine", type=click.Choice(list(SUITES)), default="28.5", show_default=True, help="Version of dockerd."
)
@click.option("--minutes", type=float, default=3.0, show_default=True, help="How long containers print.")
@click.option("--seed", type=int, help="Number that all chance comes from; else a new one, which is printed.")
@click.option("--containers", type=int, default=30, show_default=True, help="How many run at the same time.")
@click.option(
    "--work",
    type=click.Path(path_type=Path),
    help="Empty folder for the agent's store and log, kept; else a temporary one.",
)
def main(engine: str, minutes: float, seed: int | None, containers: int, work: Path | None) -> None:
    """Count numbered lines of many containers through kills of the agent, outages of Elasticsearch, removals and restarts.

    Ctrl-C ends it early and counts what there is. The status is 0 when no line was lost or is there twice, every gap is counted, and
    the agent's accounts add up; 1 when not; 3 when the real servers cannot be had.
    """
    seed = random.SystemRandom().randrange(10**6) if seed is None else seed
    say(f"soak: Docker Engine {engine}, {minutes:g} minutes, {containers} containers, --seed {seed}")
    try:
        result = soak(engine, minutes, seed, containers, work)
    except Unavailable as reason:
        say(str(reason))
        sys.exit(3)
    report(result)
    sys.exit(1 if result.faults else 0)


def soak(version: str, minutes: float, seed: int, containers: int, work: Path | None) -> Result:
    """Start the servers, run it, end them."""
    with ExitStack() as stack:
        folder = work or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="logagent-soak-")))
        folder.mkdir(parents=True, exist_ok=True)
        engine = Engine(version, flags=("--live-restore",))
        stack.callback(engine.stop)
        elasticsearch = Elasticsearch()
        stack.callback(elasticsearch.remove)
        made = Soak(engine, elasticsearch, folder, seconds=minutes * 60, seed=seed, containers=containers, say=say)
        stack.callback(made.close)
        return made.run()


def report(result: Result) -> None:
    """Print the table, and what is wrong."""
    say(table(result.rows))
    for title, counts in (("deeds", result.done), ("gaps by reason", result.reasons)):
        say(f"{title}: " + (", ".join(f"{what} {n}" for what, n in sorted(counts.items())) or "none"))
    for fault in result.faults:
        say(f"WRONG  {fault}")
    say(f"{len(result.faults)} faults" if result.faults else "no line lost, none twice, every gap counted")


def say(words: str) -> None:
    """Print at once."""
    click.echo(words)
    sys.stdout.flush()


if __name__ == "__main__":
    main(prog_name="soak")
