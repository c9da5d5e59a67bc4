"""Loops that no longer step are found."""

from logagent.web.health import Beats


def test_all_is_well_while_loops_step():
    """Nothing is wrong before any loop began, nor while each one's last step is recent."""
    beats = Beats()
    assert "" == beats.silent(1000)
    beats.beat("collector", 1000)
    assert "" == beats.silent(1060)


def test_the_loop_that_is_silent_longest_is_named():
    """The sentence has the loop and its silence."""
    beats = Beats()
    beats.beat("collector", 1000)
    beats.beat("shipper", 900)
    assert "the shipper has not stepped for 161 s" == beats.silent(1061)
    beats.beat("shipper", 1061)
    assert "the collector has not stepped for 61 s" == beats.silent(1061)


def test_a_loop_that_ended_is_not_missed():
    """What said farewell is watched no more."""
    beats = Beats()
    beats.beat("collector", 0)
    beats.farewell("collector")
    beats.farewell("collector")
    assert "" == beats.silent(1000)
