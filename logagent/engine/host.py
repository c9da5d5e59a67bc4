"""Facts about the Docker host: what it is called, what it runs, and where the engine keeps its data.

In a container the machine's own answers are the container's: what the engine tells about its host goes first then.
"""

import os
import platform
import re
import socket
from dataclasses import dataclass
from typing import Protocol

from logagent.engine.metadata import list_container_ids

DEFAULT_DATA_ROOT = "/var/lib/docker"
MACHINE_ID = "/etc/machine-id"

_MACHINE_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Host:
    """The host as documents name it. `id` is the machine id, None where there is none; `os` is as in `linux`."""

    name: str
    id: str | None
    os: str


class Informed(Protocol):
    """What this module asks of the engine; None is what the engine does not tell."""

    @property
    def data_root(self) -> str | None:
        """Where the engine keeps its data, as seen by itself."""

    @property
    def host_name(self) -> str | None:
        """The name of the engine's host."""


def read_host(name: str | None = None, engine: Informed | None = None, machine_id: str = MACHINE_ID) -> Host:
    """Describe the host: `name` is the operator's choice, else the engine's answer, else this machine's name."""
    known = name or (engine.host_name if engine else None) or socket.gethostname()
    return Host(known, read_machine_id(machine_id), platform.system().lower())


def read_machine_id(path: str = MACHINE_ID) -> str | None:
    """Read the machine's id, 32 hex digits (man 5 machine-id); None when there is none."""
    try:
        with open(path, encoding="ascii") as file:
            text = file.read(64).strip()
    except (OSError, ValueError):
        return None
    return text if _MACHINE_ID.fullmatch(text) else None


def find_data_root(setting: str | None = None, engine: Informed | None = None) -> str:
    """Choose the engine's data root: the operator's setting, else what the engine says, else /var/lib/docker."""
    chosen = setting or (engine.data_root if engine else None) or DEFAULT_DATA_ROOT
    return os.path.abspath(chosen)


def data_root(setting: str | None = None, engine: Informed | None = None) -> str:
    """Find the data root and make sure that its containers can be read.

    Raises Failure (Exit.HOST) in one line: no Docker here, no data root there, or not readable by this user.
    """
    root = find_data_root(setting, engine)
    list_container_ids(root)
    return root
