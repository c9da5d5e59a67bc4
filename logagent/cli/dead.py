"""`logagent dead`: the documents that outputs refused for good: why, what they are, sent again once the cause is mended, or let go."""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from logagent.cli import letter as look
from logagent.cli.human import clean, count
from logagent.cli.resending import INTERRUPTED, chosen_output, send, summary
from logagent.errors import Exit, Failure
from logagent.store.letters import Choice, Letters

if TYPE_CHECKING:
    from logagent.config.settings import Settings
    from logagent.model import DeadLetter

_STATUSES = """\b
Exit statuses:
  0    done
  1    there are no such dead letters; with replay: some were refused again
  2    wrong usage or settings
  4    the store cannot be used
  5    with replay: an output could not be reached, or did not let us in
  130  interrupted
"""
_BESIDE = "It may be used while the agent runs.\n\n" + _STATUSES

output_option = click.option("--output", metavar="NAME", help="Only those of this output.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
store_option = click.option(
    "--store", "folder", type=click.Path(path_type=Path), help="Folder of the store; else as the settings say."
)
config_option = click.option(
    "--config",
    "-c",
    type=click.Path(path_type=Path),
    help="Settings file; it names the store's folder and the outputs.",
)


@click.group(epilog=_BESIDE)
def dead() -> None:
    """Look at, send again or let go the documents that an output refused for good."""


@dead.command("list", epilog=_BESIDE)
@output_option
@click.option("--all", "-a", "each", is_flag=True, help="One line for each, not for each kind.")
@json_option
@store_option
@config_option
@click.pass_context
def list_(
    context: click.Context, *, output: str | None, each: bool, as_json: bool, folder: Path | None, config: Path | None
) -> None:
    """Say what was refused: by output and reason, how many, when first and last."""
    with _opened(folder, config) as letters:
        choice = Choice(output)
        if each:
            _print(look.one_a_line(letters, choice, as_json=as_json))
        elif as_json:
            _print(look.group_json(group) for group in letters.groups(choice))
        else:
            _print(look.summary(letters.groups(choice), letters.trimmed()))
    context.exit(Exit.OK)


@dead.command(epilog=_BESIDE)
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@output_option
@store_option
@config_option
@click.pass_context
def show(
    context: click.Context, *, ids: tuple[str, ...], output: str | None, folder: Path | None, config: Path | None
) -> None:
    """Print why a document was refused, and the document."""
    found = 0
    with _opened(folder, config) as letters:
        for page in letters.pages(Choice(output, ids)):
            found += len(page)
            _print(map(look.page, page))
    if not found:
        raise Failure(f"no dead letter {ids[0]!r}: `logagent dead list --all` lists them", Exit.NO)
    context.exit(Exit.OK)


@dead.command(epilog=_BESIDE)
@click.argument("ids", nargs=-1, metavar="[ID...]")
@output_option
@click.option(
    "--fold", "folded", is_flag=True, help="Send labels and parsed fields as one text, which no mapping can refuse."
)
@store_option
@config_option
@click.pass_context
def replay(
    context: click.Context,
    *,
    ids: tuple[str, ...],
    output: str | None,
    folded: bool,
    folder: Path | None,
    config: Path | None,
) -> None:
    """Send dead letters again to the output that refused them, under the same ids: after the mapping was mended.

    What is delivered now counts as delivered; what is refused again stays, with the new reason. Without IDs all are sent.
    """
    settings = _settings(folder, config)
    with _opened(folder, config, change=True) as letters:
        choice = Choice(output, ids or None)
        groups = letters.groups(choice)
        if not groups:
            raise Failure("there are no such dead letters: `logagent dead list` tells what there is", Exit.NO)
        status = 0
        for name in dict.fromkeys(group.output for group in groups):
            status = max(status, _replay(letters, Choice(name, choice.ids), settings, folded=folded))
            if status == INTERRUPTED:
                break
    context.exit(status)


@dead.command(epilog=_BESIDE)
@click.argument("ids", nargs=-1, metavar="[ID...]")
@output_option
@click.option("--all", "-a", "every", is_flag=True, help="All of them.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@store_option
@config_option
@click.pass_context
def drop(
    context: click.Context,
    *,
    ids: tuple[str, ...],
    output: str | None,
    every: bool,
    yes: bool,
    folder: Path | None,
    config: Path | None,
) -> None:
    """Let dead letters go for good; they count as dropped then."""
    if bool(ids or output) == every:
        raise click.UsageError("give IDs or --output NAME, or else --all")
    choice = Choice(output, ids or None)
    with _opened(folder, config, change=True) as letters:
        number = sum(group.count for group in letters.groups(choice))
        if not number:
            raise Failure("there are no such dead letters: `logagent dead list` tells what there is", Exit.NO)
        if not yes:
            click.confirm(f"Let {count(number, 'dead letter')} go for good?", abort=True, err=True)
        click.echo(f"{count(letters.drop(choice), 'dead letter')} dropped.")
    context.exit(Exit.OK)


def _settings(folder: Path | None, config: Path | None) -> "Settings":
    from logagent.config.load import load

    return load(config, flags={"store.path": folder})


@contextmanager
def _opened(folder: Path | None, config: Path | None, *, change: bool = False) -> Iterator[Letters]:
    """The letters of the store. Raises Failure(STORE)."""
    from logagent.config.places import store_path

    place = folder or store_path(_settings(folder, config).store.path, os.environ, os.geteuid())
    letters = Letters(place / "catalog.db", read_only=not change)
    try:
        yield letters
    except sqlite3.Error as error:
        raise Failure(
            f"the catalog {letters.path} cannot be used ({error}): check that this user may write it, and its disk",
            Exit.STORE,
        ) from error
    finally:
        letters.close()


def _replay(letters: Letters, choice: Choice, settings: "Settings", *, folded: bool) -> int:
    """Send the chosen letters of one output again. Returns the exit status."""
    from logagent.ship.fold import fold
    from logagent.ship.resend import Load, Resend, of_letters

    name = choice.output or ""
    output = chosen_output(
        settings, name, f"drop its dead letters with `logagent dead drop --output {name}`, or add it"
    )
    total = sum(group.count for group in letters.groups(choice))

    def settle(load: Load, duplicates: int, refused: "Iterable[DeadLetter]") -> None:
        still = list(refused)
        failed = {letter.id for letter in still}
        letters.settle(name, [each.id for each in load.letters if each.id not in failed], duplicates, still)

    pages = letters.pages(choice)
    resend = Resend(of_letters(pages, fold) if folded else of_letters(pages), settle=settle)
    status, why = send(resend, output, settings, total, f"Replaying dead letters to {name}")
    click.echo(look.clean_lines(summary(name, resend.account, why, "What was not sent is still a dead letter.")))
    lost = 0 if why else total - resend.account.sent
    if lost > 0:
        click.echo(
            clean(f"{name}: {count(lost, 'dead letter')} cannot be sent: nothing is kept of them but the reason.")
        )
    return max(status, Exit.NO) if lost > 0 else status


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)
