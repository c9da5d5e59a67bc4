"""Faults at single operations of the store: each that changes the disk is counted, and the one that is asked for fails.

What is counted: writes, syncs, cuts, deletions and creations below the store's folder, and each statement of its database that
begins or ends a transaction or changes the file by itself.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

BY_PATH = ("unlink", "truncate", "mkdir")
BY_FILE = ("pwrite", "fdatasync", "fsync", "ftruncate")
STATEMENTS = ("BEGIN", "COMMIT", "PRAGMA JOURNAL_MODE", "PRAGMA USER_VERSION=")
BEFORE, HALF, AFTER = "before", "half", "after"

Strike = Callable[[str, str], None]
"""Called with an operation's name before and after it takes effect, and for a write also when half of it has; raises, or does nothing."""


class Operations:
    """While installed, calls `strike` around each operation on files below `folder`. Syncing is only done where `syncs` says so.

    `path` is the file or folder that the operation in hand is about; `durable` tells that transactions are synced.
    """

    def __init__(
        self, folder: Path, strike: Strike, *, syncs: bool = False, statements: tuple[str, ...] = STATEMENTS
    ) -> None:
        self._folder, self.strike, self.syncs = str(folder), strike, syncs
        self.path, self.durable, self.statements = "", False, statements
        self._real = {name: getattr(os, name) for name in (*BY_PATH, *BY_FILE, "open")}

    @contextmanager
    def installed(self) -> Iterator["Operations"]:
        """Take the place of the real operations."""
        connect = sqlite3.connect
        with pytest.MonkeyPatch.context() as patch:
            for name in BY_PATH:
                patch.setattr(os, name, self._by_path(name))
            for name in BY_FILE:
                patch.setattr(os, name, self._by_file(name))
            patch.setattr(os, "open", self._open)
            factory = type("Connection", (Connection,), {"operations": self})
            patch.setattr(sqlite3, "connect", lambda *args, **more: connect(*args, **more, factory=factory))
            yield self

    def around(self, name: str, act: Callable[[], Any]) -> Any:
        """Do `act`, an operation called `name`."""
        self.strike(name, BEFORE)
        result = act()
        self.strike(name, AFTER)
        return result

    def _by_path(self, name: str) -> Callable[..., Any]:
        real = self._real[name]

        def call(path: Any, *args: Any, **more: Any) -> Any:
            if not self._ours(path):
                return real(path, *args, **more)
            self.path = os.fspath(path)
            return self.around(name, lambda: real(path, *args, **more))

        return call

    def _by_file(self, name: str) -> Callable[..., Any]:
        real = self._real[name]

        def call(fd: int, *args: Any) -> Any:
            path = os.readlink(f"/proc/self/fd/{fd}")
            if not self._ours(path):
                return real(fd, *args)
            self.path = path
            if name == "pwrite":
                return self.around(name, lambda: self._write(fd, *args))
            skipped = "sync" in name and not self.syncs
            return self.around(name, lambda: None if skipped else real(fd, *args))

        return call

    def _write(self, fd: int, data: Any, at: int) -> int:
        written: int = self._real["pwrite"](fd, data[: len(data) // 2], at)
        self.strike("pwrite", HALF)
        return written + int(self._real["pwrite"](fd, data[written:], at + written))

    def _open(self, path: Any, flags: int, *args: Any, **more: Any) -> int:
        real = self._real["open"]
        if not flags & os.O_CREAT or not self._ours(path) or os.path.exists(path):
            return int(real(path, flags, *args, **more))
        self.path = os.fspath(path)
        self.strike("open", BEFORE)
        fd = int(real(path, flags, *args, **more))
        try:
            self.strike("open", AFTER)
        except BaseException:
            os.close(fd)
            raise
        return fd

    def _ours(self, path: Any) -> bool:
        return isinstance(path, str | os.PathLike) and os.fspath(path).startswith(self._folder)


class Connection(sqlite3.Connection):
    """A connection whose statements are operations; a script goes statement by statement."""

    operations: Operations

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        """Execute one statement."""
        if sql.startswith("PRAGMA synchronous="):
            self.operations.durable = sql.endswith("full")
            return super().execute(sql if self.operations.syncs else "PRAGMA synchronous=off")
        if not sql.lstrip().upper().startswith(self.operations.statements):
            return super().execute(sql, *values)
        run = super().execute
        try:
            return self.operations.around(sql.partition("(")[0].strip(), lambda: run(sql, *values))  # type: ignore[no-any-return]  # a cursor
        except BaseException:
            if sql.startswith("BEGIN") and self.in_transaction:  # whoever asked for it does not know that it has begun
                run("ROLLBACK")
            raise

    def executescript(self, script: str) -> sqlite3.Cursor:
        """Execute a script, whose statements are whole lines or ended by semicolons."""
        cursor = self.cursor()
        for statement in script.split(";"):
            if statement.strip():
                self.execute(statement)
        return cursor


class Killed(BaseException):
    """The process ends here."""


class Nth:
    """Strikes at the `number`th moment with `error`, and once more `again` moments later; counts moments, remembers what was struck."""

    def __init__(self, number: int, error: Callable[[], BaseException], *, again: int = 0) -> None:
        self.number, self._error, self._again = number, error, again
        self.seen, self.struck, self.resting = 0, "", False

    def __call__(self, name: str, phase: str) -> None:
        """Count, and raise when it is time; not while `resting`."""
        self.seen += not self.resting
        if not self.resting and self.seen in (self.number, self.number + self._again):
            self.struck += f"{phase} {name}. "
            raise self._error()
