"""Questions to a store: what is asked for comes, in order, and nothing else."""

import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logagent.errors import Exit, Failure
from logagent.store.index import PAGE
from logagent.store.query import BLOCK, Filter, Query, Run
from tests.store.filled import START, Said, add, container, fill, opened

SECOND = 10**9
WEB, DB, JOB = container("web"), container("db", tty=True), container("job")


def said(runs: Iterator[Run]) -> list[tuple[str, str]]:
    """What came, as (container, text)."""
    return [(known.container.name, line.text) for known, lines in runs for line in lines]


def ask(folder: Path, *words: str, **asked) -> list[tuple[str, str]]:
    """The answer to one question about what is stored."""
    query = Query(folder, words, Filter(**asked))
    try:
        return said(query.history())
    finally:
        query.close()


@st.composite
def frames(draw: st.DrawFn) -> list[list[Said]]:
    """Frames of lines of three containers; the clock of each steps forward, and now and then a little back."""
    clocks = {c.id: START for c in (WEB, DB, JOB)}
    made, number = [], 0
    for size in draw(st.lists(st.integers(1, 12), max_size=5)):
        frame = []
        for _ in range(size):
            one = draw(st.sampled_from((WEB, WEB, DB, JOB)))
            clocks[one.id] += draw(st.sampled_from((0, 1, SECOND, 5 * SECOND, -SECOND)))
            frame.append(Said(one, f"line {number}", clocks[one.id], draw(st.booleans())))
            number += 1
        made.append(frame)
    return made


FIRST = [Said(c, "first", START - SECOND) for c in (WEB, DB, JOB)]
FILTERS = st.builds(
    Filter,
    since=st.none() | st.integers(-1, 20).map(lambda n: START + n * SECOND),
    until=st.none() | st.integers(-1, 40).map(lambda n: START + n * SECOND),
    tail=st.none() | st.integers(0, 15),
    stream=st.sampled_from((None, "stdout", "stderr")),
    grep=st.sampled_from((None, re.compile("[13579]$"), re.compile("1"))),
)


def expected(lines: list[Said], asked: Filter) -> list[str]:
    """What the answer must be, by the rules: pattern, then the last ones, then times and stream."""
    found = [s for s in lines if asked.grep is None or asked.grep.search(s.text)]
    found = found if asked.tail is None else found[max(0, len(found) - asked.tail) :]
    found = [s for s in found if asked.since is None or asked.since <= s.ns]
    found = [s for s in found if asked.until is None or s.ns <= asked.until]
    return [s.text for s in found if asked.stream is None or s.stderr == (asked.stream == "stderr")]


@settings(max_examples=60, deadline=None)
@given(frames(), FILTERS)
def test_every_question_is_answered_as_a_list_would_be(made: list[list[Said]], asked: Filter):
    """For any lines and any filters, exactly the lines come that the rules let through, in the order of the log."""
    lines = [s for frame in (FIRST, *made) for s in frame if s.container == WEB]
    with TemporaryDirectory() as name:
        query = Query(fill(Path(name), FIRST, *made), ["web"], asked)
        got = [text for _, text in said(query.history())]
        query.close()
    assert expected(lines, asked) == got


@settings(max_examples=30, deadline=None)
@given(frames())
def test_containers_are_merged_by_time_and_each_keeps_its_order(made):
    """All lines come; each container's in the order of its log; a line is never behind one of another container that is newer, but for clocks that stepped back."""
    with TemporaryDirectory() as name:
        folder = fill(Path(name), FIRST, *made)
        got = ask(folder, "*")
    lines = {s.text: s for frame in made for s in frame}
    for one in (WEB, DB, JOB):
        mine = [s.text for frame in made for s in frame if s.container == one]
        assert ["first", *mine] == [text for name, text in got if name == one.name]
    newest: dict[str, int] = {}
    reached = []
    for name, text in got:
        ns = lines[text].ns if text in lines else START - SECOND
        newest[name] = max(newest.get(name, 0), ns)
        reached.append(newest[name])
    assert sorted(reached) == reached


def test_containers_stored_one_after_the_other_are_still_merged(tmp_path: Path):
    """As after a first start, which reads one container's log to its end and then the next one's."""
    fill(tmp_path, *([Said(one, f"{n}{one.name}", START + n * SECOND)] for one in (WEB, DB) for n in range(300)))
    expected = [(one.name, f"{n}{one.name}") for n in range(300) for one in (DB, WEB)]
    assert expected == ask(tmp_path, "db", "web")


def test_the_last_lines_of_many_frames(tmp_path: Path):
    """Counting back goes over more frames than one page of the catalog, and is each container's own."""
    count = 2 * PAGE + 10
    fill(tmp_path, *([Said(WEB, str(n), START + n), Said(DB, str(n), START + n)] for n in range(count)))
    assert [("web", str(n)) for n in range(5, count)] == ask(tmp_path, "web", tail=count - 5)
    assert [("db", str(count - 1)), ("web", str(count - 1))] == ask(tmp_path, "db", "web", tail=1)
    assert [] == ask(tmp_path, "web", tail=0)


