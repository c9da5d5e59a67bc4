"""The writer rotates and compresses as dockerd does."""

import fcntl
import gzip
import json
import os
import struct

import pytest

from logagent.demo.record import render_time
from logagent.demo.writer import LogWriter

ID = "ab" * 32


def _files(folder):
    return sorted(name.removeprefix(f"{ID}-json.log") for name in os.listdir(folder))


def _lines(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
        return [json.loads(line)["log"] for line in file]


def _print(writer, numbers):
    for number in numbers:
        writer.write("stdout", b"%d\n" % number, number)


def test_file_exceeds_its_limit_by_one_record(tmp_path):
    """The size is compared before each record, so the one that crosses the limit still goes into the file."""
    with LogWriter(str(tmp_path), ID, max_size=200, max_file=2) as writer:
        _print(writer, range(1, 5))
        sizes = [os.path.getsize(f"{writer.path}.1"), os.path.getsize(writer.path)]
    record = sizes[1]
    assert sizes[0] == 3 * record
    assert 200 <= sizes[0] < 200 + record


def test_file_at_its_limit_takes_no_more(tmp_path):
    """A file that has exactly its limit is rotated before the next record."""
    with LogWriter(str(tmp_path), ID) as writer:
        _print(writer, [1])
        record = os.path.getsize(writer.path)
    with LogWriter(str(tmp_path), ID, max_size=2 * record, max_file=2) as writer:
        _print(writer, [2, 3])
        assert 2 * record == os.path.getsize(f"{writer.path}.1")


def test_rotated_files_shift_and_the_oldest_goes(tmp_path):
    """The newest rotated file is .1, and there are at most max-file files with the live one."""
    with LogWriter(str(tmp_path), ID, max_size=1, max_file=3) as writer:
        _print(writer, range(5))
        assert ["", ".1", ".2"] == _files(tmp_path)
        assert [["4\n"], ["3\n"], ["2\n"]] == [_lines(writer.path + end) for end in ("", ".1", ".2")]


@pytest.mark.parametrize("pace", ["at_once", "background"])
def test_compressed_files_shift_with_their_suffix(tmp_path, pace):
    """With compression the rotated files are .N.gz, readable by anybody, and no plain one is left."""
    with LogWriter(str(tmp_path), ID, max_size=1, max_file=3, compress=True, pace=pace) as writer:
        _print(writer, range(5))
    assert ["", ".1.gz", ".2.gz"] == _files(tmp_path)
    assert [["4\n"], ["3\n"], ["2\n"]] == [_lines(writer.path + end) for end in ("", ".1.gz", ".2.gz")]


def test_compression_in_steps_shows_both_files(tmp_path):
    """While it goes on, .1 and an unfinished .1.gz are there; at its end only .1.gz."""
    with LogWriter(str(tmp_path), ID, max_size=1, max_file=3, compress=True, pace="steps") as writer:
        _print(writer, range(2))
        assert ["", ".1"] == _files(tmp_path)
        assert writer.compress_step()
        assert ["", ".1", ".1.gz"] == _files(tmp_path)
        while writer.compress_step():
            pass
        assert ["", ".1.gz"] == _files(tmp_path)


def test_next_rotation_waits_for_the_compression(tmp_path):
    """A rotation finishes the compression that still goes on, so that the row of files has no plain one behind .1."""
    with LogWriter(str(tmp_path), ID, max_size=1, max_file=4, compress=True, pace="steps") as writer:
        _print(writer, range(3))
        assert ["", ".1", ".2.gz"] == _files(tmp_path)


def test_header_tells_the_last_time(tmp_path):
    """The gzip header has the last record's time as raw JSON in its extra field, no time, and an unknown system."""
    with LogWriter(str(tmp_path), ID, max_size=1, max_file=2, compress=True) as writer:
        _print(writer, range(2))
        with open(f"{writer.path}.1.gz", "rb") as file:
            content = file.read()
    assert b"\x1f\x8b\x08\x04\0\0\0\0\0\xff" == content[:10]
    (length,) = struct.unpack("<H", content[10:12])
    assert {"lastTime": render_time(0)} == json.loads(content[12 : 12 + length])


def test_one_file_is_unlinked_by_a_new_engine(tmp_path):
    """With max-file 1 the full file goes, and nothing else is left."""
    with LogWriter(str(tmp_path), ID, max_size=1) as writer:
        _print(writer, range(3))
        assert [""] == _files(tmp_path)
        assert ["2\n"] == _lines(writer.path)


def test_one_file_leaves_an_orphan_with_an_old_engine(tmp_path):
    """Version 20.10 renames the full file to .1, over the one before."""
    with LogWriter(str(tmp_path), ID, max_size=1, old_engine=True) as writer:
        _print(writer, range(3))
        assert ["1\n"] == _lines(f"{writer.path}.1")


def test_only_the_first_file_is_open_for_appending(tmp_path):
    """Opened with O_APPEND; after a rotation without, until the container starts again."""
    with LogWriter(str(tmp_path), ID, max_file=2) as writer:
        assert fcntl.fcntl(writer._fd, fcntl.F_GETFL) & os.O_APPEND
        writer.rotate()
        assert not fcntl.fcntl(writer._fd, fcntl.F_GETFL) & os.O_APPEND


def test_restart_goes_on_in_the_same_file(tmp_path):
    """A container that starts again appends, and its limit counts what is there already."""
    for number in range(2):
        with LogWriter(str(tmp_path), ID, max_size=100, max_file=2) as writer:
            _print(writer, [number])
    assert ["0\n", "1\n"] == _lines(writer.path)
    with LogWriter(str(tmp_path), ID, max_size=100, max_file=2) as writer:
        _print(writer, [2])
    assert ["", ".1"] == _files(tmp_path)


def test_pieces_of_a_line_have_one_time(tmp_path):
    """All pieces of a long line carry the same time, and a rotation may part them."""
    with LogWriter(str(tmp_path), ID, max_size=10, max_file=3) as writer:
        writer.write("stderr", b"x" * 40_000 + b"\n", 5)
        times = set()
        for end in ("", ".1", ".2"):
            with open(writer.path + end, "rb") as file:
                times |= {json.loads(line)["time"] for line in file}
    assert {"1970-01-01T00:00:00.000000005Z"} == times
