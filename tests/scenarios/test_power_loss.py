"""Power lost anywhere: what was not synced is gone, the next life takes up what is left, and no line is stored twice."""

import pytest

from tests.scenarios.ext4 import ext4
from tests.scenarios.faults import Killed, Nth, Operations
from tests.scenarios.life import Life, survive

CUTS = 24


class Powered(Life):
    """A life whose store lies on a disk that loses its power when the agent dies. Docker's files stay, and none is deleted."""

    def __init__(self, folder, disk, *, names_kept):
        super().__init__(folder)
        self._disk, self._names_kept = disk, names_kept
        self.rig.folder = disk.place / folder.name

    def container(self, name, **limits):
        """Make a container all of whose files stay."""
        super().container(name, **limits | {"max_file": 50})

    def remove(self, name):
        """Leave the container: what was stored of a removed one and not synced would be lost."""

    def die(self):
        """Lose the power, and get it back."""
        self._disk.cut(names_kept=self._names_kept)
        self._let_be()
        self._disk.unmount()
        self._disk.mount()


def live(life, strike):
    """Live through the story."""
    try:
        with Operations(life.rig.folder, strike, syncs=True).installed():
            for step in (life.begin, *life.steps(), life.check):
                survive(life, step, strike)
    except Exception as error:
        error.add_note(f"power lost at moment {strike.number}: {strike.struck}")
        raise
    finally:
        life.close()


@pytest.mark.parametrize("names_kept", [False, True])
def test_a_real_file_system(tmp_path, names_kept):
    """Power lost at any moment on ext4, the agent goes on by itself, loses no line that Docker has, and stores none twice."""
    with ext4(tmp_path) as disk:
        count = Nth(0, Killed)
        live(Powered(tmp_path / "whole", disk, names_kept=names_kept), count)
        for n in range(2 + names_kept, count.seen, count.seen // CUTS):
            live(Powered(tmp_path / str(n), disk, names_kept=names_kept), Nth(n, Killed))
