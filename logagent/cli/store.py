"""`logagent store verify`: whether the store is what its catalog says; and the catalog made anew when it was lost or is damaged."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from logagent.errors import Exit, Failure

if TYPE_CHECKING:
    from logagent.store.findings import Finding
    from logagent.store.rebuild import Rebuilt
    from logagent.store.verify import Report

_EPILOG = """\b
Every frame that the catalog has is read and compared with it; nothing is changed, and an agent may run
meanwhile. A lost catalog is made anew from the segments, a damaged one with --rebuild: the agent must be
stopped for that, and the old catalog is kept beside the new one. Then outputs get everything again, under
the same ids, so that Elasticsearch keeps one of each.

\b
Exit statuses:
  0  all is well, or the catalog was made anew
  1  problems were found: each stands on a line of its own
  2  wrong usage or settings
  4  there is no store, it cannot be read, or an agent keeps its catalog from being made anew
"""


@click.group()
def store() -> None:
    """Look after the store."""


@store.command(epilog=_EPILOG)
@click.option("--check", is_flag=True, help="Only tell, also when the catalog is lost.")
@click.option("--rebuild", "mend", is_flag=True, help="Make the catalog anew when it is damaged or wrong.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--store", "folder", type=click.Path(path_type=Path), help="Folder of the store; else as the settings say."
)
@click.option("--config", "-c", type=click.Path(path_type=Path), help="Settings file; it names the store's folder.")
@click.pass_context
def verify(
    context: click.Context, *, check: bool, mend: bool, as_json: bool, folder: Path | None, config: Path | None
) -> None:
    """Check every segment against the catalog; make a catalog that was lost anew."""
    if check and mend:
        raise click.UsageError("--check only tells, --rebuild mends: give one of them")
    try:
        report, rebuilt = _verified(_folder(folder, config), check=check, mend=mend)
    except Failure as failure:
        click.echo(str(failure), err=True)
        context.exit(failure.status)
    (_print_json if as_json else _print)(report, rebuilt)
    context.exit(Exit.NO if report.problems else Exit.OK)


def _folder(folder: Path | None, config: Path | None) -> Path:
    if folder is not None:
        return folder
    from logagent.config.load import load
    from logagent.config.places import store_path

    return store_path(load(config).store.path, os.environ, os.geteuid())


def _verified(folder: Path, *, check: bool, mend: bool) -> "tuple[Report, Rebuilt | None]":
    """Check the store, and rebuild its catalog where that is needed and wanted; the report is then of what the rebuilding found."""
    from logagent.cli.status import agent_runs
    from logagent.store.verify import condition
    from logagent.store.verify import verify as check_store

    kind = condition(folder).kind
    if (kind == "lost" and not check) or (kind == "damaged" and mend):
        return _rebuilt(folder)
    report = check_store(folder, running=agent_runs(folder))
    if mend and any(finding.mends for finding in report.problems):
        return _rebuilt(folder)
    return report, None


def _rebuilt(folder: Path) -> "tuple[Report, Rebuilt | None]":
    from logagent.store.rebuild import rebuild
    from logagent.store.verify import Report

    done = rebuild(folder)
    return Report(done.found, done.segments, done.frames, done.events), done


def _print(report: "Report", rebuilt: "Rebuilt | None") -> None:
    from logagent.cli.human import count

    for finding in report.found:
        click.echo(_sentence(finding))
    problems = count(len(report.problems), "problem") if report.problems else "no problem"
    what = [count(report.segments, "segment"), count(report.frames, "frame"), count(report.events, "event")]
    if rebuilt is None:
        well = "" if report.problems else "All is well: "
        click.echo(f"{well}{', '.join(what)} checked: {problems}.")
        return
    click.echo(
        f"The catalog was made anew from {', '.join([*what, count(rebuilt.containers, 'container')])}: {problems}."
    )
    if rebuilt.aside:
        click.echo(f"The old one is kept as {rebuilt.aside}.")
    click.echo(
        "Reading goes on behind the newest stored line of each container; outputs get everything again, under the same ids."
    )


def _sentence(finding: "Finding") -> str:
    from logagent.cli.human import clean

    where = f"segment {finding.segment}" if finding.segment else "catalog"
    where += f", frame {finding.frame}" if finding.frame else ""
    return clean(f"{'' if finding.fault else 'note: '}{where}: {finding.what}. What to do: {finding.advice}")


def _print_json(report: "Report", rebuilt: "Rebuilt | None") -> None:
    made = rebuilt and {"containers": rebuilt.containers, "old_catalog": rebuilt.aside or None}
    value = {
        "healthy": not report.problems,
        "problems": len(report.problems),
        "segments": report.segments,
        "frames": report.frames,
        "events": report.events,
        "found": [asdict(finding) for finding in report.found],
        "rebuilt": made,
    }
    click.echo(json.dumps(value, ensure_ascii=False))
