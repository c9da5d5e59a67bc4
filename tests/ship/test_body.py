"""Frames' bytes, unpacked, cut and packed."""

import gzip

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.model import Batch
from logagent.ship.body import ROOM, pack, pairs, shorten, sound, unpack
from logagent.store.builder import FrameBuilder
from tests.ship.conftest import ID, pair


def test_of_the_store() -> None:
    """What the store packs is unpacked whole and intact."""
    builder = FrameBuilder()
    documents = b"".join(pair(n) for n in range(1000))
    builder.add(Batch(ID, documents, 1000, 1, 2, None), 0.0)
    assert (documents, True) == unpack(builder.finish())


@given(st.lists(st.text(), min_size=1, max_size=20), st.data())
def test_chosen_pairs(messages: list[str], data: st.DataObject) -> None:
    """Any choice of items gives exactly their lines, in order, and packs to a body that gunzips to them."""
    lines = [pair(n, m.encode("unicode_escape").hex()) for n, m in enumerate(messages)]
    chosen = sorted(data.draw(st.sets(st.integers(0, len(lines) - 1))))
    found = pairs(b"".join(lines), chosen)
    assert {item: lines[item] for item in chosen} == found
    assert b"".join(lines[item] for item in chosen) == gzip.decompress(pack(list(found.values())))


@given(st.integers(0, 400))
def test_cut_text(length: int) -> None:
    """Of a text that ends early only whole pairs are there."""
    lines = [pair(n) for n in range(4)]
    found = pairs(b"".join(lines)[:length], range(4))
    assert dict(enumerate(lines[: len(found)])) == found
    assert len(b"".join(lines[: len(found) + 1])) > length or len(found) == 4


@given(st.integers(0, 10**9), st.integers(1, 255))
def test_any_flipped_byte_is_noticed(place: int, flip: int) -> None:
    """A change of any byte behind the header is noticed, and never raises."""
    member = bytearray(pack([pair(n) for n in range(50)]))
    member[10 + place % (len(member) - 14)] ^= flip
    assert not unpack(bytes(member))[1]


def test_sound() -> None:
    """A pair is sound when it is an action with an id and a document."""
    assert sound(pair(1))
    assert not any(
        sound(p) for p in (b"", b"\n", b"{}\n{}\n", b'{"create":{"_id":1}}\n{}\n', pair(1)[:-4], b"\xff\n\xff\n")
    )


def test_shortened_document() -> None:
    """Long texts are cut wherever they stand, and the document says so; its action and all else stay."""
    pair = b'{"create":{"_id":"a"}}\n' + orjson.dumps(
        {"message": "m" * 20_000, "log": {"offset": 7, "flags": ["partial"]}, "a": [{"b": "ü" * 20_000}, 1.5, None]}
    )
    action, line, rest = shorten(pair + b"\n").split(b"\n")
    assert (b'{"create":{"_id":"a"}}', b"") == (action, rest)
    assert {
        "message": "m" * ROOM,
        "log": {"offset": 7, "flags": ["partial", "truncated"]},
        "a": [{"b": "ü" * ROOM}, 1.5, None],
    } == orjson.loads(line)


@pytest.mark.parametrize("log", [{"log": 7}, {"log": {"flags": "x"}}, {}])
def test_shortened_document_of_any_shape(log: dict[str, object]) -> None:
    """Whatever stands where the mark should go, the text is cut."""
    short = orjson.loads(shorten(b"{}\n" + orjson.dumps({"message": "m" * 20_000} | log) + b"\n").split(b"\n")[1])
    assert ROOM == len(short["message"])


def test_short_document_stays() -> None:
    """A document without long texts is unchanged, byte for byte, and so is what is no document, or a bottomless one."""
    for line in (b'{ "message" : "m" }', b"nonsense", rb'{"message":"\ud800"}', b"[" * 1000 + b"]" * 1000):
        pair = b'{"create":{"_id":"a"}}\n' + line + b"\n"
        assert pair == shorten(pair)
