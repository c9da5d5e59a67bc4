"""Writes containers' metadata as dockerd does: by a temporary file and a rename."""

import json
import os
from pathlib import Path
from typing import Any

IDS = [f"{number:064x}" for number in range(0xA0, 0xA0 + 256)]


def replace_json(path: Path, content: Any) -> None:
    """Put `content` at `path` in one step."""
    temporary = path.with_name(".tmp-" + path.name)
    temporary.write_text(json.dumps(content))
    os.replace(temporary, path)


def write_container(
    data_root: Path,
    container_id: str,
    name: str = "web",
    image: str = "busybox:test",
    driver: str = "json-file",
    **more: Any,
) -> Path:
    """Write one container; `more` goes into config.v2.json. Returns its directory."""
    directory = data_root / "containers" / container_id
    directory.mkdir(parents=True, exist_ok=True)
    config = {
        "ID": container_id,
        "Name": f"/{name}",
        "Created": "2026-01-02T03:04:05.678901234Z",
        "State": {"Running": True},
        "Config": {"Image": image, "Tty": False, "Labels": {}},
        "LogPath": "",
    }
    replace_json(directory / "config.v2.json", config | more)
    replace_json(directory / "hostconfig.json", {"LogConfig": {"Type": driver, "Config": {}}})
    return directory
