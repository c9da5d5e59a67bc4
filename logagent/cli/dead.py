"""`logagent dead`: the documents that outputs refused for good: why, what they are, sent again once the cause is mended, or let go."""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from logagent.errors import Exit, Failure

if TYPE_CHECKING:
    from logagent.config.settings import Settings
    from logagent.model import DeadLetter
    from logagent.store.letters import Choice, Group, Letters

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
    from logagent.store.letters import Choice

    with _opened(folder, config) as letters:
        choice = Choice(output)
        if each:
            _print(_lines(letters, choice, as_json=as_json))
        elif as_json:
            _print(_as_json(group) for group in letters.groups(choice))
        else:
            _print(_summary(letters.groups(choice), letters.trimmed()))
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
    from logagent.store.letters import Choice

    found = 0
    with _opened(folder, config) as letters:
        for page in letters.pages(Choice(output, ids)):
            found += len(page)
            _print(map(_page, page))
    if not found:
        raise Failure(f"no dead letter {ids[0]!r}: `logagent dead list --all` lists them", Exit.NO)
    context.exit(Exit.OK)


@dead.command(epilog=_BESIDE)
@click.argument("ids", nargs=-1, metavar="[ID...]")
@output_option
@store_option
@config_option
@click.pass_context
def replay(
    context: click.Context, *, ids: tuple[str, ...], output: str | None, folder: Path | None, config: Path | None
) -> None:
    """Send dead letters again to the output that refused them, under the same ids: after the mapping was mended.

    What is delivered now counts as delivered; what is refused again stays, with the new reason. Without IDs all are sent.
    """
    from logagent.store.letters import Choice

    settings = _settings(folder, config)
    with _opened(folder, config, change=True) as letters:
        choice = Choice(output, ids or None)
        groups = letters.groups(choice)
        if not groups:
            raise Failure("there are no such dead letters: `logagent dead list` tells what there is", Exit.NO)
        names = dict.fromkeys(group.output for group in groups)
        statuses = [_replay(letters, Choice(name, choice.ids), settings) for name in names]
    context.exit(max(statuses))


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
    from logagent.cli.human import count
    from logagent.store.letters import Choice

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
def _opened(folder: Path | None, config: Path | None, *, change: bool = False) -> "Iterator[Letters]":
    """The letters of the store. Raises Failure(STORE)."""
    from logagent.config.places import store_path
    from logagent.store.letters import Letters

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


def _replay(letters: "Letters", choice: "Choice", settings: "Settings") -> int:
    """Send the chosen letters of one output again. Returns the exit status."""
    from logagent.cli.human import clean, count
    from logagent.cli.resending import chosen_output, send, summary
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

    resend = Resend(of_letters(letters.pages(choice)), settle=settle)
    status, why = send(resend, output, settings, total, f"Replaying dead letters to {name}")
    click.echo(clean_lines(summary(name, resend.account, why, "What was not sent is still a dead letter.")))
    lost = 0 if why else total - resend.account.sent
    if lost > 0:
        click.echo(
            clean(f"{name}: {count(lost, 'dead letter')} cannot be sent: nothing is kept of them but the reason.")
        )
    return max(status, Exit.NO) if lost > 0 else status


def clean_lines(text: str) -> str:
    """Each line as it may be shown on a terminal."""
    from logagent.cli.human import clean

    return "\n".join(map(clean, text.splitlines()))


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


def _summary(groups: "list[Group]", trimmed: int) -> Iterator[str]:
    from logagent.cli.human import clean, count, size

    for group in groups:
        spans = f"first {_time(group.first)}, last {_time(group.last)}"
        yield clean(f"{group.output}: {count(group.count, 'event')} refused with {group.status} {group.kind}".rstrip())
        yield clean(f"  {spans}, {size(group.bytes)}; the newest: {group.reason}")
    if not groups:
        yield "There are no dead letters."
    if trimmed:
        yield f"{count(trimmed, 'older one')} let go before, to keep within dead_letters.max_size."


def _lines(letters: "Letters", choice: "Choice", *, as_json: bool) -> Iterator[str]:
    from logagent.cli.human import clean

    for page in letters.pages(choice):
        for letter in page:
            if as_json:
                yield _as_json_letter(letter)
            else:
                yield clean(f"{letter.id}  {letter.output}  {_time(letter.time)}  {letter.status} {letter.reason}")


def _page(letter: "DeadLetter") -> str:
    head = {
        "id": letter.id,
        "output": letter.output,
        "refused": _time(letter.time),
        "status": letter.status or "none",
        "reason": letter.reason,
        "target": _target(letter.document) or "the output's own",
    }
    lines = [f"{key + ':':10}{value}" for key, value in head.items()]
    document = _document(letter.document)
    text = json.dumps(document, indent=2, ensure_ascii=False) if document is not None else "(it could not be read)"
    return clean_lines("\n".join([*lines, *text.splitlines(), ""]))


def _as_json(group: "Group") -> str:
    return json.dumps(
        {
            "output": group.output,
            "status": group.status,
            "kind": group.kind,
            "count": group.count,
            "bytes": group.bytes,
            "first": group.first,
            "last": group.last,
            "reason": group.reason,
        },
        ensure_ascii=False,
    )


def _as_json_letter(letter: "DeadLetter") -> str:
    return json.dumps(
        {
            "id": letter.id,
            "output": letter.output,
            "time": letter.time,
            "status": letter.status,
            "reason": letter.reason,
            "target": _target(letter.document),
            "document": _document(letter.document),
        },
        ensure_ascii=False,
    )


def _document(pair: bytes) -> Any:
    try:
        return json.loads(pair.partition(b"\n")[2])
    except ValueError:
        return None


def _target(pair: bytes) -> str | None:
    """The data stream that the action names, None where it names none."""
    try:
        index = json.loads(pair.partition(b"\n")[0])["create"].get("_index")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return index if isinstance(index, str) else None


def _time(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, OSError, ValueError):
        return f"{seconds:.0f}"
