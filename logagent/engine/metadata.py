"""One container from its metadata files: `<data root>/containers/<64 hex>/{config.v2.json,hostconfig.json}`.

dockerd writes both by a temporary file and a rename, in no fixed order: they are never torn, but either may be missing
for a moment. Their content is chosen in part by whoever starts containers, so each value is taken only in its right type.
Paths are always those of the directory that is read: dockerd's own may lie behind a symlink, or on another mount than ours.
`describe` reads the Engine API's answers too, whose shape is the same: files and API give equal values.
"""

import os
import re
from collections.abc import Mapping
from typing import Any

import orjson

from logagent.engine.image import parse_image
from logagent.errors import Exit, Failure
from logagent.model import Container

CONFIG = "config.v2.json"
HOSTCONFIG = "hostconfig.json"
LARGEST = 16 * 1024 * 1024  # bytes of one metadata file; real ones have some KB

_ID = re.compile(r"[0-9a-f]{64}")
_NO_FILE_NAMES = frozenset({"", ".", ".."})


def is_container_id(name: object) -> bool:
    """Tell whether `name` is a whole container id: 64 lower-case hex digits."""
    return isinstance(name, str) and _ID.fullmatch(name) is not None


def containers_directory(data_root: str) -> str:
    """Where the engine keeps its containers' files."""
    return os.path.join(data_root, "containers")


def read_container(directory: str) -> Container | None:
    """Read the container of `directory`; None when its configuration is missing, unreadable, or not that container's.

    Without a readable hostconfig.json the log driver is taken for json-file, Docker's default.
    """
    config = _read_json(os.path.join(directory, CONFIG))
    container_id = os.path.basename(os.path.normpath(directory))
    if config.get("ID") != container_id or not is_container_id(container_id):
        return None
    return describe(container_id, config, _read_json(os.path.join(directory, HOSTCONFIG)), directory)


def describe(container_id: str, config: Mapping[str, Any], hostconfig: Mapping[str, Any], directory: str) -> Container:
    """Make the container of decoded JSON: config.v2.json or `GET /containers/{id}/json`, and its host configuration.

    `directory` is where the container's files lie for us.
    """
    settings, log = _mapping(config.get("Config")), _mapping(hostconfig.get("LogConfig"))
    driver = _text(log.get("Type")) or "json-file"
    return Container(
        id=container_id,
        name=_text(config.get("Name")).removeprefix("/"),
        image=parse_image(_text(settings.get("Image"))),
        labels=_texts(settings.get("Labels")),
        tty=settings.get("Tty") is True,
        log_driver=driver,
        log_options=_texts(log.get("Config")),
        log_path=_log_path(directory, container_id, driver, _text(config.get("LogPath"))),
        running=_mapping(config.get("State")).get("Running") is True,
        created=_text(config.get("Created")),
    )


def rebase(log_path: str | None, directory: str) -> str | None:
    """Return the file of that name in `directory`; None where there is no log file, or no name that is one."""
    name = os.path.basename(log_path or "")
    return os.path.join(directory, name) if name not in _NO_FILE_NAMES and "\0" not in name else None


def list_container_ids(data_root: str) -> list[str]:
    """List the ids of the containers that have a directory under `data_root`.

    Raises Failure (Exit.HOST) when there is no containers directory, or when this user cannot read it.
    """
    directory = containers_directory(data_root)
    try:
        return scan_container_ids(directory)
    except (FileNotFoundError, NotADirectoryError):
        raise Failure(_nothing_there(data_root, directory), Exit.HOST) from None
    except OSError as error:
        raise Failure(_unreadable(directory, error), Exit.HOST) from None


def scan_container_ids(directory: str) -> list[str]:
    """List the names of container directories in `directory`. Raises OSError."""
    with os.scandir(directory) as entries:
        return [entry.name for entry in entries if _ID.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)]


def _nothing_there(data_root: str, directory: str) -> str:
    if os.path.isdir(data_root):
        return (
            f"{data_root} is not a Docker data root: there is no {directory}; "
            "give --data-root the directory that `docker info` names as Docker Root Dir"
        )
    return (
        f"no Docker here: there is no {data_root}; install Docker, or give --data-root the directory that "
        "`docker info` names as Docker Root Dir"
    )


def _unreadable(directory: str, error: OSError) -> str:
    if isinstance(error, PermissionError):
        return (
            f"Docker's files in {directory} cannot be read by this user (uid {os.geteuid()}); "
            "run as root, or give --data-root a directory that this user may read"
        )
    return f"Docker's files in {directory} cannot be read: {error.strerror}; check the disk, or give --data-root"


def _log_path(directory: str, container_id: str, driver: str, recorded: str) -> str | None:
    """Re-base the recorded path on `directory`; before its first start a json-file container has none recorded."""
    default = f"{container_id}-json.log" if driver == "json-file" else None
    return rebase(recorded, directory) or rebase(default, directory)


def _read_json(path: str) -> Mapping[str, Any]:
    """Decode the JSON object in `path`; empty when there is none that can be read."""
    try:
        with open(path, "rb") as file:
            content = file.read(LARGEST + 1)
        return _mapping(orjson.loads(content)) if len(content) <= LARGEST else {}
    except (OSError, ValueError):
        return {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: Any) -> Mapping[str, str]:
    return {key: text for key, text in _mapping(value).items() if isinstance(text, str)}
