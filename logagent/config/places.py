"""Where things are kept when the settings leave it open: decided from the user and the environment, touching no disk."""

import pwd
from collections.abc import Mapping
from pathlib import Path

from logagent.errors import Exit, Failure


def store_path(given: Path | None, environ: Mapping[str, str], uid: int) -> Path:
    """Return the store's folder: `given`, else /var/lib/logagent for root, else the user's state folder.

    Raises Failure(Exit.USAGE) for a user without a home.
    """
    if given is not None:
        return given
    if uid == 0:
        return Path("/var/lib/logagent")
    state = environ.get("XDG_STATE_HOME", "")
    # The XDG specification: a relative path there is to be ignored.
    return Path(state if state.startswith("/") else f"{_home(environ, uid)}/.local/state") / "logagent"


def _home(environ: Mapping[str, str], uid: int) -> str:
    if environ.get("HOME", "").startswith("/"):
        return environ["HOME"]
    try:
        return pwd.getpwuid(uid).pw_dir
    except KeyError:
        raise Failure(f"User {uid} has no home folder to keep the store in: give store.path", Exit.USAGE) from None
