"""Figures as a reader wants them: a table of all agents, our ratios to each of the others, and the budgets. All pure.

Figures are min/median over the runs; ratios are of medians. An agent that did not deliver every line once has no rate.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.agents import OURS, YARDSTICK
from benchmarks.measure import Run
from benchmarks.scenarios import Results

CPU_RATIO = 1.5  # our CPU seconds over the yardstick's
MANY_RATIO = 1.5  # what many files may cost over one file of the same lines
PEAK_MB = 90.0
IDLE_PERCENT = 0.5  # of one core

Figure = Callable[[Run], float]


@dataclass(frozen=True)
class Budget:
    """One limit that our agent keeps or not."""

    what: str
    used: float
    allowed: float
    unit: str

    @property
    def met(self) -> bool:
        """Whether it is kept."""
        return self.used <= self.allowed

    def __str__(self) -> str:
        verdict = "met" if self.met else "MISSED"
        return f"budget: {self.what}: {short(self.used)} {self.unit} of {short(self.allowed)}: {verdict}"


def short(number: float) -> str:
    """A number with at most two decimals."""
    return f"{number:.2f}".rstrip("0").rstrip(".")


def middle(runs: Sequence[Run], figure: Figure) -> float:
    """The median of a figure."""
    return median(map(figure, runs))


def low_mid(runs: Sequence[Run], figure: Figure, form: str = ".2f") -> str:
    """A figure as min/median."""
    return f"{min(map(figure, runs)):{form}}/{middle(runs, figure):{form}}"


def whole(runs: Sequence[Run]) -> bool:
    """Whether every run delivered each line once."""
    return not any(run.missing or run.extra for run in runs)


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows as lines: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *others in rows:
        cells = (cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))
        yield "  ".join((first.ljust(widths[0]), *cells))


def shipped(title: str, lines: int, results: Results) -> Iterator[str]:
    """The table of a scenario in which lines were shipped."""
    columns = (
        "wall s",
        "lines/s",
        "cpu s",
        "us/line",
        "peak MB",
        "target cpu s",
        "requests",
        "sent MB",
        "missing",
        "extra",
    )
    yield from aligned(
        [(f"{title} ({lines:,} lines)", *columns), *(row(name, lines, runs) for name, runs in results.items())]
    )


def row(name: str, lines: int, runs: Sequence[Run]) -> tuple[str, ...]:
    """One agent's line of that table."""
    return (
        name,
        low_mid(runs, lambda run: run.wall) if whole(runs) else "-",
        f"{lines / middle(runs, lambda run: run.wall):,.0f}" if whole(runs) else "-",
        low_mid(runs, lambda run: run.cpu),
        f"{middle(runs, lambda run: run.cpu) / lines * 1e6:.2f}",
        low_mid(runs, lambda run: run.peak, ".0f"),
        low_mid(runs, lambda run: run.target_cpu),
        f"{middle(runs, lambda run: run.requests):.0f}" if runs[-1].requests else "-",
        f"{runs[-1].wire / 1e6:.0f}" if runs[-1].wire else "-",
        str(max(run.missing for run in runs)),
        str(max(run.extra for run in runs)),
    )


def idled(title: str, results: Results) -> Iterator[str]:
    """The table of the idle scenario."""
    head = (title, "cpu s", "% of a core", "switches/s", "rss MB", "peak MB", "missing", "extra")
    rows = [
        (
            name,
            low_mid(runs, lambda run: run.cpu),
            low_mid(runs, percent),
            low_mid(runs, lambda run: run.switches, ".1f"),
            low_mid(runs, lambda run: run.rss, ".0f"),
            low_mid(runs, lambda run: run.peak, ".0f"),
            str(max(run.missing for run in runs)),
            str(max(run.extra for run in runs)),
        )
        for name, runs in results.items()
    ]
    yield from aligned([head, *rows])


def percent(run: Run) -> float:
    """CPU time as a share of one core's."""
    return run.cpu / run.wall * 100


def ratios(results: Results, *, idle: bool) -> Iterator[str]:
    """Our agent's figures over each other's: below 1 we cost less."""
    if not (mine := results.get(OURS)) or len(results) == 1:
        return
    figures: dict[str, Figure] = {"cpu": lambda run: run.cpu, "peak": lambda run: run.peak}
    if not idle:
        figures["wall"] = lambda run: run.wall
    rows = [(f"{OURS} over", *figures)]
    for name, runs in results.items():
        if name != OURS:
            rows.append((f"  {name}", *(over(mine, runs, figure) for figure in figures.values())))
    yield from aligned(rows)


def over(mine: Sequence[Run], theirs: Sequence[Run], figure: Figure) -> str:
    """A ratio of medians; none where one of the two did not do the work, or it cost nothing measurable."""
    base, done = middle(theirs, figure), not any(run.missing for run in (*mine, *theirs))
    return f"{middle(mine, figure) / base:.2f}x" if base and done else "-"


def budgets(scenario: str, results: Results) -> Iterator[Budget]:
    """What our agent may cost in a scenario; where it did not do the work, only that."""
    if not (mine := results.get(OURS)):
        return
    if not whole(mine):
        yield Budget("every line once", max(run.missing + run.extra for run in mine), 0, "lines missing or extra")
        return
    if scenario == "idle":
        yield Budget("idle", middle(mine, percent), IDLE_PERCENT, "% of a core")
    if scenario in ("one", "many") and (base := results.get(YARDSTICK)):
        allowed = middle(base, lambda run: run.cpu) * CPU_RATIO * (MANY_RATIO if scenario == "many" else 1)
        yield Budget("cpu", middle(mine, lambda run: run.cpu), allowed, "s")
    if scenario == "one":
        yield Budget("peak RSS", middle(mine, lambda run: run.peak), PEAK_MB, "MB")


def lines_of(scenario: str, title: str, lines: int, results: Results) -> Iterator[str]:
    """Everything there is to say of a scenario."""
    if scenario == "idle":
        yield from idled(title, results)
    else:
        yield from shipped(title, lines, results)
    yield from ratios(results, idle=scenario == "idle")
    yield from map(str, budgets(scenario, results))
    yield ""
