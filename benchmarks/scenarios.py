"""What is measured: the scenarios, their loads, and the order of runs.

Runs are interleaved, every agent once and then again, so that noise on the machine falls on all of them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks import corpus, measure
from benchmarks.agents import Agent
from benchmarks.measure import Load, Run, Wait
from benchmarks.targets import Elasticsearch, Sink, Target

Results = dict[str, list[Run]]

NAMES = ("one", "many", "idle", "es")
TITLES = {
    "one": "one file",
    "many": "{files} files",
    "idle": "{files} idle containers",
    "es": "one file into a real Elasticsearch",
}
IDLE_LINES = 20  # in each idle container


@dataclass(frozen=True)
class Plan:
    """What was asked for: sizes, number of runs, seconds; `work` is on a real disk, `sink` the compiled sink."""

    work: Path
    sink: Path
    runs: int = 3
    lines: int = 1_000_000
    files: int = 500
    idle_files: int = 200
    idle_seconds: float = 60.0
    es_url: str | None = None
    es_lines: int = 300_000
    settle: float = 1.0

    def size(self, scenario: str) -> tuple[int, int]:
        """The lines and files of a scenario."""
        sizes = {
            "one": (self.lines, 1),
            "many": (self.lines, self.files),
            "idle": (self.idle_files * IDLE_LINES, self.idle_files),
            "es": (self.es_lines, 1),
        }
        return sizes[scenario]

    def title(self, scenario: str) -> str:
        """A scenario's heading."""
        return TITLES[scenario].format(files=self.size(scenario)[1])


def load(plan: Plan, scenario: str) -> Load:
    """Make a scenario's host, or find it as an earlier benchmark made it."""
    lines, files = plan.size(scenario)
    lines = max(1, lines // files) * files
    host, one = (plan.work / "hosts" / f"{lines}-{number}" for number in (files, 1))
    corpus.host(host, lines, files)
    corpus.host(one, lines, 1)
    return Load(host, one, lines)


def target(plan: Plan, scenario: str, number: int) -> Target:
    """A fresh target for one run."""
    if scenario == "es":
        return Elasticsearch(plan.es_url or "", f"logagent-bench-{number}")
    return Sink(plan.sink)


def rounds(plan: Plan, agents: Sequence[Agent]) -> Iterator[tuple[Agent, int]]:
    """Who runs when: (agent, number of the run in the scenario)."""
    order = [agent for _ in range(plan.runs) for agent in agents]
    return zip(order, range(len(order)), strict=True)


def measured(plan: Plan, scenario: str, agents: Iterable[Agent], tell: Callable[[str], None]) -> Results:
    """Run one scenario with all agents that it suits."""
    what, results = load(plan, scenario), Results()
    suited = [agent for agent in agents if agent.idles or scenario != "idle"]
    if scenario == "idle":
        for number in range(plan.runs):
            tell(f"idle: run {number + 1} of {plan.runs}, all agents at once, {plan.idle_seconds:.0f} s")
            for name, run in idle(plan, suited, what).items():
                results.setdefault(name, []).append(run)
        return results
    for agent, number in rounds(plan, suited):
        tell(f"{scenario}: {agent.name}, run {number // len(suited) + 1} of {plan.runs}")
        with closing(target(plan, scenario, number)) as there:
            run = measure.ship(agent, what, there, plan.work, plan.settle)
        results.setdefault(agent.name, []).append(run)
    return results


def idle(plan: Plan, agents: Sequence[Agent], what: Load) -> dict[str, Run]:
    """One run of the idle scenario, measured after 5 s of quiet."""
    return measure.idle(agents, what, plan.sink, plan.work, Wait(5 * plan.settle, plan.idle_seconds))
