"""A symlink on the way to the data root is followed; one in the place of a log file is not."""

import os
import shutil

from tests.collect.rig import Rig, numbered, say
from tests.scenarios.writing import again, come_to_rest, fill


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


def test_data_root_moved_to_another_disk(rig):
    """The data root was moved while the agent was down, and a symlink stands in its place: nothing is lost or read twice."""
    writer = rig.container("web", max_file=3)
    said = fill(rig, writer, 15)
    rig.read().stop()
    shutil.copytree(rig.root, f"{rig.root}-moved")
    shutil.rmtree(rig.root)
    os.symlink(f"{rig.root}-moved", rig.root)
    writer = again(writer)
    said += say(rig, writer, ["moved"])
    rig.start()
    assert (said, 0) == come_to_rest(rig)


def test_live_log_replaced_by_a_symlink(rig, tmp_path):
    """A live log that becomes a symlink is not followed, whatever that names; what was held is read, and a real one is read again when it comes."""
    (tmp_path / "other").write_bytes(b'{"log":"not ours\\n","stream":"stdout","time":"2030-01-01T00:00:00Z"}\n')
    writer = rig.container("web")
    said = say(rig, writer, numbered(0, 5))
    rig.read()
    said += say(rig, writer, numbered(5, 5))
    os.rename(writer.path, f"{writer.path}-away")
    os.symlink(tmp_path / "other", writer.path)
    found, _ = come_to_rest(rig)
    assert said == found
    rig.restart().read()
    assert said == rig.messages()
    os.unlink(writer.path)
    said += say(rig, again(writer), ["ours"])
    found, _ = come_to_rest(rig)
    assert said == found
