"""Rules of the whole suite: with CI=true a real server that is lacking is a failure.

Run by two processes (`-n 2 --dist loadgroup`), one takes all tests with real servers, which are started once and mostly waited for,
and the other one the rest; run by one, real servers come last, since they take longest.
"""

import os
from collections.abc import Generator

import pytest

REAL = ("real_docker", "real_elasticsearch")


def is_real(item: pytest.Item) -> bool:
    """Whether the test needs a real server."""
    return any(item.get_closest_marker(name) for name in REAL)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Put the tests with real servers into one group."""
    if is_real(item):
        item.add_marker(pytest.mark.xdist_group("real"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put that group before all others when there is another process for those, else behind them."""
    items.sort(key=is_real, reverse=hasattr(config, "workerinput"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail where CI would skip a test for want of a real server: a green run there means that they all ran."""
    report = yield
    if report.skipped and is_real(item) and os.environ.get("CI") == "true":
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"with CI=true this may not be skipped: {str(reason).removeprefix('Skipped: ')}"
    return report
