"""A private Docker Engine: its own data root, sockets, containerd and mounts, so that it lives beside any other on the host.

The daemon runs in a mount namespace that a sleeping process keeps: what it mounts is seen nowhere else, goes with it, and
outlives a restart of the daemon. The temporary folder is the same inside and outside, so the agent under test reads the
container files at the paths that the daemon names. Containers have no network; the daemon touches no firewall rule.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tests.real.servers import cache
from tests.real.servers.image import root_file_system
from tests.real.servers.process import Server, Unavailable, await_that, remove_folder

IMAGE = "busybox:test"
SUITES = {"20.10": "bookworm", "28.5": "forky"}
"""Which Debian carries which engine; forky moves on, then its engine does too: `Engine.version` is what really runs."""

NAMESPACE = """
mkdir -p "$1$2"
if [ "$1" != / ]; then
    mount --bind "$1" "$1"
    for folder in proc sys dev; do mount --rbind "/$folder" "$1/$folder"; done
    mount --bind "$2" "$1$2"
fi
mount -t tmpfs tmpfs "$1/run"
touch "$3"
exec chroot "$1" sleep infinity
"""
"""Arguments: the root file system, the temporary folder, a file to make when all is mounted."""


def root_of(name: str) -> Path:
    """The file system that holds engine `name`: this host's own where it is that engine, else one of Debian's."""
    if os.geteuid() != 0:
        raise Unavailable(f"Docker Engine {name} needs root")
    if name == "20.10" and f" {name}." in host_version():
        return Path("/")
    root = cache.FOLDER / f"engine-{SUITES[name]}"
    if not root.exists():
        raise Unavailable(f"Docker Engine {name} is not installed: {cache.HOW}")
    return root


def host_version() -> str:
    """What this host's dockerd says of itself; empty when there is none."""
    if shutil.which("dockerd") is None:
        return ""
    return subprocess.run(["dockerd", "--version"], check=False, capture_output=True, text=True).stdout


