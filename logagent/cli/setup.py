"""`logagent setup`: what the outputs need on their servers, told, and made; `setup export`: the same as files.

The plan is printed before anything is made, and is what is then made: what a server refuses is planned for again without it,
and told as well. Nothing that logagent did not make is changed.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from logagent.cli.options import settings_file
from logagent.errors import Exit, Failure

if TYPE_CHECKING:
    from logagent.config.settings import Output, Settings
    from logagent.ship.changes import Change, Wanted
    from logagent.ship.elastic import Elastic
    from logagent.ship.flavor import Server
    from logagent.ship.setup import Done, View

_EPILOG = """\b
Exit statuses:
  0  everything is there, or was made; with --dry-run: or can be
  1  something that is wanted is not there and was not made: its line says why
  2  wrong usage or settings, no output, or an export would overwrite another file
  5  an output cannot be reached, refuses the credentials, or has no data streams
"""


@click.group(epilog=_EPILOG, invoke_without_command=True)
@settings_file
@click.option("--output", "name", metavar="NAME", help="Only the output of this name.")
@click.option("--dry-run", is_flag=True, help="Print what would be made, and make nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, with the bodies of the requests.")
@click.pass_context
def setup(context: click.Context, file: Path | None, name: str | None, *, dry_run: bool, as_json: bool) -> None:
    """Make the index template, and what sees to the retention, on each output's server."""
    if context.invoked_subcommand is not None:
        return
    from logagent.cli.run import load_settings

    settings = load_settings(file)
    reports, failures = [], []
    for output in _outputs(settings, name):
        try:
            reports.append(_set_up(output, settings, dry_run=dry_run, quiet=as_json))
        except Failure as failure:  # it must not keep the others from being set up
            failures.append(failure)
    if as_json:
        click.echo(json.dumps({"outputs": [report for report, _ in reports]}, ensure_ascii=False))
    if failures:
        raise Failure("; ".join(map(str, failures)), failures[0].status)
    context.exit(Exit.OK if all(well for _, well in reports) else Exit.NO)


@setup.command(epilog="The files are those of the project's config/ folder, for the data stream of the settings.")
@settings_file
@click.option(
    "--flavor",
    type=click.Choice(["elasticsearch", "opensearch"]),
    default="elasticsearch",
    show_default=True,
    help="Which server they are for.",
)
@click.option("--version", "number", metavar="VERSION", help="The server's version, such as 8.15; else a current one.")
@click.option("--retention", metavar="DURATION", help="How long documents are kept; else as the first output says.")
@click.option("--force", is_flag=True, help="Overwrite files that have other contents.")
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path, file_okay=False), default=".")
@click.pass_context
def export(
    context: click.Context,
    file: Path | None,
    folder: Path,
    *,
    flavor: str,
    number: str | None,
    retention: str | None,
    force: bool,
) -> None:
    """Write what setup would make to files in DIR, for those who apply them themselves."""
    from logagent import parts
    from logagent.cli.run import load_settings
    from logagent.ship.changes import Wanted

    settings = load_settings(file or (context.parent.params["file"] if context.parent else None))
    wanted = Wanted(parts.stream(settings), _retention(settings, retention))
    _export(wanted, _server(flavor, number), folder, force=force)


def _outputs(settings: "Settings", name: str | None) -> "list[Output]":
    """The outputs that are meant. Raises Failure(USAGE) when there is none."""
    found = [output for output in settings.clusters if name in (None, output.name)]
    if not found:
        names = ", ".join(output.name for output in settings.clusters)
        what = f"no output is named {name}: there are {names}" if names else "no output is configured: give outputs"
        raise Failure(what, Exit.USAGE)
    return found


def _set_up(output: "Output", settings: "Settings", *, dry_run: bool, quiet: bool) -> tuple[dict[str, Any], bool]:
    """See to one output. Gives what `--json` prints of it, and whether all is well."""
    from logagent import parts
    from logagent.ship.changes import Wanted
    from logagent.ship.setup import Done, look, set_up

    say = _silent if quiet else click.echo
    client = parts.elastic(output, settings)
    wanted = Wanted(client.data_stream, output.retention)
    if output.index is not None:
        say(f"{client.url}, for {output.index}: nothing is made for a plain index, only for data streams")
        return _report(output, client, None, [], dry_run=dry_run), output.retention is None
    try:
        with _failing(output, client):
            view = look(client, wanted)
            plan = view.plan(wanted)
            _print_plan(client, view, plan, say)
            done = [Done(change) for change in plan]
            if not dry_run and not all(change.skipped for change in plan):
                done = set_up(client, wanted)
                _print_done(done, say)
    finally:
        client.close()
    return _report(output, client, view, done, dry_run=dry_run), not any(one.wrong for one in done)


