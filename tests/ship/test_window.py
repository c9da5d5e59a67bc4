"""The order of frames: whatever ends first, the cursor moves over the finished head only."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.model import DeadLetter
from logagent.ship.window import Outcome, Window


def advance(window: Window) -> list[int]:
    """Let the finished head go, as the shipper does; returns which frames."""
    gone = []
    while (head := window.head()) is not None:
        gone.append(head.seq)
        window.forget()
    return gone


@given(st.lists(st.integers(1, 5), min_size=1, max_size=30), st.randoms(use_true_random=False), st.integers(1, 8))
def test_cursor_never_passes_an_unfinished_frame(gaps: list[int], chance: Random, limit: int) -> None:
    """In any order of taking and finishing, frames go in order, once, and none before all older ones are done."""
    seqs = [sum(gaps[: n + 1]) for n in range(len(gaps))]
    window = Window(0, frames=limit, dead_bytes=1)
    waiting, taken, gone = list(seqs), list[Outcome](), list[int]()
    while waiting or taken:
        if waiting and window.open and (not taken or chance.random() < 0.5):
            taken.append(window.take(waiting.pop(0)))
        else:
            outcome = taken.pop(chance.randrange(len(taken)))
            outcome.done = True
            gone += advance(window)
        assert len(window) <= limit
        assert all(outcome.seq > (gone or [0])[-1] for outcome in taken)
    assert seqs == gone


def test_closed_by_dead_letters() -> None:
    """Dead letters that wait for the cursor close the window too; the head may always be taken."""
    window = Window(0, frames=10, dead_bytes=10)
    first, second = window.take(1), window.take(2)
    second.dead = [DeadLetter("es", 2, 0, "id", 400, "why", 0.0, b"x" * 10)]
    second.done = True
    assert not window.open
    first.done = True
    assert [1, 2] == advance(window)
    assert window.open


def test_frames_are_taken_in_order() -> None:
    """An older frame after a newer one is a mistake of the program."""
    window = Window(4, frames=10, dead_bytes=10)
    with pytest.raises(ValueError, match="frame 4 comes after 4"):
        window.take(4)
