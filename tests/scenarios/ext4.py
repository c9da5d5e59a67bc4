"""A file system of its own whose power can be cut: an ext4 image on a loop device. Needs root."""

import fcntl
import os
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SHUTDOWN = 0x8004587D  # FS_IOC_SHUTDOWN (linux: fs/ext4/ioctl.c)
LOSE_THE_LOG = (
    2  # EXT4_GOING_FLAGS_NOLOGFLUSH: nothing more reaches the disk, not even what the journal holds in memory
)


class Ext4:
    """The file system in `image`, mounted at `place`."""

    def __init__(self, image: Path, place: Path) -> None:
        self._image, self.place = image, place

    def mount(self) -> None:
        """Mount it, with what reached the disk."""
        run("mount", "-o", "loop", self._image, self.place)

    def cut(self, *, names_kept: bool) -> None:
        """Cut the power: what was not synced is lost, and every file that is open fails from now on.

        `names_kept`: what was created and deleted has reached the disk, as it does every 5 s, long before what was written.
        """
        fd = os.open(self.place, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if names_kept:
                os.fsync(fd)
            fcntl.ioctl(fd, SHUTDOWN, struct.pack("I", LOSE_THE_LOG))
        finally:
            os.close(fd)

    def unmount(self) -> None:
        """Unmount it; all files must be closed."""
        run("umount", self.place)


@contextmanager
def ext4(folder: Path, size: int = 32 << 20) -> Iterator[Ext4]:
    """A new file system below `folder`, mounted; skips the test where none can be had."""
    if os.geteuid():
        pytest.skip("mounting a file system needs root")
    image, place = folder / "image", folder / "disk"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(size)
    disk = Ext4(image, place)
    try:
        run("mkfs.ext4", "-q", "-F", image)
        disk.mount()
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no file system of our own can be mounted here: {error}")
    try:
        yield disk
    finally:
        while place.is_mount():
            run("umount", "--lazy", place)
        image.unlink()


def run(*command: object) -> None:
    """Run a command; its words are in the error when it fails."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, done.args, done.stdout, done.stderr)
