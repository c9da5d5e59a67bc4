"""Where the store is when the settings leave it open."""

from pathlib import Path

import pytest

from logagent.config.places import store_path
from logagent.errors import Exit, Failure

NOBODY_KNOWS = 3_999_999_999


@pytest.mark.parametrize(
    ("given", "environ", "uid", "path"),
    [
        (Path("/data"), {"HOME": "/home/me"}, 0, "/data"),
        (None, {"HOME": "/root", "XDG_STATE_HOME": "/x"}, 0, "/var/lib/logagent"),
        (None, {"HOME": "/home/me"}, 1000, "/home/me/.local/state/logagent"),
        (None, {"HOME": "/home/me", "XDG_STATE_HOME": "/state"}, 1000, "/state/logagent"),
        (None, {"HOME": "/home/me", "XDG_STATE_HOME": "state"}, 1000, "/home/me/.local/state/logagent"),
    ],
)
def test_the_store_has_its_place(given, environ, uid, path):
    """The given path, else the system's for root, else the user's state folder."""
    assert Path(path) == store_path(given, environ, uid)


def test_a_user_without_a_home_must_give_the_path():
    """Nothing is guessed where there is no home."""
    with pytest.raises(Failure, match=r"store\.path") as caught:
        store_path(None, {}, NOBODY_KNOWS)
    assert caught.value.status == Exit.USAGE