def test_the_last_lines_of_a_frame_larger_than_a_block(tmp_path: Path):
    """What is left out at the beginning is left out once, not of each block."""
    fill(tmp_path, [Said(WEB, str(n), START + n) for n in range(3 * BLOCK)])
    assert [("web", str(n)) for n in range(10, 3 * BLOCK)] == ask(tmp_path, "web", tail=3 * BLOCK - 10)


def test_a_span_is_found_though_streams_interleave(tmp_path: Path):
    """A frame is asked for with some slack: its times are those of its first and last record only."""
    fill(tmp_path, [Said(WEB, "a", START), Said(WEB, "late", START + 3 * SECOND), Said(WEB, "b", START)])
    assert [("web", "late")] == ask(tmp_path, "web", since=START + 3 * SECOND, until=START + 3 * SECOND)
    assert [] == ask(tmp_path, "web", since=START + 3 * SECOND + 1)


def test_news_are_the_frames_since(tmp_path: Path):
    """While the agent writes, each round gives what was stored since the last one, of new containers too when a glob means them."""
    with opened(tmp_path) as store:
        add(store, [Said(WEB, "old")])
        query = Query(tmp_path, ["w*"], Filter(tail=0))
        assert [] == said(query.history())
        assert [] == said(query.news())
        add(store, [Said(WEB, "new"), Said(DB, "other"), Said(container("worker"), "hello")])
        assert [("web", "new"), ("worker", "hello")] == said(query.news())
        assert [] == said(query.news())
        query.close()


def test_a_name_is_followed_to_the_container_that_takes_it_over(tmp_path: Path):
    """After `docker compose up` has made the container anew, its lines go on."""
    with opened(tmp_path) as store:
        add(store, [Said(WEB, "old")])
        query = Query(tmp_path, ["web"], Filter())
        assert [("web", "old")] == said(query.history())
        add(store, [Said(container("web", number=1, created="2026-01-01T00:00:00Z"), "new")])
        store.catalog.removed([WEB.id], 1.0)
        assert [("web", "new")] == said(query.news())
        query.close()


def test_following_ends_when_nothing_can_come(tmp_path: Path):
    """All named containers are gone, or the end of the span is past, for the grace; a glob never ends."""
    with opened(tmp_path) as store:
        add(store, [Said(WEB, "old")])
        named, glob = Query(tmp_path, ["web"], Filter()), Query(tmp_path, ["*"], Filter())
        spanned = Query(tmp_path, ["*"], Filter(until=START))
        assert not named.ended(100.0, 5)
        store.catalog.removed([WEB.id], 100.0)
        assert [False, True] == [named.ended(now, 5) for now in (104.0, 106.0)]
        assert not glob.ended(1e9, 5)
        assert [False, True] == [spanned.ended(START / 1e9 + more, 5) for more in (4, 6)]
        for query in (named, glob, spanned):
            query.close()


def test_segments_removed_meanwhile_are_told(tmp_path: Path):
    """What the limits took between asking and reading is counted; the rest comes."""
    with opened(tmp_path, segment_size=1) as store:
        for n in range(3):
            add(store, [Said(WEB, f"{n}a"), Said(WEB, f"{n}b")])
        query = Query(tmp_path, ["web"], Filter())
        store.segments.remove(1)
        assert [("web", f"{n}{c}") for n in (1, 2) for c in "ab"] == said(query.history())
        assert 2 == query.lost.removed_lines
        for n in range(3, 6):
            add(store, [Said(WEB, str(n))])
        for segment in (1, 2, 3, 4, 5):
            store.catalog.remove_segment(segment)
        assert [("web", "5")] == said(query.news())
        assert 2 == query.lost.removed_frames
        query.close()


def test_a_damaged_frame_costs_only_itself(tmp_path: Path):
    """Bytes that went bad on disk are told with their place, and what is around them comes."""
    with opened(tmp_path) as store:
        for n in range(3):
            add(store, [Said(WEB, str(n) * 20)])
        frame = store.catalog.frames_after(1, 1)[0]
        path = store.segments.path(1)
    damaged = bytearray(path.read_bytes())
    damaged[frame.offset + 30] ^= 0xFF
    path.write_bytes(damaged)
    query = Query(tmp_path, ["web"], Filter(grep=re.compile("."), tail=5))
    assert [("web", "0" * 20), ("web", "2" * 20)] == said(query.history())
    assert (1, True) == (query.lost.damaged_lines, query.lost.damaged.startswith("frame 2 in segment 1: "))
    query.close()


def test_the_answer_ends_where_it_was_asked(tmp_path: Path):
    """What is stored while the history is printed comes with the news, once."""
    with opened(tmp_path) as store:
        add(store, [Said(WEB, "old")])
        query = Query(tmp_path, ["web"], Filter())
        history = query.history()
        add(store, [Said(WEB, "new")])
        assert [("web", "old")] == said(history)
        assert [("web", "new")] == said(query.news())
        query.close()


def test_no_store_and_no_container_are_failures(tmp_path: Path):
    """Each with its own status."""
    with pytest.raises(Failure) as caught:
        Query(tmp_path, ["web"], Filter())
    assert Exit.STORE == caught.value.status
    fill(tmp_path, [Said(WEB, "x")])
    with pytest.raises(Failure) as caught:
        Query(tmp_path, ["nope"], Filter())
    assert Exit.NO == caught.value.status
