"""What is told of an output's trouble, and how often."""

import logging

import pytest

from logagent.ship.trouble import Trouble


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """The log from info on."""
    caplog.set_level(logging.INFO)
    return caplog


def test_first_then_each_minute_then_over(told: pytest.LogCaptureFixture) -> None:
    """The first failure is told, further ones each minute, the end once with how long it took."""
    trouble = Trouble("es")
    for now in range(1000, 1130, 10):
        trouble.failed("it is down", "Start it", float(now))
    trouble.over(1130.0)
    trouble.over(1131.0)
    assert ["WARNING", "WARNING", "WARNING", "INFO"] == [record.levelname for record in told.records]
    assert "es: it is down. Nothing is lost: frames are kept and sent later. Start it" == told.messages[0]
    assert "es: shipping again after 130 s" == told.messages[-1]


def test_flapping_is_not_told_each_time(told: pytest.LogCaptureFixture) -> None:
    """A failure that comes and goes within a minute is told once, and so is its end."""
    trouble = Trouble("es")
    for now in range(50):
        trouble.failed("busy", "Wait", float(now))
        trouble.over(now + 0.5)
    assert 2 == len(told.records)


def test_clock_set_back(told: pytest.LogCaptureFixture) -> None:
    """A clock that was set back does not silence it."""
    trouble = Trouble("es")
    trouble.failed("down", "", 1e9)
    trouble.failed("down", "", 1000.0)
    assert 2 == len(told.records)


def test_state(told: pytest.LogCaptureFixture) -> None:
    """State says since when, what last, and whether somebody must act; success clears it."""
    trouble = Trouble("es")
    trouble.failed("one", "", 5.0)
    trouble.failed("two", "", 6.0, paused=True)
    assert (5.0, "two", "two") == (trouble.since, trouble.last_error, trouble.paused)
    trouble.over(7.0)
    assert (None, "", "") == (trouble.since, trouble.last_error, trouble.paused)


def test_refused_each_minute(told: pytest.LogCaptureFixture) -> None:
    """Refused events are told at most each minute, apart from failures."""
    trouble = Trouble("es")
    for now in range(100):
        trouble.refused(3, "400 document_parsing_exception", float(now))
    assert 2 == len(told.records)
    assert "3 events were refused for good (400 document_parsing_exception)" in told.messages[0]
