"""The yardstick does the whole work: what it ships are the corpus' lines, each once, as documents."""

import json

from benchmarks import corpus, prototype


def test_splice_gives_a_document_for_each_line():
    """Each line becomes an action and a document that has its text, stream and time."""
    records = list(corpus.lines(200))
    count, bulk = prototype.splice(0, b"".join(records))
    documents = [json.loads(line) for line in bulk.splitlines()[1::2]]
    assert 200 == count
    expected = [(r["log"].removesuffix("\n"), r["stream"], r["time"]) for r in map(json.loads, records)]
    assert expected == [(d["message"], d["stream"], d["@timestamp"]) for d in documents]


def test_ids_are_the_lines_offsets():
    """An id ends in the offset of its line's first byte in the file."""
    records = list(corpus.lines(50))
    _, bulk = prototype.splice(1000, b"".join(records))
    ids = [json.loads(line)["create"]["_id"] for line in bulk.splitlines()[::2]]
    starts = [1000 + sum(map(len, records[:number])) for number in range(50)]
    assert starts == [int(_id.rpartition("-")[2], 16) for _id in ids]
