"""The constant part of a container's documents: everything that is the same for each of its lines (ECS 8.11).

It is encoded once per container and glued behind each line. Labels and names come from outside: they only ever become JSON
strings. A dot in a label's key would make an object of it in Elasticsearch, and two labels `a` and `a.b` a mapping conflict
that costs events, so dots are replaced; for a key that is blank it refuses the whole document, so such labels are left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import orjson

from logagent import __version__
from logagent.model import Container, Target
from logagent.parse.target import default

ECS_VERSION = "8.11.0"
LONGEST_LABEL = 1024  # characters of a label's value, and of its key: what the default mapping would index


@dataclass(frozen=True, slots=True)
class Origin:
    """Where documents come from: the host, and the agent on it. `host_id` may be empty."""

    host: str
    host_id: str
    agent_id: str


@dataclass(frozen=True, slots=True)
class Choice:
    """What the operator wants in documents; the defaults are the settings' defaults."""

    dataset: str = "docker.container_logs"
    namespace: str = "default"
    stream_labels: bool = True
    max_streams: int = 64
    label_dots: str = "_"
    labels_include: tuple[str, ...] = ("*",)
    max_labels: int = 64
    log_offset: bool = True
    file_path: bool = False


@dataclass(frozen=True, slots=True)
class Constant:
    """The encoded part: all members up to the beginning of `event`, which is the last one and is open.

    `log` is the template of the members of the `log` object; it may take the record's offset. `index` is what stands behind the
    id in the action lines: the name of the data stream where that is another one than the default, in bytes that are ours.
    """

    shared: bytes
    log: bytes
    index: bytes = b""

    def at(self, created: str) -> bytes:
        """Give the members of the object, without its braces; `created` is when a batch was read. `event` can be continued."""
        return self.shared + b',"kind":"event","created":"' + created.encode() + b'"}'


def constant(container: Container, origin: Origin, choice: Choice, target: Target | None = None) -> Constant:
    """Encode what all documents of `container` share; without a `target` they go to the default one."""
    target = target or default(choice.dataset, choice.namespace)
    fields = {
        "container": _container(container, choice),
        "host": _host(origin),
        "agent": {"type": "logagent", "version": __version__, "id": origin.agent_id, "name": _clean(origin.host)},
        "ecs": {"version": ECS_VERSION},
        "data_stream": {"type": "logs", "dataset": target.dataset, "namespace": target.namespace},
        **({"service": {"name": _clean(container.service)}} if container.service else {}),
        "input": {"type": "container"},
        "event": {"dataset": target.dataset},
    }
    encoded = orjson.dumps(fields)[1:-2]
    index = b',"_index":' + orjson.dumps(target.stream) if target.own else b""
    return Constant(encoded, _log(container, choice), index)


def _log(container: Container, choice: Choice) -> bytes:
    path = orjson.dumps(_clean(container.log_path or "")).replace(b"%", b"%%")
    members = [b'"offset":%d'] if choice.log_offset else []
    members += [b'"file":{"path":' + path + b"}"] if choice.file_path and container.log_path else []
    return b",".join(members)


def _container(container: Container, choice: Choice) -> dict[str, Any]:
    image = container.image
    labels = _labels(container.labels, choice)
    return {
        "id": container.id,
        "name": _clean(container.name),
        "runtime": "docker",
        "image": {
            "name": _clean(image.name),
            **({"tag": [_clean(image.tag)]} if image.tag else {}),
            **({"hash": {"all": [_clean(image.digest)]}} if image.digest else {}),
        },
        **({"labels": labels} if labels else {}),
    }


def _host(origin: Origin) -> dict[str, Any]:
    host: dict[str, Any] = {"name": _clean(origin.host), "hostname": _clean(origin.host)}
    return host | ({"id": _clean(origin.host_id)} if origin.host_id else {}) | {"os": {"type": "linux"}}


def _labels(labels: Mapping[str, str], choice: Choice) -> dict[str, str]:
    wanted = [k for k in sorted(labels) if any(fnmatchcase(k, pattern) for pattern in choice.labels_include)]
    return {
        key[:LONGEST_LABEL]: _clean(labels[k])[:LONGEST_LABEL]
        for k in wanted[: choice.max_labels]
        if (key := _clean(k).replace(".", choice.label_dots)).strip()
    }


def _clean(text: str) -> str:
    # A lone surrogate, from a file with broken escapes, cannot be encoded.
    return text.encode("utf-8", "replace").decode()
