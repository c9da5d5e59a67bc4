"""`logagent test output`: try an output as the agent would use it, a line to each step, with what to do where one fails."""

import json
import secrets
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from logagent.cli.options import settings_file
from logagent.errors import Exit, Failure

if TYPE_CHECKING:
    from logagent.config.settings import Output, Settings
    from logagent.ship.elastic import Elastic
    from logagent.ship.reach import Step

_EPILOG = """\b
Exit statuses:
  0  each output can be used; a line marked note is worth reading
  2  wrong usage or settings, or no output
  5  an output cannot be used: the line says what to do
"""

PATIENCE = 10.0  # seconds that one step may take, if the output's timeout is not shorter
MARKS = {"ok": ("OK", "green"), "note": ("note", "yellow"), "failed": ("FAIL", "red")}


@click.group()
def test() -> None:
    """Try what the settings name, without collecting anything."""


@test.command(epilog=_EPILOG)
@click.argument("name", required=False)
@click.option(
    "--write",
    "writing",
    is_flag=True,
    help="Also write one event into a data stream of its own, find it, and delete that stream.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object to each output.")
@settings_file
@click.pass_context
def output(context: click.Context, name: str | None, file: Path | None, *, writing: bool, as_json: bool) -> None:
    """Try the output NAME, or all: whether it is there, whom it shows to be, lets us in, and lets us write."""
    from logagent.config.load import load

    try:
        settings = load(file)
        found = [_run(settings, one, writing=writing, as_json=as_json) for one in _named(settings, name)]
    except Failure as failure:
        click.echo(str(failure), err=True)
        context.exit(failure.status)
    context.exit(Exit.OK if all(found) else Exit.NETWORK)


def _named(settings: "Settings", name: str | None) -> "list[Output]":
    names = ", ".join(output.name for output in settings.clusters)
    if not names:
        raise Failure("there is no output in the settings: give outputs a url", Exit.USAGE)
    found = [output for output in settings.clusters if name in (None, output.name)]
    if not found:
        raise Failure(f"there is no output of that name: there are {names}", Exit.USAGE)
    return found


def _run(settings: "Settings", output: "Output", *, writing: bool, as_json: bool) -> bool:
    """Try one output and print each step as it is done; tells whether none failed."""
    if not as_json:
        click.echo(output.name)
    steps = []
    for step in _steps(settings, output, writing=writing):
        steps.append(step)
        if not as_json:
            _print(step)
    well = all(step.outcome != "failed" for step in steps)
    if as_json:
        shown = [{"what": s.what, "outcome": s.outcome, "said": s.said, "advice": s.advice} for s in steps]
        click.echo(json.dumps({"output": output.name, "ok": well, "steps": shown}, ensure_ascii=False))
    return well


def _steps(settings: "Settings", output: "Output", *, writing: bool) -> "Iterator[Step]":
    from contextlib import closing

    from logagent import parts
    from logagent.ship import probe

    output = output.model_copy(update={"timeout": min(PATIENCE, output.timeout)})
    with closing(parts.elastic(output, settings)) as client:
        answering = yield from _reached(client, output.timeout)
    if not answering:
        return
    only = {"url": None, "cloud_id": None, "urls": tuple(answering)}
    with closing(parts.elastic(output.model_copy(update=only), settings)) as client:
        well = True
        for step in probe.probe(client):
            yield step
            well = well and step.outcome != "failed"
        if writing and well:
            yield from probe.write(client, secrets.token_hex(4), time.time())


def _reached(client: "Elastic", timeout: float) -> "Generator[Step, None, list[str]]":
    """Try each host by itself; returns those that can be reached."""
    from dataclasses import replace

    from logagent.ship.reach import reach

    answering = []
    for address in client.addresses:
        named = f" ({address})" if len(client.addresses) > 1 else ""
        outcomes = []
        for step in reach(address, client.tls, timeout, time.time()):
            outcomes.append(step.outcome)
            yield replace(step, said=f"{step.said}{named}")
        answering += [str(address)] * ("failed" not in outcomes)
    return answering


def _print(step: "Step") -> None:
    mark, colour = MARKS[step.outcome]
    click.echo(f"  {step.what:<15} {click.style(f'{mark:<4}', fg=colour)}  {step.said}")
    if step.advice:
        click.echo(f"  {'':<21} {step.advice}")
