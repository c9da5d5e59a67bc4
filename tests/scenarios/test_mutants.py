"""The state machine bites: with a fault put into the agent, it fails. Without this, its silence would prove nothing."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from logagent.collect import held
from logagent.collect.place import Place
from logagent.collect.reader import Reader
from logagent.collect.source import Source
from logagent.model import Position
from logagent.store.catalog import Catalog
from logagent.store.records import Covered
from logagent.store.store import Store
from tests.scenarios.test_model import Model

SEEK = settings(
    max_examples=500,
    stateful_step_count=40,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


def assert_caught() -> None:
    """Assert that the machine finds the fault that was put in: in what is stored, or in the count of gaps."""
    with pytest.raises(AssertionError, match=r"line (\d+ )?of web|is stored twice|missing silently|a gap was counted"):
        run_state_machine_as_test(Model, settings=SEEK)


def test_offset_off_by_one(monkeypatch):
    """Mutant: the progress that is saved is one byte beyond what was read. One byte short of it, a newline is read again."""
    real = Place.reach

    def reach(place, first, offset, parser):
        made = real(place, first, offset, parser)
        if made is None:
            return made
        return replace(made, read=Position(made.read.generation, made.read.offset + 1))

    monkeypatch.setattr(Place, "reach", reach)
    assert_caught()


def test_positions_saved_before_the_frame(monkeypatch):
    """Mutant: progress is remembered in a transaction of its own before its frame is written."""
    real = Store.commit

    def commit(store, now):
        covered = store._builder.covered
        if covered.progress:
            Catalog.record(store.catalog, None, Covered({}, covered.progress, {}, {}), now)
        return real(store, now)

    monkeypatch.setattr(Store, "commit", commit)
    assert_caught()


def test_a_held_file_is_left_unread(monkeypatch):
    """Mutant: a file that was rotated out is closed at once, with what was not read of it."""
    real = Source._step

    def step(source, now):
        if len(source._held.tails) > 1:
            source._drop_first(now)
        return real(source, now)

    monkeypatch.setattr(Source, "_step", step)
    assert_caught()


def test_truncation_goes_unnoticed(monkeypatch):
    """Mutant: nobody looks whether what was read last still stands there."""
    monkeypatch.setattr(Reader, "intact", lambda *_: True)
    assert_caught()


def test_lost_files_are_not_counted(monkeypatch):
    """Mutant: files that came and went unseen make no gap."""
    monkeypatch.setattr(held, "lost_between", lambda *_: [])
    assert_caught()
