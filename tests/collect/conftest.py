"""What tests of the collector share."""

import pytest

from tests.collect.rig import Rig


@pytest.fixture
def rig(tmp_path):
    """A simulated host with a store and a collector on it."""
    rig = Rig(tmp_path).start()
    yield rig
    rig.crash()
