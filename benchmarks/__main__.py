"""The command behind ./scripts/bench."""

import argparse
import dataclasses
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import agents, peers, report, scenarios, servers, targets
from benchmarks.agents import OURS, Agent
from benchmarks.scenarios import Plan, Results

PROJECT = Path(__file__).resolve().parents[1]
EPILOG = """Exit status: 0 every line was delivered once by logagent; 1 it was not, or a budget was missed with --strict;
2 wrong options. Figures are min/median over the runs; CPU and memory are of the agent with all its processes."""


def words(text: str) -> list[str]:
    """A list as one option."""
    return [word.strip() for word in text.split(",") if word.strip()]


def scenario_list(text: str) -> list[str]:
    """Scenarios by name."""
    if unknown := sorted(set(words(text)) - set(scenarios.NAMES)):
        raise argparse.ArgumentTypeError(f"no scenario {unknown[0]!r}; there are {', '.join(scenarios.NAMES)}")
    return words(text)


def positive(text: str) -> int:
    """A number from 1 on."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)


def options() -> argparse.ArgumentParser:
    """What may be said."""
    defaults = {field.name: field.default for field in dataclasses.fields(Plan)}
    plain = argparse.ArgumentDefaultsHelpFormatter
    parser = argparse.ArgumentParser("bench", description=__doc__, epilog=EPILOG, formatter_class=plain)
    add = parser.add_argument
    add("--scenarios", type=scenario_list, default=list(scenarios.NAMES), help="of one,many,idle,es")
    add("--runs", type=positive, default=defaults["runs"], help="runs of each agent in each scenario")
    add("--lines", type=positive, default=defaults["lines"], help="lines of one and many")
    add("--files", type=positive, default=defaults["files"], help="containers of many")
    add("--idle-files", type=positive, default=defaults["idle_files"], help="containers of idle")
    add("--idle-seconds", type=float, default=defaults["idle_seconds"], help="how long idle is measured")
    add("--es", metavar="URL", help="an Elasticsearch only for this; without it, the tests' own where it is installed")
    add("--es-lines", type=positive, default=defaults["es_lines"], help="lines of es")
    add("--settle", type=float, default=defaults["settle"], help="seconds in which surplus documents may still come")
    add("--agents", type=words, default=[], help="only these, such as logagent,prototype; without it, all there are")
    add("--agent", metavar="PATH", default=str(Path(sys.executable).with_name(OURS)), help="our installed command")
    add(
        "--work", type=Path, default=PROJECT / "build" / "bench", help="folder for logs, stores and states; a real disk"
    )
    add("--json", type=Path, metavar="FILE", help="also write every single run there")
    add("--strict", action="store_true", help="a missed budget is a failure")
    return parser


def chosen(binary: Path, only: list[str]) -> list[Agent]:
    """Who takes part. Ends the command where someone asked for is not here."""
    everyone = [agents.prototype(), *([agents.ours(binary)] if binary.exists() else []), *peers.present()]
    if unknown := sorted(set(only) - {agent.name for agent in everyone}):
        raise SystemExit(f"bench: no {unknown[0]!r} here; there are {', '.join(agent.name for agent in everyone)}")
    if not only:
        lacking = {**({} if binary.exists() else {OURS: f"there is no {binary}"}), **peers.absent()}
        tell("without " + "; ".join(f"{name} ({why})" for name, why in lacking.items()))
    return [agent for agent in everyone if not only or agent.name in only]


def tell(text: str) -> None:
    """Progress goes to stderr, figures to stdout."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def real_disk(folder: Path) -> None:
    """Say so where the folder lies in memory: there an fsync costs nothing."""
    device = os.stat(folder).st_dev
    mounts = (line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines())
    kinds = {row[row.index("-") + 1] for row in mounts if row[2] == f"{os.major(device)}:{os.minor(device)}"}
    if kinds & {"tmpfs", "ramfs"}:
        tell(f"{folder} is in memory ({', '.join(kinds)}): give --work a folder on a disk for figures that count")


@contextmanager
def es_for(names: list[str], url: str | None) -> Iterator[str | None]:
    """The URL for the scenario es: the one given, or a server started for the benchmark; None where there is none."""
    if "es" not in names or url:
        yield url
        return
    with servers.elasticsearch() as started:
        if started is None:
            tell("without es: no Elasticsearch is installed; give --es URL, or run scripts/install-test-servers")
        yield started


def run(names: list[str], what: Plan, taking_part: list[Agent]) -> dict[str, Results]:
    """Run the scenarios, and print each when it is done."""
    everything: dict[str, Results] = {}
    for name in names:
        tell(f"{name}: making its logs, or finding them")
        everything[name] = scenarios.measured(what, name, taking_part, tell)
        lines = scenarios.load(what, name).lines
        print("\n".join(report.lines_of(name, what.title(name), lines, everything[name])), flush=True)
    return everything


def plan(given: argparse.Namespace, work: Path, url: str | None) -> Plan:
    """The options as a plan."""
    sizes = {name: value for name, value in vars(given).items() if name in Plan.__dataclass_fields__}
    return Plan(**{**sizes, "work": work, "sink": targets.build_sink(work), "es_url": url})


def failed(everything: dict[str, Results], *, strict: bool) -> bool:
    """Whether our agent lost or repeated a line, or, if that counts, missed a budget."""
    ours = [results[OURS] for results in everything.values() if OURS in results]
    kept = (budget.met for name, results in everything.items() for budget in report.budgets(name, results))
    return not all(map(report.whole, ours)) or (strict and not all(kept))


def dump(path: Path, everything: dict[str, Results]) -> None:
    """Every run as JSON: scenario → agent → runs."""
    plain = {
        name: {agent: [dataclasses.asdict(run) for run in runs] for agent, runs in results.items()}
        for name, results in everything.items()
    }
    path.write_text(json.dumps(plain, indent=1) + "\n")


def main() -> int:
    """Run what the options say; return the exit status."""
    given = options().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    work = given.work.absolute()
    work.mkdir(parents=True, exist_ok=True)
    real_disk(work)
    taking_part = chosen(Path(given.agent).absolute(), given.agents)
    with es_for(given.scenarios, given.es) as url:
        names = [name for name in given.scenarios if name != "es" or url]
        everything = run(names, plan(given, work, url), taking_part)
    if given.json:
        dump(given.json, everything)
    return int(failed(everything, strict=given.strict))


if __name__ == "__main__":
    sys.exit(main())
