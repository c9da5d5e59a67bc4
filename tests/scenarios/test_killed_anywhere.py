"""Killed anywhere: whatever the agent dies at, the next life stores each line once, in order, and the accounting agrees."""

from tests.scenarios.faults import Killed, Nth, Operations
from tests.scenarios.life import Life


def live(folder, strike):
    """Live through the story; when `strike` ends the agent in a step, another one begins and does that step again."""
    life = Life(folder)
    try:
        with Operations(folder / "store", strike).installed():
            for step in (life.begin, *life.steps(), life.check):
                survive(life, step, strike)
    except BaseException as error:
        error.add_note(f"killed at moment {strike.number}: {strike.struck}")
        raise
    finally:
        life.close()


def survive(life, step, strike):
    """Do a step; after each death begin again, and look at once at what is there."""
    while True:
        try:
            if not life.alive:
                life.begin()
                life.check_sound()
            return step != life.begin and step()
        except Killed:
            strike.resting = True
            life.die()
            strike.resting = False


def moments(folder):
    """How many moments a life without faults has."""
    count = Nth(0, Killed)
    live(folder, count)
    return count.seen


def test_at_every_operation(tmp_path):
    """Killed before, after and in the middle of each operation in turn, the agent loses nothing and stores nothing twice."""
    for n in range(1, moments(tmp_path / "whole") + 1):
        strike = Nth(n, Killed)
        live(tmp_path / str(n), strike)
        assert strike.struck


def test_again_while_it_mends(tmp_path):
    """Killed once more while it takes up what a death left, at each operation in turn, it loses nothing either."""
    ends = Recorder()
    live(tmp_path / "whole", ends)
    for n in [n for n, what in enumerate(ends.moments, 1) if what in {("pwrite", "half"), ("fdatasync", "after")}]:
        for more in range(1, 9):
            live(tmp_path / f"{n}-{more}", Nth(n, Killed, again=more))


class Recorder(Nth):
    """Strikes never, and remembers all moments."""

    def __init__(self):
        super().__init__(0, Killed)
        self.moments = []

    def __call__(self, name, phase):
        """Note a moment."""
        self.moments.append((name, phase))
