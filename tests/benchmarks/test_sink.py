"""The sink counts documents however they come, so that no agent looks faster by how it frames them."""

import gzip
import urllib.error
import urllib.request
from contextlib import closing

import pytest

from benchmarks import targets

ONE = b'{"create":{}}\n{"message":"a"}\n'


@pytest.fixture(scope="module")
def binary(tmp_path_factory):
    """The compiled sink."""
    try:
        return targets.build_sink(tmp_path_factory.mktemp("sink"))
    except SystemExit as error:
        pytest.skip(str(error))


@pytest.fixture
def sink(binary):
    """A running sink."""
    with closing(targets.Sink(binary)) as running:
        yield running


def post(sink, body, **headers):
    """Send a bulk; return the answer's text."""
    request = urllib.request.Request(f"{sink.url}/x/_bulk", body, {"content-type": "application/x-ndjson", **headers})
    with urllib.request.urlopen(request, timeout=10) as reply:
        return reply.read()


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (ONE * 3, {}),
        (gzip.compress(ONE * 3), {"content-encoding": "gzip"}),
        (gzip.compress(ONE) + gzip.compress(ONE * 2), {"content-encoding": "gzip"}),
        (ONE.replace(b"}\n{", b"}\n\n{") * 3 + b"\n\n", {}),
    ],
    ids=["plain", "gzip", "gzip members", "empty lines"],
)
def test_documents_are_counted(sink, body, headers):
    """Three documents count as three, plain or compressed, with empty lines or without."""
    post(sink, body, **headers)
    assert targets.Totals(docs=3, requests=1, wire=len(body), plain=sink.totals().plain) == sink.totals()


def test_every_document_is_answered(sink):
    """The answer has an item with a status for each document."""
    assert 2 == post(sink, ONE * 2).count(b'"status":201')


def test_large_body_with_empty_lines_across_reads(sink):
    """Counting is the same where a body is inflated in several parts."""
    post(sink, gzip.compress((ONE + b"\n") * 100_000), **{"content-encoding": "gzip"})
    assert 100_000 == sink.totals().docs


def test_templates_are_not_there(sink):
    """Who asks for a template is told that there is none, so that its set-up runs."""
    with pytest.raises(urllib.error.HTTPError, match="404") as error:
        urllib.request.urlopen(f"{sink.url}/_index_template/logs", timeout=10)
    error.value.close()
