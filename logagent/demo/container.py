"""The two metadata files of a container, as dockerd keeps them beside its log."""

import hashlib
import json
import os
from collections.abc import Mapping

from logagent.demo.record import render_time


def container_id(name: str) -> str:
    """Give an id of 64 hex digits, always the same for `name`."""
    return hashlib.sha256(name.encode()).hexdigest()


def create_container(
    data_root: str,
    name: str,
    image: str,
    *,
    labels: Mapping[str, str] | None = None,
    log_options: Mapping[str, str] | None = None,
    tty: bool = False,
    now: float = 0,
) -> str:
    """Make the directory of a running container with a json-file log, without the log itself; returns it."""
    identity = container_id(name)
    directory = os.path.join(data_root, "containers", identity)
    os.makedirs(directory, mode=0o710)
    settings = {"Hostname": identity[:12], "Tty": tty, "Image": image, "Labels": dict(labels or {}), "Env": []}
    _replace(os.path.join(directory, "config.v2.json"), _config(identity, name, directory, settings, now))
    _replace(os.path.join(directory, "hostconfig.json"), _hostconfig(log_options or {}))
    return directory


def _config(identity: str, name: str, directory: str, settings: dict[str, object], now: float) -> dict[str, object]:
    started = render_time(int(now * 1e9))
    return {
        "State": {"Running": True, "Paused": False, "Pid": os.getpid(), "ExitCode": 0, "StartedAt": started},
        "ID": identity,
        "Created": started,
        "Config": settings,
        "Image": f"sha256:{container_id(str(settings['Image']))}",
        "LogPath": os.path.join(directory, f"{identity}-json.log"),
        "Name": f"/{name}",
        "Driver": "overlay2",
        "RestartCount": 0,
        "HasBeenStartedBefore": True,
    }


def _hostconfig(log_options: Mapping[str, str]) -> dict[str, object]:
    return {
        "LogConfig": {"Type": "json-file", "Config": dict(log_options)},
        "NetworkMode": "default",
        "RestartPolicy": {"Name": "always", "MaximumRetryCount": 0},
        "AutoRemove": False,
    }


def _replace(path: str, value: Mapping[str, object]) -> None:
    """Write as the engine does: beside, then renamed, so that nobody sees half of it."""
    with open(f"{path}.tmp", "w", encoding="utf-8") as file:
        json.dump(value, file)
    os.rename(f"{path}.tmp", path)
