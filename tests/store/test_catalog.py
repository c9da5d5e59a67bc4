"""The catalog: what is remembered together, and that the accounts agree in every history."""

import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from logagent.model import Container, DeadLetter, Frame, Gap, Generation, Image, Position, Progress
from logagent.store.catalog import Catalog
from logagent.store.records import Covered, Part
from tests.store.stores import DB, WEB, at

NAMES = st.sampled_from(["es", "os", "late"])


@pytest.fixture
def catalog(tmp_path):
    """An empty catalog that knows two containers."""
    catalog = Catalog(tmp_path / "catalog.db")
    catalog.remember([WEB, DB])
    yield catalog
    catalog.close()


def record(catalog, events=1, container=WEB, *, now=1.0, segment=None, removed=()):
    """Record a frame of one container; returns its number."""
    segments = catalog.segments()
    segment = segment or (segments[-1].id if segments else catalog.new_segment())
    offset = next((s.bytes for s in segments if s.id == segment), 0)
    covered = Covered(
        {container.id: Part(events, 5, 9)}, {container.id: at(offset)}, {}, {("stored", ""): events}, removed
    )
    return catalog.record(Frame(0, segment, offset, 10, 100, events, 5, 9), covered, now)


def letter(output, frame, item):
    """A dead letter of ten bytes."""
    return DeadLetter(output, frame, item, f"id-{frame}-{item}", 400, "mapper_parsing_exception", 1.0, b"0123456789")


def test_progress_is_read_back_as_it_was(catalog):
    """A place in the log, unfinished lines and inode come back exactly."""
    place = Position(Generation(2**62, 0xDEADBEEF, 3), 2**40)
    progress = Progress(place, {"stderr": Position(Generation(1, 7), 5)}, 2**40)
    covered = Covered({}, {WEB.id: progress}, {WEB.id: [Gap("rotated", 5), Gap("truncated")]}, {})
    assert 0 == catalog.record(None, covered, 1.0)
    assert progress == catalog.progress(WEB.id)
    assert [(2, 5)] == [(s.gaps, s.lost_bytes) for s in catalog.sources()]


def test_containers_are_read_back_as_they_were(catalog):
    """A container with all that is known of it comes back; a changed one takes its place, with the same key."""
    image = Image("registry:5000/a/b", "1", "sha256:0")
    full = Container("f" * 64, "näme", image, {"a.b": '"'}, True, "local", {}, None, True, "2026-01-01T00:00:00Z")  # noqa: FBT003 - in the order of the fields
    catalog.remember([full])
    assert [WEB, DB, full] == [k.container for k in catalog.containers()]
    renamed = Container(WEB.id, "other", WEB.image, log_path=WEB.log_path)
    catalog.remember([renamed])
    assert {1: renamed, 2: DB, 3: full} == {k.key: k.container for k in catalog.containers()}


def test_when_a_container_was_created_is_learned_late(catalog):
    """A rebuilt catalog knows no time of creation: it is taken when the container is seen, and kept when it is not told again."""
    seen = replace(WEB, created="2026-01-01T00:00:00Z")
    catalog.remember([seen])
    catalog.remember([WEB])
    assert seen == catalog.containers()[0].container


def test_removed_and_back(catalog):
    """The time of removal stays the first one; a container that comes back is there again."""
    catalog.removed([WEB.id], 5.0)
    catalog.removed([WEB.id, DB.id], 6.0)
    assert [5.0, 6.0] == [k.removed for k in catalog.containers()]
    catalog.remember([WEB])
    assert [None, 6.0] == [k.removed for k in catalog.containers()]


def test_removed_with_the_last_frame(catalog):
    """A removal is recorded in the transaction of the container's last frame."""
    record(catalog, removed=[WEB.id], now=7.0)
    assert [7.0, None] == [k.removed for k in catalog.containers()]