class Engine:
    """One running Docker Engine. `flags` go to dockerd (for example `--live-restore`, `--log-opt=max-size=1m`).

    With `linked` its data root is a symbolic link to a folder. `socket` is its address ("unix://…"), `data_root` its folder, `version`
    what it says of itself, `pid` the daemon's process.
    """

    def __init__(self, name: str, flags: Sequence[str] = (), *, linked: bool = False) -> None:
        self.name = name
        self.flags = tuple(flags)
        self._root = root_of(name)
        image = root_file_system()
        self.folder = Path(tempfile.mkdtemp(prefix=f"logagent-engine-{name}-"))
        self.socket = f"unix://{self.folder}/s"
        self.data_root = self.folder / "data"
        if linked:
            (self.folder / "disk").mkdir()
            self.data_root.symlink_to(self.folder / "disk")
        try:
            self._enter()
            self.start_daemon()
            self.docker("import", "--change", "ENV PATH=/bin", "-", IMAGE, stdin=image)
        except BaseException:
            self.stop()
            raise

    def _enter(self) -> None:
        ready = self.folder / "mounted"
        unshare = ["unshare", "--mount", "--propagation", "private", "sh", "-euc", NAMESPACE, "sh"]
        self._namespace = Server(
            [*unshare, self._root, tempfile.gettempdir(), ready],
            self.folder / "namespace.log",
        )
        self._namespace.await_ready(ready.exists, 10)

    def _inside(self, *command: str) -> list[str]:
        return ["nsenter", "--target", str(self._namespace.pid), "--mount", "--root", *command]

    def start_daemon(self) -> None:
        """Start dockerd and wait until it answers; raises RuntimeError with its log's end if it does not."""
        places = (
            "--data-root",
            str(self.data_root),
            "--exec-root",
            f"{self.folder}/exec",
            "--pidfile",
            f"{self.folder}/pid",
        )
        network = ("--iptables=false", "--ip6tables=false", "--bridge=none")
        command = self._inside("dockerd", *places, "--host", self.socket, *network, *self.flags)
        self._daemon = Server(command, self.folder / "dockerd.log")
        self._daemon.await_ready(self._answers, 60)

    def _answers(self) -> bool:
        self.version = self.docker("version", "--format", "{{.Server.Version}}", check=False).stdout.decode().strip()
        return self.version != ""

    @property
    def pid(self) -> int:
        """The process id of dockerd."""
        return self._daemon.pid

    def docker(
        self, *args: str, check: bool = True, stdin: bytes = b"", timeout: float = 120
    ) -> subprocess.CompletedProcess[bytes]:
        """Run the engine's own docker command; raises AssertionError with its stderr when it fails and `check` is set."""
        command = self._inside("docker", "--host", self.socket, *args)
        done = subprocess.run(command, check=False, capture_output=True, input=stdin, timeout=timeout)
        if check and done.returncode != 0:
            raise AssertionError(
                f"docker {' '.join(args)}: status {done.returncode}: {done.stderr.decode(errors='replace')}"
            )
        return done

    def run(self, name: str, *docker_args: str, image: str = IMAGE, command: Sequence[str]) -> str:
        """Start a container in the background and return its full id; a former one of that name is removed first."""
        self.remove(name)
        settings = ("--network", "none", "--stop-timeout", "1", *docker_args)
        return self.docker("run", "--detach", "--name", name, *settings, image, *command).stdout.decode().strip()

    def wait(self, name: str, timeout: float = 120) -> int:
        """Wait until the container has ended; its status."""
        return int(self.docker("wait", name, timeout=timeout).stdout)

    def logs(self, name: str, *args: str) -> tuple[bytes, bytes]:
        """What `docker logs` prints on stdout and on stderr."""
        done = self.docker("logs", *args, name)
        return done.stdout, done.stderr

    def remove(self, *names: str) -> None:
        """Remove containers, running or not, with their logs; those that do not exist are none."""
        self.docker("rm", "--force", "--volumes", *names, check=False)

    def clean(self) -> None:
        """Remove all containers."""
        if ids := self.docker("ps", "--all", "--quiet").stdout.decode().split():
            self.remove(*ids)

    def log_path(self, container_id: str) -> Path:
        """The live json-file log of the container with this full id."""
        return self.data_root / "containers" / container_id / f"{container_id}-json.log"

    def stop_daemon(self) -> None:
        """Stop dockerd; without `--live-restore` it stops its containers first."""
        self._daemon.stop()

    def kill_daemon(self) -> None:
        """End dockerd without warning, and its containerd; containers go on where it has `--live-restore`."""
        self._daemon.signal(signal.SIGKILL)
        self._daemon.stop()
        pid_file = self.folder / "exec/containerd/containerd.pid"
        pid = int(pid_file.read_text())
        if f"{self.folder}/" in command_of(pid):
            os.kill(pid, signal.SIGKILL)
        await_that(lambda: command_of(pid) == "", 10, lambda: f"containerd {pid} does not end")
        pid_file.unlink()  # engines before 23 take one that is dead and not yet reaped for a running one

    def restart_daemon(self) -> None:
        """Stop dockerd and start it again on the same data."""
        self.stop_daemon()
        self.start_daemon()

    def stop(self) -> None:
        """Remove the containers, end the processes, delete the folder."""
        try:
            if hasattr(self, "_daemon"):
                self._clear()
        finally:
            end_shims(self.folder)
            if hasattr(self, "_namespace"):
                self._namespace.stop()
            remove_folder(self.folder)

    def _clear(self) -> None:
        if self.version and not self._daemon.running():
            self.start_daemon()  # the containers that it left running would outlive their folder
        if self._daemon.running():
            self.clean()
        self._daemon.stop()


def end_shims(folder: Path) -> None:
    """End what an engine that could not remove its containers left of them: the shims of its containerd, and their children."""
    for pid in [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]:
        if "containerd-shim" in (command := command_of(pid)) and f"{folder}/" in command:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            for doomed in (*map(int, children), pid):
                with suppress(ProcessLookupError):
                    os.kill(doomed, signal.SIGKILL)


def command_of(pid: int) -> str:
    """The command line of a process; empty when there is none, or a dead one."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
