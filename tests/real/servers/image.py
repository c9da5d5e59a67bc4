"""The image of the test containers, made here because no image registry is needed for it: busybox with all its applets, and `writer`."""

import io
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from tests.real.servers import cache
from tests.real.servers.process import Unavailable

WRITER_SOURCE = Path(__file__).with_name("writer.c")


def root_file_system() -> bytes:
    """A tar archive with /bin (busybox, its applets, writer) and /tmp; raises Unavailable without busybox or a C compiler."""
    busybox = find_busybox()
    applets = subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True).stdout.split()
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        add_file(tar, "bin/busybox", busybox.read_bytes())
        add_file(tar, "bin/writer", compile_writer())
        for applet in set(applets) - {"busybox"}:
            add_link(tar, f"bin/{applet}", "busybox")
        add_folder(tar, "tmp")
    return archive.getvalue()


def find_busybox() -> Path:
    """A busybox that needs no shared library: the one of a built engine, or else this host's."""
    candidates = [*cache.FOLDER.glob("engine-*/usr/bin/busybox"), Path("/usr/bin/busybox"), Path("/bin/busybox")]
    for candidate in candidates:
        if candidate.exists() and b"ld-linux" not in candidate.read_bytes()[:4096]:
            return candidate
    raise Unavailable(f"no static busybox for the test image: {cache.HOW}")


def compile_writer() -> bytes:
    """The program of writer.c, static."""
    if shutil.which("gcc") is None:
        raise Unavailable(f"no gcc for the writer in the test image: {cache.HOW}")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "writer"
        subprocess.run(["gcc", "-O2", "-static", "-o", program, WRITER_SOURCE], check=True)
        return program.read_bytes()


def add_file(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """Add an executable file."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o755
    tar.addfile(entry, io.BytesIO(content))


def add_link(tar: tarfile.TarFile, name: str, target: str) -> None:
    """Add a symbolic link."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    tar.addfile(entry)


def add_folder(tar: tarfile.TarFile, name: str) -> None:
    """Add an empty folder that everybody may write to."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, 0o1777
    tar.addfile(entry)
