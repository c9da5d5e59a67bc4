"""Directory events: who was made, renamed or deleted, so that a rotation or a new container is seen at once.

Only events of names are asked of the kernel, never one for each written line. Missing an event loses nothing: sources are
polled, and everything is compared with the directory every few seconds anyway. Without inotify only latency is lost.
"""

import logging
from collections.abc import Callable

from watchdog.events import (
    EVENT_TYPE_CREATED,
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

log = logging.getLogger(__name__)

KINDS: list[type[FileSystemEvent]] = [
    FileCreatedEvent,
    FileMovedEvent,
    FileDeletedEvent,
    DirCreatedEvent,
    DirMovedEvent,
    DirDeletedEvent,
]


class Watch(FileSystemEventHandler):
    """Calls `touched` with the name of the container's directory below `folder` in which something happened, and of the file that was made ("": none)."""

    def __init__(self, folder: str, touched: Callable[[str, str], None]) -> None:
        self._folder, self._touched = folder, touched
        self._observer = Observer()

    def start(self) -> None:
        """Begin watching; says so when that is impossible, and polling alone has to do."""
        try:
            self._observer.schedule(self, self._folder, recursive=True, event_filter=KINDS)
            self._observer.start()
        except OSError as error:
            log.warning("%s cannot be watched (%s): new files are found by polling", self._folder, error)

    def stop(self) -> None:
        """End watching."""
        if self._observer.is_alive():
            self._observer.stop()
            self._observer.join(5)

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Tell which container's directory the event belongs to, and which file in it is new."""
        path = str(event.src_path)
        if path.startswith(self._folder + "/"):
            container, _, name = path[len(self._folder) + 1 :].partition("/")
            self._touched(container, name if event.event_type == EVENT_TYPE_CREATED else "")