@contextmanager
def _failing(output: "Output", client: "Elastic") -> Iterator[None]:
    """Make a server that cannot be set up at all a Failure(NETWORK)."""
    from logagent.ship.bulk import Fault
    from logagent.ship.elastic import Unreachable
    from logagent.ship.setup import Unsettled

    try:
        yield
    except Unreachable as error:
        raise Failure(f"output {output.name}: {error}: check its url, and that the server runs", Exit.NETWORK) from None
    except Unsettled as error:
        verdict = error.verdict
        advice = verdict.advice if isinstance(verdict, Fault) else "Try again later"
        raise Failure(f"output {output.name}: {client.url} answered {verdict.reason}. {advice}", Exit.NETWORK) from None


def _print_plan(client: "Elastic", view: "View", plan: "tuple[Change, ...]", say: Callable[[str], None]) -> None:
    from logagent.cli.human import clean

    say(clean(f"{client.url} ({view.server}), for {client.data_stream}:"))
    for change in plan:
        say(clean(f"  {change.action:6}  {change.what}: {change.reason}"))
        if not change.skipped:
            say(clean(f"          {change.method} {change.path}"))


def _print_done(done: "list[Done]", say: Callable[[str], None]) -> None:
    from logagent.cli.human import clean

    for one in done:
        if one.problem:
            say(clean(f"  FAILED  {one.change.what}: {one.problem}"))
        elif not one.change.skipped:
            without = f", without {', '.join(one.without)}: the server has no such thing" if one.without else ""
            say(clean(f"  {one.change.action + 'd':7} {one.change.what}{without}"))


def _silent(text: str) -> None:
    del text


def _report(
    output: "Output", client: "Elastic", view: "View | None", done: "list[Done]", *, dry_run: bool
) -> dict[str, Any]:
    server = view.server if view else None
    return {
        "name": output.name,
        "url": client.url,
        "distribution": (server and server.distribution) or None,
        "version": ".".join(map(str, server.version)) if server and any(server.version) else None,
        "data_stream": None if output.index else client.data_stream,
        "changes": [
            {
                "what": one.change.what,
                "action": one.change.action,
                "reason": one.change.reason,
                "method": one.change.method or None,
                "path": one.change.path or None,
                "body": one.change.body,
                "made": not dry_run and not one.change.skipped and not one.problem,
                "problem": one.problem or None,
                "without": list(one.without),
            }
            for one in done
        ],
    }


def _retention(settings: "Settings", given: str | None) -> float | None:
    """How many seconds documents are kept. Raises Failure(USAGE)."""
    from logagent.config.units import parse_duration

    if given is None:
        return settings.clusters[0].retention if settings.clusters else None
    try:
        return parse_duration(given)
    except ValueError as error:
        raise Failure(f"--retention: {error}", Exit.USAGE) from None


def _server(flavor: str, number: str | None) -> "Server":
    """The server that files are for. Raises Failure(USAGE)."""
    from logagent.ship.flavor import CURRENT, Server, parse_version

    version = CURRENT[flavor] if number is None else parse_version(number)
    if version is None:
        raise Failure("--version: not a version: write 8.15 or 8.15.0", Exit.USAGE)
    return Server(flavor, version)


def _export(wanted: "Wanted", server: "Server", folder: Path, *, force: bool) -> None:
    """Write the files, and say what to do with them. Raises Failure(USAGE) when they cannot be written."""
    from logagent.ship import changes
    from logagent.ship.flavor import features
    from logagent.ship.found import NOTHING

    plan = changes.plan(wanted, server, NOTHING, features(server))
    if wrong := [f"{change.what}: {change.reason}" for change in plan if change.wrong]:
        raise Failure("; ".join(wrong), Exit.USAGE)
    texts = {folder / f"{file_name(change)}.json": change for change in plan}
    if other := [str(path) for path, change in texts.items() if not force and _differs(path, text_of(change))]:
        raise Failure(
            f"{', '.join(other)}: there already, with other contents: give --force or another folder", Exit.USAGE
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, change in texts.items():
            path.write_text(text_of(change), encoding="utf-8")
            click.echo(f"{path}: for {change.method} {change.path}")
    except OSError as error:
        raise Failure(f"{error.filename}: cannot be written ({error.strerror})", Exit.USAGE) from None


def file_name(change: "Change") -> str:
    """What the file of a change is called: `index-template`, `ilm-policy`, `ism-policy`."""
    return "-".join(change.what.lower().split()[:2])


def text_of(change: "Change") -> str:
    """The contents of the file of a change."""
    return json.dumps(change.body, indent=2, ensure_ascii=False) + "\n"


def _differs(path: Path, text: str) -> bool:
    return path.exists() and (not path.is_file() or path.read_text(encoding="utf-8", errors="replace") != text)
