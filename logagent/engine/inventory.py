"""What containers there are now. Owns the last known answer; whoever needs it asks `refresh` for what changed.

The data root's files are read first, each once: a container is read again only when one of its two files was replaced.
The Engine API is asked only for what has no readable files, or for everything when the data root cannot be read at all.
A source that cannot answer for the moment removes nothing: its containers stay as they were last known. As long as a
container's directory is there, so is the container.
"""

import logging
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from logagent.engine.api import EngineError
from logagent.engine.metadata import (
    CONFIG,
    HOSTCONFIG,
    containers_directory,
    read_container,
    rebase,
    scan_container_ids,
)
from logagent.model import Container

_log = logging.getLogger(__name__)

_RETRY = 5.0  # seconds until what could not be told is asked again

_Stamp = tuple[int, int] | None  # (mtime in ns, inode) of a file; dockerd replaces files, it never writes into them


class Api(Protocol):
    """What the inventory asks of the Engine API. Both raise EngineError."""

    def containers(self) -> list[Container]:
        """All containers, running or not."""

    def container(self, container_id: str) -> Container | None:
        """One container; None when there is none of that id."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What one refresh found: new containers, those whose description changed, and the ids of those that are gone."""

    added: tuple[Container, ...] = ()
    changed: tuple[Container, ...] = ()
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


class _Reading(NamedTuple):
    """What a container's directory told, good until its files' stamps are others or the time is up."""

    stamps: tuple[_Stamp, _Stamp]
    until: float
    container: Container | None


class Inventory:
    """The containers of one engine. `data_root` is None when only the API is to be asked, `api` when there is none."""

    def __init__(self, data_root: str | None, api: Api | None = None) -> None:
        self._directory = containers_directory(data_root) if data_root else None
        self._api = api
        self._api_after = -math.inf
        self._readings: dict[str, _Reading] = {}
        self._known: dict[str, Container] = {}
        self._readable = True

    @property
    def containers(self) -> Mapping[str, Container]:
        """The containers by id, as of the last refresh."""
        return self._known

    def refresh(self, now: float) -> Changes:
        """Look at what is there now (`now`: seconds; a clock that is set back delays nothing) and return what changed."""
        ids = self._scan()
        current = self._from_api(now) if ids is None else self._from_files(ids, now)
        if current is None:
            return Changes()
        changes = compare(self._known, current)
        self._known = current
        return changes

    def present(self, container_id: str) -> bool:
        """Tell whether the container's directory is there, or may be: nobody says otherwise."""
        return self._directory is None or os.path.isdir(f"{self._directory}/{container_id}")

    def _scan(self) -> list[str] | None:
        """List the container directories; None when there is none to read. Says so once."""
        if self._directory is None:
            return None
        try:
            ids = scan_container_ids(self._directory)
        except OSError as error:
            if self._readable:
                _log.warning("%s cannot be read (%s)%s", self._directory, error.strerror, self._instead())
            self._readable = False
            return None
        self._readable = True
        return ids

    def _instead(self) -> str:
        return "; asking the Engine API instead" if self._api else "; containers are taken as last known"

    def _from_files(self, ids: list[str], now: float) -> dict[str, Container]:
        self._forget(ids)
        found = ((container_id, self._look(container_id, now)) for container_id in ids)
        return {container_id: container for container_id, container in found if container}

    def _forget(self, ids: Iterable[str]) -> None:
        for gone in self._readings.keys() - set(ids):
            del self._readings[gone]

    def _look(self, container_id: str, now: float) -> Container | None:
        """Return the container of a directory, reading it only when it may tell something new.

        One without the file is being made or removed: the engine, which is busy with just that, is asked only if it stays so.
        """
        directory = f"{self._directory}/{container_id}"
        # Stamps come before the reading: a file that is replaced in between is read once more, never missed.
        stamps = (_stamp(f"{directory}/{CONFIG}"), _stamp(f"{directory}/{HOSTCONFIG}"))
        last = self._readings.get(container_id)
        if last and last.stamps == stamps and _before(now, last.until):
            return last.container
        container = read_container(directory)
        until = math.inf if container else now + _RETRY
        if container is None and not (_absent(f"{directory}/{CONFIG}") and (last is None or last.stamps != stamps)):
            container = self._ask(container_id, now)
        container = container or self._known.get(container_id)
        self._readings[container_id] = _Reading(stamps, until, container)
        return container

    def _ask(self, container_id: str, now: float) -> Container | None:
        """Ask the API for one container; None when it does not know, or does not answer."""
        if self._api is None or _before(now, self._api_after):
            return None
        try:
            return self._here(self._api.container(container_id))
        except EngineError as error:
            self._put_off(error, now)
            return None

    def _from_api(self, now: float) -> dict[str, Container] | None:
        """Ask the API for all containers; None when it does not answer."""
        if self._api is None or _before(now, self._api_after):
            return None
        try:
            found = [self._here(container) for container in self._api.containers()]
        except EngineError as error:
            self._put_off(error, now)
            return None
        return {container.id: container for container in found if container}

    def _here(self, container: Container | None) -> Container | None:
        """Put the log path where we would read it, for the engine's own view of the paths may be another."""
        if container is None or self._directory is None:
            return container
        return replace(container, log_path=rebase(container.log_path, f"{self._directory}/{container.id}"))

    def _put_off(self, error: EngineError, now: float) -> None:
        _log.info("%s; asking again in %g s", error, _RETRY)
        self._api_after = now + _RETRY


def compare(before: Mapping[str, Container], after: Mapping[str, Container]) -> Changes:
    """Tell what leads from one state to the other. Pure."""
    return Changes(
        added=tuple(container for container_id, container in after.items() if container_id not in before),
        changed=tuple(
            container
            for container_id, container in after.items()
            if (old := before.get(container_id)) is not None and old is not container and old != container
        ),
        removed=tuple(container_id for container_id in before if container_id not in after),
    )


def _before(now: float, until: float) -> bool:
    """Tell whether the wait until `until` goes on: no wait is longer than `_RETRY`, so a clock far before it was set back."""
    return until == math.inf or until - _RETRY <= now < until


def _stamp(path: str) -> _Stamp:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_ino)


def _absent(path: str) -> bool:
    try:
        os.stat(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False
