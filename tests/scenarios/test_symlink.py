"""A symlink on the way to the data root is followed; one in the place of a log file is not."""

import os

from tests.collect.rig import Rig
from tests.scenarios.writing import fill


def test_symlinked_data_root(tmp_path):
    """A data root behind a symlink is read like any other."""
    rig = Rig(tmp_path)
    os.symlink(rig.root, tmp_path / "link")
    real, rig.root = rig.root, str(tmp_path / "link")
    rig.start()
    writer = rig.container("web", max_file=3)
    said = fill(rig, writer, 25)
    rig.read()
    assert said == rig.messages()
    assert os.path.realpath(writer.path).startswith(real)
    rig.crash()
