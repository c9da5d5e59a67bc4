"""The Engine API: what the engine says about itself and its containers. Owns one client and a cache of its answers.

The docker SDK costs 0.13 CPU seconds and 18 MB: it is imported only after something has answered on the socket. Its
exceptions, and those of the libraries under it, become EngineError here and go no further.
"""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, cast
from urllib.parse import urlsplit

from logagent.engine.metadata import containers_directory, describe, is_container_id
from logagent.model import Container

if TYPE_CHECKING:
    from docker import APIClient

_log = logging.getLogger(__name__)

DEFAULT_URL = "unix:///var/run/docker.sock"
_UNIX_SCHEMES = frozenset({"unix", "http+unix"})
_TCP_SCHEMES = frozenset({"tcp", "http", "https"})


class EngineError(Exception):
    """The engine did not answer, or not with sense. It may do so later."""


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What `GET /info` tells; None where the engine does not say."""

    data_root: str | None
    version: str | None
    host_name: str | None


class Engine:
    """A Docker engine that answers at `url`. One thread at a time; `close` it at the end."""

    def __init__(self, client: "APIClient", info: EngineInfo, url: str, timeout: float) -> None:
        self._client = client
        self._address = (url, timeout)
        self._info = info
        self._inspected: dict[str, tuple[Any, Container]] = {}

    @classmethod
    def connect(cls, url: str | None = None, timeout: float = 10.0) -> Self | None:
        """Connect to `url` (else DOCKER_HOST, else the usual socket); None when no engine answers there.

        Waits `timeout` seconds for each answer, now and later. Says in the log what an operator can do something about.
        """
        url = engine_url(url)
        if not listens(url, timeout):
            return None
        client = None
        try:
            client = open_client(url, timeout)
            with _mapped("tell about itself"):
                return cls(client, _read_info(client.info()), url, timeout)
        except EngineError as error:
            _log.warning("no engine that we can talk to at %s: %s", url, error)
            if client:
                client.close()
            return None

    @property
    def data_root(self) -> str | None:
        """Where the engine keeps its data, as seen by itself."""
        return self._info.data_root

    @property
    def host_name(self) -> str | None:
        """The name of the engine's host."""
        return self._info.host_name

    def info(self) -> EngineInfo:
        """Ask the engine about itself again. Raises EngineError."""
        with self._asked_to("tell about itself"):
            self._info = _read_info(self._client.info())
        return self._info

    def containers(self) -> list[Container]:
        """List all containers, running or not; one that goes away meanwhile is left out. Raises EngineError.

        A container is inspected again only when its line in the list (names, state) is another.
        """
        with self._asked_to("list its containers"):
            listed = {line["Id"]: line for line in self._client.containers(all=True) if is_container_id(line["Id"])}
        for gone in self._inspected.keys() - listed.keys():
            del self._inspected[gone]
        found = (self._current(container_id, line) for container_id, line in listed.items())
        return [container for container in found if container]

    def container(self, container_id: str) -> Container | None:
        """Inspect one container; None when there is none of that id. Raises EngineError."""
        from docker.errors import NotFound

        with self._asked_to(f"describe container {container_id[:12]}"):
            try:
                answer = self._client.inspect_container(container_id)
            except NotFound:
                return None
            return self._describe(answer)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    @contextmanager
    def _asked_to(self, do: str) -> Iterator[None]:
        # The SDK never closes the socket of a connection that fails, so none is tried that will.
        if not listens(*self._address):
            raise EngineError(f"the Docker engine did not {do}: nothing listens at {self._address[0]}")
        with _mapped(do):
            yield

    def _current(self, container_id: str, line: dict[str, Any]) -> Container | None:
        mark = (line.get("Names"), line.get("State"))
        last = self._inspected.get(container_id)
        if last and last[0] == mark:
            return last[1]
        container = self.container(container_id)
        if container:
            self._inspected[container_id] = (mark, container)
        return container

    def _describe(self, answer: dict[str, Any]) -> Container | None:
        container_id = answer["Id"]
        if not is_container_id(container_id):
            return None
        logs = os.path.dirname(answer.get("LogPath") or "")
        directory = logs or f"{containers_directory(self._info.data_root or '/var/lib/docker')}/{container_id}"
        return describe(container_id, answer, answer.get("HostConfig") or {}, directory)


def engine_url(url: str | None = None) -> str:
    """Choose the engine's address: `url`, else the environment's DOCKER_HOST, else Docker's usual socket."""
    return url or os.environ.get("DOCKER_HOST") or DEFAULT_URL


def listens(url: str, timeout: float) -> bool:
    """Tell whether something accepts connections at `url`; schemes that only the SDK knows are taken to."""
    parts = urlsplit(url)
    try:
        if parts.scheme in _UNIX_SCHEMES:
            _try_socket(f"{parts.netloc}{parts.path}", timeout)
        elif parts.scheme in _TCP_SCHEMES:
            socket.create_connection((parts.hostname, parts.port or 2375), timeout).close()
    except PermissionError:
        _log.warning("this user (uid %d) may not use the Docker socket at %s; add it to its group", os.geteuid(), url)
        return False
    except (OSError, ValueError) as error:
        _log.debug("nothing listens at %s: %s", url, error)
        return False
    return True


def open_client(url: str, timeout: float) -> "APIClient":
    """Make the SDK's client, after asking the engine for its API version. Raises EngineError.

    TLS follows DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, as the docker command does.
    """
    from docker import APIClient
    from docker.constants import DEFAULT_DOCKER_API_VERSION
    from docker.utils import kwargs_from_env

    with _mapped("say which API version it has"):
        where = cast("dict[str, Any]", kwargs_from_env(environment={**os.environ, "DOCKER_HOST": url}))
        where["timeout"] = timeout
        # Asked by its constructor, a client that gets no good answer could not be closed.
        with closing(APIClient(version=DEFAULT_DOCKER_API_VERSION, **where)) as client:
            version = client.version(api_version=False)["ApiVersion"]
        return APIClient(version=version, **where)


def _try_socket(path: str, timeout: float) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout)
        connection.connect(path)


def _read_info(answer: dict[str, Any]) -> EngineInfo:
    root, version, name = (answer.get(key) for key in ("DockerRootDir", "ServerVersion", "Name"))
    return EngineInfo(_text(root), _text(version), _text(name))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


@contextmanager
def _mapped(doing: str) -> Iterator[None]:
    """Turn what the SDK, the libraries under it and an answer of another shape raise into EngineError."""
    from docker.errors import DockerException
    from requests import RequestException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except (DockerException, RequestException, HTTPError, OSError) as error:
        raise EngineError(f"the Docker engine did not {doing}: {error}") from error
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise EngineError(f"the Docker engine did not {doing}: its answer makes no sense ({error!r})") from error