def test_all_or_nothing(catalog):
    """When any part of a record fails, nothing of it is remembered."""
    covered = Covered({WEB.id: Part(1, 1, 1)}, {WEB.id: at(1)}, {}, {("stored", ""): 1, ("read", object()): 1})  # type: ignore[dict-item]  # meant to fail
    with pytest.raises(Exception, match=r"not supported|unsupported"):
        catalog.record(Frame(0, 1, 0, 10, 10, 1, 1, 1), covered, 1.0)
    assert (0, None, {}) == (catalog.last_frame(), catalog.progress(WEB.id), catalog.totals())


def test_frames_of(catalog):
    """Frames are found by container, time and number, with how many events of these containers they hold."""
    one, two, three = record(catalog, 1), record(catalog, 2, DB), record(catalog, 3)
    assert [(one, 1), (three, 3)] == [(f.seq, n) for f, n in catalog.frames_of([1])]
    assert [(one, 1), (two, 2), (three, 3)] == [(f.seq, n) for f, n in catalog.frames_of([1, 2])]
    assert [three] == [f.seq for f, _ in catalog.frames_of([1], after=one)]
    assert [] == catalog.frames_of([1], since=10)
    assert [] == catalog.frames_of([1], until=4)
    assert [one, three] == [f.seq for f, _ in catalog.frames_of([1], since=9, until=9)]
    assert [] == catalog.frames_of([])


def test_removing_a_segment_forgets_who_has_nothing_left(catalog):
    """With its last segment a removed container goes, with its progress; one that is there stays."""
    record(catalog, 1)
    record(catalog, 1, DB)
    catalog.removed([DB.id], 1.0)
    second = catalog.new_segment()
    record(catalog, 1, segment=second)
    assert {} == catalog.remove_segment(1)
    assert [WEB.id] == [k.container.id for k in catalog.containers()]
    assert None is not catalog.progress(WEB.id)
    assert None is catalog.progress(DB.id)
    assert [second] == [s.id for s in catalog.segments()]
    catalog.remove_segment(second)
    assert (0, 2, 3) == (catalog.last_frame(), catalog.newest_segment(), record(catalog, 1) - 1)


def test_sizes(catalog):
    """The bytes of segments are those of their frames; pages that became free do not count as used."""
    assert 0 == catalog.segment_bytes()
    for _ in range(300):
        record(catalog)
    assert 3000 == catalog.segment_bytes()
    before = catalog.size()
    assert before > 8192
    catalog.remove_segment(1)
    assert catalog.size() < before


def test_a_reader_beside_the_writer(catalog):
    """What is recorded is seen at once by one who opened the catalog for reading only, and cannot write."""
    reader = Catalog(catalog.path, read_only=True)
    record(catalog)
    assert 1 == reader.last_frame()
    with pytest.raises(Exception, match="readonly"):
        reader.count("x", "", 1)
    reader.close()


def test_the_agent_keeps_its_id(tmp_path):
    """The store's agent has the same id in each life, and another store another one."""
    ids = []
    for folder in (tmp_path / "a", tmp_path / "a", tmp_path / "b"):
        folder.mkdir(exist_ok=True)
        catalog = Catalog(folder / "catalog.db")
        ids.append(catalog.agent_id())
        catalog.close()
    assert (True, False) == (ids[0] == ids[1], ids[1] == ids[2])


def test_dead_letters_within_their_budget(catalog):
    """The newest dead letters stay, the same document is kept once, and what was trimmed is counted."""
    catalog.use_outputs(["es"])
    first, second = record(catalog, 2), record(catalog, 2)
    for frame in (first, second):
        catalog.advance("es", frame, delivered=0, duplicates=0, dead=[letter("es", frame, n) for n in range(2)])
    assert [(second, 1), (second, 0), (first, 1), (first, 0)] == [(d.frame, d.item) for d in catalog.dead_letters(10)]
    assert (0, 3) == (catalog.trim_dead_letters(40), catalog.trim_dead_letters(19))
    assert [(second, 1)] == [(d.frame, d.item) for d in catalog.dead_letters(10)]
    assert 3 == catalog.totals()["dead_letters_trimmed", ""]


