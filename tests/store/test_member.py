"""Gzip members of a file: each is found, whatever was done to the others, and holes and members leave nothing out."""

import gzip
import os
import tempfile
import zlib
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from isal import isal_zlib

from logagent.store import member
from logagent.store.member import BEGIN, CHUNK, Broken, Hole, Member, inflate, members, slices


def packed(text: bytes) -> bytes:
    """A member as the store writes it."""
    stream = isal_zlib.compressobj(1, wbits=31)
    return stream.compress(text) + stream.flush()


def walk(data: bytes) -> list[Member | Hole]:
    """What is found in a file of `data`; holes and members follow each other from its beginning to its end."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "segment"
        path.write_bytes(data)
        found = list(members(path))
    edges = [0, *(f.offset + f.length for f in found)]
    assert edges == [*(f.offset for f in found), len(data)]
    assert all(isinstance(a, Member) or isinstance(b, Member) for a, b in pairwise(found)), "two holes in a row"
    return found


def texts(data: bytes) -> list[bytes]:
    """The texts of the members in `data`."""
    return [f.text for f in walk(data) if isinstance(f, Member)]


def test_members_begin_as_they_are_looked_for():
    """Our compressor begins a member with the bytes that the next one is found by."""
    assert packed(b"x").startswith(BEGIN)


@given(st.lists(st.binary(max_size=2000), max_size=5))
def test_whole_members(plain):
    """All members of a file are given in their order, and no hole."""
    assert plain == texts(b"".join(map(packed, plain)))


@settings(deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=300), min_size=2, max_size=4), st.data())
def test_a_changed_byte(plain, data):
    """A byte that is changed costs the member that it is in, at most; nothing wrong is ever given."""
    packs = [packed(text) for text in plain]
    whole = bytearray(b"".join(packs))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    hit = next(n for n in range(len(packs)) if place < sum(map(len, packs[: n + 1])))
    rest = plain[:hit] + plain[hit + 1 :]
    assert texts(bytes(whole)) in (plain, rest)  # some bytes of a header mean nothing


@given(st.binary(min_size=1, max_size=300), st.data())
def test_a_cut_member(text, data):
    """What is left of a cut member is a hole that is told as torn."""
    pack = packed(text)
    cut = pack[: data.draw(st.integers(1, len(pack) - 1))]
    first, second = walk(pack + cut)
    assert (Member(0, len(pack), text), True) == (first, isinstance(second, Hole) and second.torn)


@pytest.mark.parametrize("size", [*range(CHUNK - 5, CHUNK + 5), 3 * CHUNK - 2])
def test_a_member_behind_a_hole_of_any_size(size):
    """The next member is found also where it begins across the blocks in which the file is read."""
    first, second = walk(b"x" * size + packed(b"hello"))
    assert (size, b"hello") == (first.length, second.text if isinstance(second, Member) else None)


def test_what_only_begins_like_a_member():
    """Bytes that begin like a member and are none belong to the hole around them."""
    hole, found = walk(b"x" + BEGIN + b"y" * 50 + BEGIN + packed(b"hello"))
    assert (0, b"hello") == (hole.offset, found.text if isinstance(found, Member) else None)


def test_members_of_others():
    """A member that another program compressed is as good as ours."""
    assert [b"hello", b"again"] == texts(packed(b"hello") + gzip.compress(b"again"))


def test_a_part_of_the_file(tmp_path):
    """Only what lies between two places is looked at."""
    path, packs = tmp_path / "segment", [packed(os.urandom(n)) for n in (10, 20, 30)]
    path.write_bytes(b"".join(packs))
    end = len(packs[0] + packs[1])
    assert [(len(packs[0]), len(packs[1]))] == [(f.offset, f.length) for f in members(path, len(packs[0]), end)]


def test_a_bomb_is_broken(monkeypatch):
    """A member that inflates to more than any frame is refused before it fills the memory."""
    monkeypatch.setattr(member, "LARGEST", 1 << 20)
    with pytest.raises(Broken, match="inflates to more than"):
        inflate(slices(zlib.compress(bytes(1 << 26), wbits=31)))
