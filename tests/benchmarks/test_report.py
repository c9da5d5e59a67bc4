"""Figures: ratios of medians, and budgets that only an agent that did the work can meet."""

import pytest

from benchmarks import report
from benchmarks.measure import Run


def run(cpu, *, wall=2.0, peak=80.0, missing=0, extra=0):
    """A run of some cost."""
    return Run(wall=wall, cpu=cpu, peak=peak, rss=peak, missing=missing, extra=extra)


def test_figures_are_least_and_median():
    """A figure is shown as the least and the median of its runs."""
    assert "1.00/2.00" == report.low_mid([run(2.0), run(9.0), run(1.0)], lambda r: r.cpu)


def test_ratio_of_medians():
    """A ratio divides our median by the other's."""
    assert "0.50x" == report.over([run(1.0)] * 3, [run(2.0), run(9.0), run(1.0)], lambda r: r.cpu)


def test_no_ratio_to_an_agent_that_left_lines_out():
    """Who shipped less work has no cost to be compared with."""
    assert "-" == report.over([run(1.0)], [run(2.0, missing=1)], lambda r: r.cpu)


def test_no_rate_without_all_lines():
    """An agent that left lines out shows neither wall time nor rate, but how many."""
    assert ("x", "-", "-") == report.row("x", 10, [run(1.0, missing=3)])[:3]
    assert ("3", "0") == report.row("x", 10, [run(1.0, missing=3)])[-2:]


@pytest.mark.parametrize(("cpu", "met"), [(3.0, True), (3.01, False)])
def test_cpu_budget_is_half_above_the_prototype(cpu, met):
    """One file may cost 1.5 times the prototype's CPU seconds."""
    budget = next(report.budgets("one", {"logagent": [run(cpu)], "prototype": [run(2.0)]}))
    assert met == budget.met


@pytest.mark.parametrize(("cpu", "met"), [(4.5, True), (4.51, False)])
def test_many_files_may_cost_half_more_again(cpu, met):
    """Many files may cost 1.5 times what one file of the same lines may."""
    (budget,) = report.budgets("many", {"logagent": [run(cpu)], "prototype": [run(2.0)]})
    assert met == budget.met


@pytest.mark.parametrize(("peak", "met"), [(90.0, True), (91.0, False)])
def test_memory_budget(peak, met):
    """One file may take 90 MB."""
    (budget,) = report.budgets("one", {"logagent": [run(1.0, peak=peak)]})
    assert met == budget.met


@pytest.mark.parametrize(("cpu", "met"), [(0.3, True), (0.31, False)])
def test_idle_budget(cpu, met):
    """Waiting may take half a percent of one core."""
    (budget,) = report.budgets("idle", {"logagent": [run(cpu, wall=60.0)]})
    assert met == budget.met


@pytest.mark.parametrize("wrong", [{"missing": 1}, {"extra": 1}])
def test_no_budget_is_met_without_every_line_once(wrong):
    """However little it cost: with a line missing or repeated no budget is met."""
    budgets = list(report.budgets("one", {"logagent": [run(0.1, **wrong)], "prototype": [run(2.0)]}))
    assert [False] == [budget.met for budget in budgets]


def test_peers_alone_have_no_budget():
    """Budgets are ours only."""
    assert [] == list(report.budgets("one", {"prototype": [run(2.0)]}))


def test_whole_report():
    """A report holds the table, the ratios and the budgets."""
    results = {"prototype": [run(2.0)], "logagent": [run(2.5)]}
    text = "\n".join(report.lines_of("one", "one file", 1_000_000, results))
    assert "one file (1,000,000 lines)" in text
    assert "1.25x" in text
    assert "budget: cpu: 2.5 s of 3: met" in text
