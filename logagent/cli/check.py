"""`logagent check`: judge the settings without running anything, print the effective ones, or their JSON Schema."""

import json
import os
from pathlib import Path

import click

from logagent.cli.options import settings_file
from logagent.errors import Failure

_EPILOG = """\b
Exit statuses:
  0  the settings are valid
  2  they are not: every problem stands on a line of its own on stderr
"""


@click.command(epilog=_EPILOG)
@settings_file
@click.option("--print", "printed", is_flag=True, help="Print the effective settings as YAML, secrets hidden.")
@click.option(
    "--schema", "schema_only", is_flag=True, help="Print the JSON Schema of the settings file, and judge nothing."
)
@click.pass_context
def check(context: click.Context, file: Path | None, *, printed: bool, schema_only: bool) -> None:
    """Check the settings of file and environment, and tell all problems at once."""
    if schema_only:
        _print_schema()
        return
    try:
        _check(file, printed=printed)
    except Failure as failure:
        click.echo(str(failure), err=True)
        context.exit(failure.status)


def _print_schema() -> None:
    from logagent.config.show import schema

    click.echo(json.dumps(schema(), indent=2, ensure_ascii=False))


def _check(file: Path | None, *, printed: bool) -> None:
    """Raise Failure when the settings are not valid."""
    from logagent.config.load import DEFAULT_FILE, load, settings_file
    from logagent.config.show import dump

    settings = load(file)
    used = settings_file(file, os.environ)
    # With --print, stdout is a settings file: the verdict goes where it does not disturb.
    click.echo(f"settings are valid: {used or f'defaults and environment (no {DEFAULT_FILE})'}", err=printed)
    if printed:
        click.echo(dump(settings), nl=False)
