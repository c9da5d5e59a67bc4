"""The corpus: the same bytes everywhere, in the shares that were agreed, as dockerd writes them."""

import hashlib
import itertools
import json
import re
from collections import Counter

import pytest

from benchmarks import corpus

NGINX = re.compile(r'\d+\.\d+\.\d+\.\d+ - - \[.*\] "GET .*')
RECORD = re.compile(
    rb'\{"log":".*\\n","stream":"std(out|err)","time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?Z"\}\n'
)


@pytest.fixture(scope="module")
def records():
    """Enough lines for shares to show, decoded."""
    return [json.loads(line) for line in corpus.lines(20_000)]


def kind(text):
    """Which program wrote a line."""
    if NGINX.match(text):
        return "nginx"
    return "json" if text.startswith("{") else "plain"


def test_same_seed_same_bytes():
    """The corpus is a function of its number and seed, the same on every machine and Python."""
    digest = hashlib.sha256(b"".join(corpus.lines(1000))).hexdigest()
    assert "17f0c8985e196c8602a58796c63b50eb01e7fe10c3f3259acd1d48c36835a78d" == digest


def test_other_seed_other_bytes():
    """Another seed gives other lines."""
    assert list(corpus.lines(10)) != list(corpus.lines(10, seed=2))


def test_shorter_corpus_is_the_head_of_a_longer_one():
    """Scenarios of different sizes ship the same lines."""
    assert list(corpus.lines(50)) == list(itertools.islice(corpus.lines(1000), 50))


def test_shares(records):
    """40 % of the lines are nginx, 30 % JSON, 30 % plain."""
    shares = Counter(kind(record["log"]) for record in records)
    assert {"nginx": 0.4, "json": 0.3, "plain": 0.3} == pytest.approx(
        {name: count / len(records) for name, count in shares.items()}, abs=0.02
    )


def test_streams(records):
    """Four lines of five are stdout."""
    assert pytest.approx(0.8, abs=0.02) == sum(record["stream"] == "stdout" for record in records) / len(records)


def test_json_lines_are_json(records):
    """What a program logged as JSON decodes as JSON."""
    decoded = [json.loads(record["log"]) for record in records if kind(record["log"]) == "json"]
    assert {"level", "ts", "logger", "msg", "dur_ms", "trace_id", "user"} == set(decoded[0])


def test_lines_are_dockerds():
    """Each line has the exact shape that dockerd writes: three keys in its order, no spaces between."""
    assert all(RECORD.fullmatch(line) for line in corpus.lines(2000))


def test_times_rise(records):
    """No two lines of a container have the same time, as dockerd's clock gives them."""
    times = [record["time"].rstrip("Z").ljust(29, "0") for record in records]
    assert sorted(set(times)) == times


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (100_000_000, "1970-01-01T00:00:00.1Z"),
        (1_000_000_001, "1970-01-01T00:00:01.000000001Z"),
    ],
)
def test_time_as_go_prints_it(ns, text):
    """Nanoseconds lose their trailing zeros, and the point with them."""
    assert text == corpus.docker_time(ns)


def test_host_spreads_the_lines(tmp_path):
    """A host of several containers holds the corpus' lines in order, the same number in each."""
    assert 12 == corpus.host(tmp_path / "host", 13, 4)
    counts = [log.read_bytes().count(b"\n") for log in corpus.logs(tmp_path / "host")]
    assert [3, 3, 3, 3] == counts
    together = sorted(
        line for log in corpus.logs(tmp_path / "host") for line in log.read_bytes().splitlines(keepends=True)
    )
    assert sorted(corpus.lines(12)) == together


def test_host_is_laid_out_as_dockers(tmp_path):
    """Beside each log lies the metadata by which an agent finds it, and names it at its final place."""
    corpus.host(tmp_path / "host", 2, 2)
    for log in corpus.logs(tmp_path / "host"):
        config = json.loads((log.parent / "config.v2.json").read_text())
        assert (log.parent.name, str(log)) == (config["ID"], config["LogPath"])
        assert "json-file" == json.loads((log.parent / "hostconfig.json").read_text())["LogConfig"]["Type"]


def test_host_is_made_once(tmp_path):
    """A host that is there is not written again."""
    corpus.host(tmp_path / "host", 2, 1)
    (log,) = corpus.logs(tmp_path / "host")
    log.write_bytes(b"kept\n")
    corpus.host(tmp_path / "host", 2, 1)
    assert b"kept\n" == log.read_bytes()
