"""Where frames go: the request's target, and what names an index in a frame taken out for a plain one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.parse.block import Parser
from logagent.parse.document import Choice, constant
from logagent.parse.target import Targets
from logagent.ship.body import pack, sound, unpack
from logagent.ship.target import named, path, without_index
from tests.parse.lines import CONTAINER, GENERATION, NOW, ORIGIN, START, Entry
from tests.ship.conftest import pair

TARGETS = Targets("docker.{image}", "default")
OWN = TARGETS.of(CONTAINER)
TEXTS = st.text(st.sampled_from(list('{}":,_abcdeitrnx\\\n%é ')), max_size=40) | st.sampled_from(
    ['{"create":{"_id":"a","_index":"b"}}', '","_index":"x"}}', '\n{"create":{"_id":"a","_index":"b"}}\n', ""]
)


@pytest.mark.parametrize(("where", "pipeline", "expected"), [
    ("logs-a-b", None, "/logs-a-b/_bulk?filter_path="),
    ("logs-größe-b", None, "/logs-gr%C3%B6%C3%9Fe-b/_bulk?filter_path="),
    ("lines", "mine", "/lines/_bulk?pipeline=mine&filter_path="),
    ("a", "a b&refresh=true#/?", "/a/_bulk?pipeline=a%20b%26refresh%3Dtrue%23%2F%3F&filter_path="),
    ("../_all", None, "/..%2F_all/_bulk?filter_path="),
])  # fmt: skip
def test_the_requests_target(where, pipeline, expected):
    """Stream or index and pipeline are quoted, whatever they hold."""
    assert path(where, pipeline).startswith(expected)


def line(text, target=OWN):
    """The two lines of a document of this text, as parsing makes them."""
    made = Parser(CONTAINER.id, constant(CONTAINER, ORIGIN, Choice(), target), tty=False, limit=1000)
    return made.parse(Entry(text.encode() + b"\n", "stdout", START).line, GENERATION, 0, NOW).documents


@given(st.lists(st.tuples(TEXTS, st.booleans()), max_size=8))
def test_a_plain_index_takes_all(said):
    """Action lines lose the index that they name, and nothing else is changed, whatever lines and labels say."""
    found = [line(text, OWN if own else TARGETS.default) for text, own in said]
    expected = b"".join(f.replace(b'","_index":"logs-docker.web-default"}}\n', b'"}}\n', 1) for f in found)
    assert expected == unpack(without_index(pack(found)))[0]


def test_a_frame_that_names_nothing_is_sent_as_it_lies():
    """Nothing is compressed anew without need; a damaged frame is left for the server to refuse."""
    plain, own = pack([pair(1), pair(2)]), pack([line("a")])
    assert plain is without_index(plain)
    damaged = own[:-8] + b"\0" * 8
    assert damaged is without_index(damaged)
    assert own is not without_index(own)


def test_the_stream_that_an_action_names():
    """It is read from the pair as it is stored; a pair that cannot be read, or that names none, has the output's own."""
    own = line("a")
    assert "logs-docker.web-default" == named(own)
    assert [None] * 5 == [named(p) for p in (pair(1), b"", b"{\n", b'{"create":3}\n{}\n', b'{"create":{"_index":3}}\n')]


def test_damage_sends_no_document_elsewhere():
    """A pair of a damaged frame is sound only while its action names the stream that its document is of, or none."""
    own = line("a")
    assert sound(own)
    assert sound(pair(1))
    wrong = [
        own.replace(b'"_index":"logs-docker.web', b'"_index":"logs-docker.wea'),
        own.replace(b'"_index":"logs', b'"_indey":"logs'),
        own.replace(b'"dataset":"docker.web","namespace"', b'"dataset":"docker.wea","namespace"'),
        own.replace(b'"_index":"logs-docker.web-default"', b'"_index":7'),
        own.replace(b',"_index"', b',"pipeline":"x","_index"'),
        own.replace(b'"data_stream":{', b'"data_strean":{'),
    ]
    assert [False] * 6 == [sound(p) for p in wrong]
    assert own not in wrong


@pytest.mark.parametrize("plain_index", [False, True])
def test_what_a_server_gets(server, connect, plain_index):
    """A data stream's output sends names as they are stored, a plain index's output sends none; both with the pipeline."""
    member = pack([pair(1), line("a")])
    assert 200 == connect(server.url, pipeline="mine", plain_index=plain_index).bulk(member).status
    (request,) = server.requests
    assert request.path.startswith("/logs-docker.container_logs-default/_bulk?pipeline=mine&")
    assert [None, None if plain_index else "logs-docker.web-default"] == [named(a) for a, _ in request.pairs]
    assert plain_index == (request.raw != member)
