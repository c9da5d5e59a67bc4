"""One container from its start to its removal, and what is known of its lines without asking the agent.

The writer keeps the numbers of the lines that it has begun and done in a file that both sides map (`servers/writer.c`), so that
they are known whatever becomes of it. A writer that ends in order has its lines in dockerd's file: dockerd reads its pipes to
their end. One that is removed while it writes may have lines that dockerd never took up; what counts then is dockerd's
file, which is held open across the removal. That is done only where dockerd does not begin new files meanwhile.
"""

import mmap
import os
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import docker
import orjson
from docker.types import LogConfig

from tests.real.servers.dockerd import IMAGE
from tests.real.servers.process import await_that
from tests.real.soak.kinds import Spec

HOLD, END, HELD = 16, 20, 24  # where they stand in `struct control`
PATIENCE = 60  # seconds
MOUNT = "/soak"


class Life:
    """The container `name` of the sort `spec`, whose log file is what `log_path` says of its id.

    `folder` is visible to the engine; the control file is made there. `last` has, once the life is over, by stream the last number
    that dockerd has in its file, or should have.
    """

    def __init__(self, name: str, spec: Spec, api: docker.APIClient, folder: Path, log_path: Callable[[str], Path]):
        self.name, self.spec, self.last = name, spec, dict[str, int]()
        self._api, self._folder, self._log_path = api, folder, log_path
        path = folder / name
        path.write_bytes(bytes(mmap.PAGESIZE))
        with path.open("r+b") as file:
            self._control = mmap.mmap(file.fileno(), mmap.PAGESIZE)

    def start(self) -> None:
        """Make the container and start it."""
        config = self._api.create_host_config(
            network_mode="none",
            binds=[f"{self._folder}:{MOUNT}"],
            log_config=LogConfig(type="json-file", config=dict(o.split("=") for o in self.spec.kind.options)),
        )
        command = self.spec.command(self.name, f"{MOUNT}/{self.name}")
        made = self._api.create_container(IMAGE, command, name=self.name, tty=self.spec.kind.tty, host_config=config)
        self.id: str = made["Id"]
        self._api.start(self.id)

    def restart(self) -> None:
        """`docker restart`: the writer ends between two lines, and goes on with the next number."""
        self._api.restart(self.id, timeout=PATIENCE)

    def hold(self, *, wanted: bool) -> None:
        """Ask the writer to wait between two lines, or to go on."""
        self._control[HOLD] = wanted

    @property
    def held(self) -> bool:
        """Whether it waits, or has ended."""
        return bool(self._control[HELD])

    def ask_end(self) -> None:
        """Ask the writer to end."""
        self._control[END] = 1

    def end(self) -> None:
        """Wait until the writer has ended as it was asked to; all that it wrote is then in dockerd's file."""
        self.ask_end()
        self._api.wait(self.id, timeout=PATIENCE)
        done, begun = self.done, struct.unpack_from("<Q", self._control, 0)[0]
        assert done == begun, f"{self.name} ended inside of line {begun}"
        self.last = {"stdout": done, "stderr": done}

    def remove(self) -> None:
        """`docker rm -f`: of a running writer where its file stays one file, else of one that has just ended."""
        if self.spec.kind.rotates or self.spec.kind.every_long:
            self.end()
            self._api.remove_container(self.id, force=True)
            return
        with self._log_path(self.id).open("rb") as file:
            self._api.remove_container(self.id, force=True)
            await_that(lambda: not os.fstat(file.fileno()).st_nlink, PATIENCE, lambda: f"{self.name} is not removed")
            self.last = last_numbers(file.read())

    def delete(self) -> None:
        """Remove what is left of the container, after the soak."""
        with suppress(docker.errors.NotFound):
            self._api.remove_container(self.name, force=True)

    def close(self) -> None:
        """Give the control file back."""
        self._control.close()

    @property
    def done(self) -> int:
        """The number of the last line that the writer has written."""
        return int(struct.unpack_from("<Q", self._control, 8)[0])


def last_numbers(content: bytes) -> dict[str, int]:
    """By stream the last number in a json-file; a record that is torn at its end is none."""
    last = {"stdout": 0, "stderr": 0}
    for line in content[: content.rfind(b"\n") + 1].splitlines():
        record = orjson.loads(line)
        if record["log"].endswith("\n"):
            last[record["stream"]] = int(record["log"].split(" ", 2)[1])
    return last
