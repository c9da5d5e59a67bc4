"""Starting, awaiting and ending the servers of the tests: every process is ours, and is ended by its own id.

A server also ends when the test run itself is killed: the kernel sends it SIGTERM when its parent goes (setpriv).
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

END_WITH_PARENT = ("setpriv", "--pdeathsig", "TERM")


class Unavailable(Exception):  # noqa: N818 - it is a state of this machine, no fault
    """A real server cannot be had here; the text is the reason, and what to do."""


def free_port() -> int:
    """A TCP port of the loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def await_that(condition: Callable[[], bool], seconds: float, otherwise: Callable[[], str]) -> None:
    """Return as soon as `condition` holds; raise TimeoutError with `otherwise()` when it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(otherwise())
        time.sleep(0.05)


def remove_folder(folder: Path) -> None:
    """Delete a folder, again for a while as something ending may still write in it."""

    def gone() -> bool:
        shutil.rmtree(folder, ignore_errors=True)
        return not folder.exists()

    await_that(gone, 10, lambda: f"{folder} cannot be deleted: is something still running in it?")


class Server:
    """One started process in a group of its own, whose output goes to the file `log`."""

    def __init__(self, command: Sequence[str | Path], log: Path, env: Mapping[str, str] | None = None) -> None:
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [*END_WITH_PARENT, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id (setpriv becomes the command, so it is the command's own)."""
        return self._process.pid

    def await_ready(self, ready: Callable[[], bool], seconds: float) -> None:
        """Return when `ready()`; raise RuntimeError with the log's end when the process ends first or time is up."""
        try:
            await_that(lambda: not self.running() or ready(), seconds, lambda: "it did not answer in time")
        except TimeoutError as error:
            raise RuntimeError(f"{error}: {self.log_end()}") from error
        if not self.running():
            raise RuntimeError(f"it ended with status {self._process.returncode}: {self.log_end()}")

    def running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and to what it started in its group."""
        if self.running():
            os.killpg(self._process.pid, number)

    def stop(self, seconds: float = 30) -> None:
        """End it: SIGTERM to the process, and SIGKILL to its group when it is still there after `seconds`."""
        if not self.running():
            return
        self._process.terminate()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self._process.wait()

    def log_end(self) -> str:
        """The last 2000 characters of its output."""
        return self.log.read_text(errors="replace")[-2000:]