def test_advance_behind_the_cursor(catalog):
    """What is told of a frame that the store let go meanwhile changes nothing: it was counted as dropped."""
    catalog.use_outputs(["es"])
    frame = record(catalog, 5)
    assert {"es": 5} == catalog.remove_segment(1)
    catalog.advance("es", frame, delivered=4, duplicates=0, dead=[letter("es", frame, 0)])
    (output,) = catalog.outputs()
    assert (frame, 0, 0, 5, 0) == (output.cursor, output.delivered, output.dead, output.dropped, output.waiting)
    assert [] == catalog.dead_letters(1)


def test_many_containers_in_a_frame(catalog):
    """Recording a frame that covers 500 containers, among thousands that are known, takes some milliseconds."""
    known = [Container(f"{n:064x}", f"c{n}", Image("x"), log_path="/x") for n in range(3000)]
    catalog.remember(known)
    some = [c.id for c in known[:500]]
    segment = catalog.new_segment()
    best = 9.9
    for n in range(5):
        covered = Covered({c: Part(1, n, n) for c in some}, {c: at(n) for c in some}, {}, {("stored", ""): 500})
        begun = time.process_time()
        catalog.record(Frame(0, segment, n * 10, 10, 10, 500, n, n), covered, 1.0)
        best = min(best, time.process_time() - begun)
    assert best < 0.05


class Accounts(RuleBasedStateMachine):
    """Any order of storing, delivering, losing, and changing outputs."""

    @initialize()
    def begin(self) -> None:
        """Begin with an empty store."""
        self.folder = tempfile.TemporaryDirectory()
        self.catalog = Catalog(Path(self.folder.name) / "catalog.db")
        self.catalog.remember([WEB])

    @rule(events=st.integers(0, 5))
    def store(self, events: int) -> None:
        """A frame is stored."""
        record(self.catalog, events)

    @rule()
    def next_segment(self) -> None:
        """A segment is closed."""
        self.catalog.new_segment()

    @rule()
    def let_go(self) -> None:
        """The oldest segment goes."""
        segments = self.catalog.segments()
        if segments:
            waiting = {o.name: o.waiting for o in self.catalog.outputs()}
            lost = self.catalog.remove_segment(segments[0].id)
            after = {o.name: o.waiting for o in self.catalog.outputs()}
            assert {n: w for n, w in after.items() if w != waiting[n]} == {
                n: waiting[n] - events for n, events in lost.items() if events
            }

    @rule(names=st.lists(NAMES, unique=True))
    def use(self, names: list[str]) -> None:
        """The settings name other outputs."""
        self.catalog.use_outputs(names)
        assert sorted(names) == [o.name for o in self.catalog.outputs()]

    @rule(name=NAMES, dead=st.integers(0, 5), twice=st.integers(0, 5))
    def deliver(self, name: str, dead: int, twice: int) -> None:
        """An output takes its next frame."""
        if name not in {o.name for o in self.catalog.outputs()}:
            return
        for frame in self.catalog.frames_after(self.catalog.cursor(name), 1):
            refused = [letter(name, frame.seq, n) for n in range(min(dead, frame.events))]
            done = frame.events - len(refused)
            self.catalog.advance(name, frame.seq, delivered=done, duplicates=min(twice, done), dead=refused)

    @rule()
    def reopen(self) -> None:
        """The agent is started again."""
        self.catalog.close()
        self.catalog = Catalog(self.catalog.path)

    @invariant()
    def agree(self) -> None:
        """For each output, stored - origin = delivered + dead + dropped + waiting."""
        totals, outputs = self.catalog.accounting()
        for o in outputs:
            assert totals.get(("stored", ""), 0) - o.origin == o.delivered + o.dead + o.dropped + o.waiting
            assert 0 <= o.duplicates <= o.delivered

    def teardown(self) -> None:
        """Every output that ever was still agrees when it is used again."""
        self.catalog.use_outputs(["es", "os", "late"])
        self.agree()
        self.catalog.close()
        self.folder.cleanup()


Accounts.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestAccounts = Accounts.TestCase
