"""The command line: one module per verb, imported when it is asked for, so that none pays for another's libraries.

What ends a command is a `Failure`: its sentence goes to stderr, its status is the exit status.
"""

import importlib
import sys
from typing import NoReturn

import click

from logagent import __version__
from logagent.errors import Failure

VERBS = ("run", "demo", "check", "test", "setup", "status", "logs", "store", "dead", "replay")

EPILOG = """\b
Exit statuses:
  0  done
  1  the command ran and the answer is no: not everything delivered, nothing found, something needs attention
  2  wrong usage or settings
  3  this host's Docker or its files cannot be read
  4  the store cannot be used
  5  an address or an output cannot be used
"""


class Verbs(click.Group):
    """The verbs, each loaded from its module when it is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the verbs in the order in which a newcomer needs them."""
        del ctx
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load the verb `cmd_name`; None when there is none."""
        del ctx
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"logagent.cli.{cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        return command


@click.command(cls=Verbs, epilog=EPILOG)
@click.version_option(__version__, prog_name="logagent")
def group() -> None:
    """Collect the logs of this host's Docker containers: each line once, stored, searchable, shipped to Elasticsearch."""


def main() -> NoReturn:
    """Run the command; what ends it with a sentence is printed without a trace."""
    try:
        group(prog_name="logagent")
    except Failure as failure:
        print(f"logagent: {failure}", file=sys.stderr)
        sys.exit(failure.status)
    sys.exit(0)
