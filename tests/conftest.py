"""Rules of the whole suite: with CI=true a real server that is lacking is a failure.

Run by two processes (`-n 2`), one takes all tests with a real engine, which is started once and mostly waited for, and the other
one the rest, other servers first; run by one, real servers come last, since they take longest.
"""

import os
from collections.abc import Generator
from typing import Any

import pytest

SERVERS_ONLY = ("tests/real/test_contract.py", "tests/real/test_streams.py")
REAL = ("real_docker", "real_elasticsearch")


def is_real(item: pytest.Item) -> bool:
    """Whether the test needs a real server."""
    return any(item.get_closest_marker(name) for name in REAL)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the tests with real servers before all others when there is another process for those, else behind them."""
    items.sort(key=is_real, reverse=hasattr(config, "workerinput"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give the tests with a real engine to one process, and those with other servers only; pytest-xdist's own groups have no effect with pytest 9.2."""
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # has no types

    class ByServers(LoadScopeScheduling):  # type: ignore[misc]  # the same
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            if not file.startswith("tests/real/"):
                return nodeid
            return "servers" if file in SERVERS_ONLY else "engine"

    return ByServers(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail where CI would skip a test for want of a real server: a green run there means that they all ran."""
    report = yield
    if report.skipped and is_real(item) and os.environ.get("CI") == "true":
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"with CI=true this may not be skipped: {str(reason).removeprefix('Skipped: ')}"
    return report
