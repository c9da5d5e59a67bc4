"""Lines into a file: whole, on disk, in the file that has the name; and which of a frame's documents can be written at all."""

import errno
import os
import stat
import subprocess
import sys

import pytest

from logagent.ship.body import pack
from logagent.ship.ndjson import File, documents
from tests.ship.conftest import pair

DOCUMENT = [pair(n).partition(b"\n")[2] for n in range(3)]


@pytest.fixture
def file(tmp_path):
    """The file `out`, which is not there yet."""
    made = File(tmp_path / "out")
    yield made
    made.close()


def test_documents():
    """A frame's documents stand without their actions, each on a line."""
    assert (b"".join(DOCUMENT), []) == documents(pack([pair(n) for n in range(3)]), 3)


def test_documents_of_a_damaged_frame():
    """What can be read of a damaged frame is written, and which items are lost is told."""
    member = pack([pair(n, os.urandom(600).hex()) for n in range(9)])
    lines, lost = documents(member[: len(member) // 2], 9)
    whole = lines.count(b"\n")
    assert 0 < whole < 9
    assert list(range(whole, 9)) == lost


def test_frame_that_has_too_few():
    """A frame that has fewer documents than the catalog says: the others are lost."""
    assert (DOCUMENT[0], [1]) == documents(pack([pair(0)]), 2)


def test_appends(file, tmp_path):
    """Lines come behind what is there; who may read them is not everybody."""
    file.write(b"{}\n")
    file.close()
    file.write(b"{1}\n")
    assert b"{}\n{1}\n" == (tmp_path / "out").read_bytes()
    assert 0 == stat.S_IMODE((tmp_path / "out").stat().st_mode) & 0o027


def test_renamed_away(file, tmp_path):
    """When logrotate has renamed the file, the next lines go into a new one of the old name."""
    file.write(b"old\n")
    (tmp_path / "out").rename(tmp_path / "out.1")
    file.write(b"new\n")
    assert (b"old\n", b"new\n") == ((tmp_path / "out.1").read_bytes(), (tmp_path / "out").read_bytes())


def test_renamed_and_made_anew(file, tmp_path):
    """A file that somebody else made under the name meanwhile is appended to."""
    file.write(b"old\n")
    (tmp_path / "out").rename(tmp_path / "out.1")
    (tmp_path / "out").write_bytes(b"# made by logrotate\n")
    file.write(b"new\n")
    assert b"# made by logrotate\nnew\n" == (tmp_path / "out").read_bytes()


def test_torn_line_is_ended(file, tmp_path):
    """A line that a crash left torn, or somebody's last line, is ended, and nothing of it is taken away."""
    (tmp_path / "out").write_bytes(b'{"torn')
    file.write(b"{}\n")
    assert b'{"torn\n{}\n' == (tmp_path / "out").read_bytes()


def test_what_did_not_fit_is_taken_back(file, tmp_path, monkeypatch):
    """A disk that gets full in the middle of a frame leaves no half of it behind."""
    file.write(b"before\n")
    write, left = os.write, [3]

    def small(fd, data):
        if not left[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken, left[0] = left[0], 0
        return write(fd, bytes(data)[:taken])

    monkeypatch.setattr("logagent.ship.ndjson.os.write", small)
    with pytest.raises(OSError, match="No space"):
        file.write(b"after\n")
    assert b"before\n" == (tmp_path / "out").read_bytes()


def test_synced(file, monkeypatch):
    """Lines are on disk before writing returns; a device that cannot sync is no failure."""
    synced: list[int] = []
    monkeypatch.setattr("logagent.ship.ndjson.os.fdatasync", synced.append)
    file.write(b"x\n")
    assert 1 == len(synced)


def test_pipe_without_reader(tmp_path):
    """A named pipe that nobody reads keeps nobody waiting at opening."""
    os.mkfifo(tmp_path / "fifo")
    pipe = File(tmp_path / "fifo")
    pipe.write(b"x\n")
    pipe.close()


def test_no_folder(tmp_path):
    """A folder that is not there is told, and not made."""
    with pytest.raises(FileNotFoundError):
        File(tmp_path / "none/out").write(b"x\n")


def test_stdout():
    """To stdout go the bytes and nothing else."""
    program = "from logagent.ship.ndjson import Stdout; Stdout().write(b'{}\\n' * 100_000)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, timeout=60)
    assert b"{}\n" * 100_000 == done.stdout
