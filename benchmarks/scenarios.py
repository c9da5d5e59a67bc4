"""What is measured: the scenarios, their loads, and the order of runs.

Runs are interleaved, every agent once and then again, so that noise on the machine falls on all of them.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks import corpus, measure
from benchmarks.agents import Agent
from benchmarks.measure import Load, Run, Wait
from benchmarks.targets import Elasticsearch, Sink, Target

Results = dict[str, list[Run]]
Tell = Callable[[str], None]

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


def measured(plan: Plan, scenario: str, agents: Sequence[Agent], tell: Tell) -> Results:
    """Run one scenario with all agents that it suits."""
    results = Results()
    for name, run in waiting(plan, agents, tell) if scenario == "idle" else shipping(plan, scenario, agents, tell):
        results.setdefault(name, []).append(run)
        if run.missing:
            tell(f"{scenario}: {name} left out {run.missing} lines; see {measure.state(plan.work, name)}/output.log")
    return results


def waiting(plan: Plan, agents: Sequence[Agent], tell: Tell) -> Iterator[tuple[str, Run]]:
    """The runs of the idle scenario, of all agents at the same time; each is measured after some quiet."""
    what, wait = load(plan, "idle"), Wait(5 * plan.settle, plan.idle_seconds)
    suited = [agent for agent in agents if agent.idles]
    for number in range(plan.runs):
        tell(f"idle: run {number + 1} of {plan.runs}, all agents at once, {plan.idle_seconds:.0f} s")
        yield from measure.idle(suited, what, plan.sink, plan.work, wait).items()


def shipping(plan: Plan, scenario: str, agents: Sequence[Agent], tell: Tell) -> Iterator[tuple[str, Run]]:
    """The runs of the other scenarios, one after the other."""
    what = load(plan, scenario)
    if scenario == "es" and agents:
        tell("es: the first agent once, not counted, to warm the server")
        shipped(plan, scenario, agents[0], what)
    for number in range(plan.runs):
        for agent in agents:
            tell(f"{scenario}: {agent.name}, run {number + 1} of {plan.runs}")
            yield agent.name, shipped(plan, scenario, agent, what)


def shipped(plan: Plan, scenario: str, agent: Agent, what: Load) -> Run:
    """One run into a fresh target."""
    target: Target = Elasticsearch(plan.es_url or "", "logagent-bench") if scenario == "es" else Sink(plan.sink)
    with closing(target):
        return measure.ship(agent, what, target, plan.work, plan.settle)
