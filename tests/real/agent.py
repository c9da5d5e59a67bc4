"""The agent under test, started as a user starts it: the installed command, its settings by flags and environment."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import orjson

from logagent.store.catalog import Catalog
from tests.real.servers.process import END_WITH_PARENT, await_that, free_port

COMMAND = Path(sys.executable).with_name("logagent")


class RunningAgent:
    """`logagent run` on `data_root` with the store `store`, shipping to `urls`; may be killed and started again."""

    def __init__(
        self, data_root: Path, store: Path, *urls: str, socket: str = "", settings: Mapping[str, str] | None = None
    ) -> None:
        self.store, self.port = store, free_port()
        self.log = store.with_suffix(".log")
        self._command: list[str | Path] = [COMMAND, "run", "--data-root", data_root, "--store", store]
        for url in urls:
            self._command += ["--output", url]
        given = {"LOGAGENT_WEB__PORT": str(self.port), "LOGAGENT_STORE__MIN_FREE": "0", **(settings or {})}
        self.env = {
            **os.environ,
            **given,
            **({"DOCKER_HOST": socket} if socket else {"LOGAGENT_ENGINE__ENABLED": "off"}),
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [*END_WITH_PARENT, *self._command], env=self.env, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )

    def once(self) -> int:
        """Run it with `--once` to its end; the exit status."""
        with self.log.open("ab") as output:
            return subprocess.run(
                [*self._command, "--once"], env=self.env, stdout=output, stderr=output, check=False, timeout=120
            ).returncode

    def kill(self) -> None:
        """End it without warning."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> int:
        """Ask it to stop; the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def ready(self) -> bool:
        """Whether it has looked at all logs that there were at its start; whether an output takes anything is no matter."""
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5).close()
        except urllib.error.HTTPError as error:
            with error:
                return b"looked up" not in error.read()
        except OSError:
            return False
        return True

    def await_delivered(self, seconds: float) -> None:
        """Wait until all that the containers wrote is read, stored and delivered."""
        await_that(self._delivered, seconds, lambda: f"not all was delivered in time: {self.status()}\n{self.tail()}")

    def await_stored(self, events: int, seconds: float) -> None:
        """Wait until the store has taken `events` events."""
        await_that(
            lambda: self.total("stored") >= events, seconds, lambda: f"{self.total('stored')} stored:\n{self.tail()}"
        )

    def _delivered(self) -> bool:
        status = self.status()
        return all(s["lag_bytes"] == 0 for s in status["sources"]) and all(o["waiting"] == 0 for o in status["outputs"])

    def status(self) -> dict[str, list[dict[str, object]]]:
        """What `logagent status --json` says."""
        done = subprocess.run(
            [COMMAND, "status", "--json", "--store", self.store], capture_output=True, check=False, timeout=60
        )
        assert done.stdout, done.stderr.decode()
        return orjson.loads(done.stdout)  # type: ignore[no-any-return]  # the shape is the command's

    def total(self, name: str) -> int:
        """One number of the accounting."""
        return sum(self.totals(name).values())

    def totals(self, name: str) -> dict[str, int]:
        """One number of the accounting, by reason."""
        catalog = Catalog(self.store / "catalog.db", read_only=True)
        try:
            return {reason: n for (key, reason), n in catalog.totals().items() if key == name}
        finally:
            catalog.close()

    def memory(self) -> int:
        """Resident memory in bytes."""
        assert self.process is not None
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def gaps(self) -> dict[str, int]:
        """Gaps by container name."""
        catalog = Catalog(self.store / "catalog.db", read_only=True)
        try:
            return {s.name: s.gaps for s in catalog.sources()}
        finally:
            catalog.close()

    def tail(self) -> str:
        """The end of what it printed."""
        return self.log.read_text(errors="replace")[-3000:]
