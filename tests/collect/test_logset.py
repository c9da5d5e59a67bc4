"""Which names are files of a set, and in which order they are read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.collect.logset import log_files, newer_than

LIVE = "abc-json.log"


def names(*suffixes):
    """A listing of the live name with these suffixes; inodes as they come."""
    return [(LIVE + suffix, inode, 10) for inode, suffix in enumerate(suffixes, 1)]


def test_order():
    """Oldest first: the highest number, numbers compared as numbers, the live file last."""
    files = log_files(names("", ".1", ".10.gz", ".2.gz", ".9"), LIVE)
    assert [".10.gz", ".9", ".2.gz", ".1", ""] == [f.name.removeprefix(LIVE) for f in files]
    assert [(10, True), (9, False), (2, True), (1, False), (0, False)] == [(f.index, f.compressed) for f in files]


@pytest.mark.parametrize(
    "suffix", [".gz", ".1.gz.tmp", ".1.tmp", ".x", ".1.2", ".-1", "1", ".1.gz ", ".1234567", ".", "\n", ".1\n"]
)
def test_other_names(suffix):
    """Temporary copies, archives of others and odd names are not part of the set."""
    assert [] == log_files(names(suffix), LIVE)
    assert [] == log_files([("other-json.log", 1, 10)], LIVE)


def test_newer_than():
    """What is newer than the file of an inode; None when the set has none, or only a `.gz` of that number."""
    files = log_files(names("", ".1", ".2", ".3.gz"), LIVE)
    assert ([], [1], [2, 1]) == tuple([f.inode for f in newer_than(files, n) or []] for n in (1, 2, 3))
    assert (None, None) == (newer_than(files, 4), newer_than(files, 9))


def test_newer_than_beside_its_own_copy():
    """A `.gz` of the same number is not newer than its plain file."""
    files = log_files(names("", ".1", ".1.gz"), LIVE)
    assert [1] == [f.inode for f in newer_than(files, 2) or []]


@given(st.lists(st.sampled_from(["", ".1", ".2", ".3", ".2.gz", ".3.gz", ".tmp"]), unique=True))
def test_newer_files_are_what_comes_behind(suffixes):
    """For any set: all files behind one in the order, but its own copy, are newer than it."""
    files = log_files(names(*suffixes), LIVE)
    for n, file in enumerate(files):
        if not file.compressed:
            assert [f for f in files[n + 1 :] if f.index != file.index] == newer_than(files, file.inode)
