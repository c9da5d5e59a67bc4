"""A clock that steps, the agent's or that of the records: lines come as soon as before, once, in the order in which they were written."""

import pytest

from logagent.store.retention import Budget
from tests.collect.rig import Rig, numbered, say

HOUR, YEAR = 3600, 365 * 86400


def test_clock_set_back(rig):
    """When the clock is set back by an hour, lines are read and committed as soon as before."""
    writer = rig.container("web")
    rig.read()
    say(rig, writer, ["one"])
    rig.step()
    rig.now -= 3600
    assert rig.store.due(rig.now)
    assert 0.0 == rig.store.remaining(rig.now)
    say(rig, writer, ["two"])
    rig.step(0.1)
    assert rig.store.commit(rig.now)
    assert ["one", "two"] == rig.messages()


@pytest.mark.parametrize("seconds", [-YEAR, -HOUR, HOUR, YEAR])
def test_the_clock_steps(rig, seconds):
    """After the agent's clock stepped, the next look reads what is there, the next commit takes it, and rotation is followed."""
    writer = rig.container("web", max_file=5)
    said = say(rig, writer, numbered(0, 5))
    rig.read()
    said += say(rig, writer, numbered(5, 5))
    rig.step()
    rig.now += seconds
    said += say(rig, writer, numbered(10, 5))
    assert rig.step(0.1) <= 1.0
    assert rig.store.due(rig.now)
    assert rig.store.commit(rig.now)
    assert said == rig.messages()
    writer.rotate()
    said += say(rig, writer, numbered(15, 5))
    rig.step(2)
    rig.restart().read()
    assert (said, 0) == (rig.messages(), rig.gaps())
    rig.check()


@pytest.mark.parametrize("seconds", [-YEAR, -HOUR, HOUR, YEAR])
@pytest.mark.parametrize("compress", [False, True])
def test_the_times_of_records_step(rig, seconds, compress):
    """When the times of records step between files of a log, and inside of one, nothing is lost, and nothing read twice."""
    writer = rig.container("web", max_file=9, compress=compress)
    real, shift, said = rig.clock, 0, []
    rig.clock = lambda: real() + shift * 10**9
    for n in range(0, 60, 10):
        said += say(rig, writer, numbered(n, 5))
        if n % 20:
            rig.read()
        shift = 0 if shift else seconds
        writer.rotate()
        said += say(rig, writer, numbered(n + 5, 5))
        if n % 30:
            rig.restart()
    rig.read().restart().read()
    assert (said, 0) == (rig.messages(), rig.gaps())
    rig.check()


@pytest.mark.parametrize("seconds", [-YEAR, HOUR])
def test_what_is_stored_stays(tmp_path, seconds):
    """A clock that was wrong for a while costs nothing that is younger than the store's age by the clock as it is then."""
    rig = Rig(tmp_path, budget=Budget(1 << 30, max_age=2.0 * HOUR)).start()
    said = say(rig, rig.container("web"), numbered(0, 5))
    rig.read()
    rig.now += seconds
    rig.store.retain(rig.now)
    rig.now -= seconds
    rig.store.retain(rig.now)
    assert said == rig.messages()
    rig.check()
    rig.crash()
