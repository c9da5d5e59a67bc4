"""Reading goes on after a restart at any place: nothing is lost, nothing is told twice, wherever unfinished lines began."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from logagent.collect.tail import generation
from logagent.model import Generation, Position, Progress, Stream
from logagent.parse.resume import resume_points
from tests.parse.lines import ID, NOW, START, Entry, parser, read

Block = tuple[Generation, int, bytes]


@st.composite
def written(draw: st.DrawFn) -> list[Block]:
    """Files of records of both streams, many of them pieces that wander over files, some damaged; cut into blocks."""
    found: list[Block] = []
    file: list[bytes] = []
    time: dict[Stream, int] = {"stdout": 0, "stderr": 0}
    now = START
    files: list[list[bytes]] = []
    for number in range(draw(st.integers(2, 14))):
        if file and draw(st.integers(0, 2)) == 0:
            files.append(file)
            file = []
        if draw(st.integers(0, 7)) == 0:
            file.append(b"damaged %d\n" % number)
            continue
        stream: Stream = draw(st.sampled_from(["stdout", "stderr"]))
        now += draw(st.sampled_from([1, 10**9, 10**9, -(10**10)]))
        time[stream] = time[stream] or now + number
        ending = draw(st.sampled_from([b"", b"\n"]))
        file.append(Entry(b"%d " % number + ending, stream, time[stream]).line)
        time[stream] = 0 if ending or draw(st.integers(0, 5)) == 0 else time[stream]
    files.append(file)
    before = Generation(0)
    for lines in files:
        own = generation(b"".join(lines)) or Generation(0, 1)
        alike = own.checksum and (own.time, own.checksum) == (before.time, before.checksum)
        before = replace(own, ordinal=before.ordinal + 1) if alike else own
        offset, block = 0, b""
        for line in [*lines, b""]:
            if block and (not line or draw(st.booleans())):
                found.append((before, offset, block))
                offset, block = offset + len(block), b""
            block += line
    return found


def rest(blocks: list[Block], start: Position) -> list[Block]:
    """What is read from `start` on."""
    at = next(
        n
        for n, (own, offset, data) in enumerate(blocks)
        if own == start.generation and start.offset <= offset + len(data)
    )
    own, offset, data = blocks[at]
    left = data[start.offset - offset :]
    return [*([(own, start.offset, left)] if left else []), *blocks[at + 1 :]]


def ids(documents: bytes) -> list[str]:
    """The documents, told by id and text."""
    return [f"{d['_id']} {d['message']}" for d in read(documents)]


def life(blocks: list[Block], progress: Progress | None, count: int) -> tuple[list[str], Progress | None, list[str]]:
    """What a reader tells that goes on at `progress` and is stopped behind `count` blocks, its progress, what it ends with."""
    made = parser(resume=resume_points(progress))
    told = b""
    for own, offset, data in (rest(blocks, progress.start) if progress else blocks)[:count]:
        told += made.parse(data, own, offset, NOW).documents
        # What is read for the second time is no progress.
        progress = progress if made.resuming else Progress(Position(own, offset + len(data)), made.pending)
    return ids(told), progress, ids(made.expire(NOW, NOW).documents)


@given(blocks=written(), counts=st.lists(st.integers(1, 6), max_size=4))
def test_restarts_lose_and_repeat_nothing(blocks, counts):
    """Stopped behind any blocks and started again, also while it reads again, the readers together tell what one would have told."""
    whole, _, end = life(blocks, None, len(blocks))
    told: list[str] = []
    progress = None
    for count in counts:
        found, progress, _ = life(blocks, progress, count)
        told += found
    found, _, last = life(blocks, progress, len(blocks))
    assert whole + end == told + found + last


def two_files(*names: Generation) -> list[Block]:
    """A piece of each stream in two older files, the ends and lines of both in the newest, damage between."""
    a = Entry(b"a", "stdout", START).line
    b = Entry(b"b", "stderr", START + 5).line
    c = Entry(b"A", "stdout", START).line + b"damaged\n"
    ends = Entry(b"\n", "stderr", START + 5).line + Entry(b"\n", "stdout", START).line
    return [(names[0], 0, a), (names[1], 0, b), (names[2], 0, c), (names[2], len(c), ends)]


def test_pieces_of_both_streams_in_older_files_are_joined():
    """The oldest piece is where reading begins, whatever the files' times: here they fall."""
    for times in ((1, 2, 3), (3, 2, 1), (2, 3, 1), (5, 0, 0)):
        blocks = two_files(*(Generation(t, n) for n, t in enumerate(times)))
        before, progress, _ = life(blocks, None, 3)
        assert progress is not None
        assert Position(blocks[0][0], 0) == progress.start
        assert ["damaged"] == [line.split()[1] for line in before]
        assert ["b", "aA"] == [line.split()[1] for line in life(blocks, progress, 4)[0]]


def test_a_silent_stream_does_not_keep_the_careful_way_on():
    """Once reading has come to where it was, blocks are spliced again, though nothing came on the other stream."""
    piece = Entry(b"a", "stdout", START).line
    made = parser(
        resume=resume_points(Progress(Position(Generation(1), len(piece)), {"stdout": Position(Generation(1), 0)}))
    )
    line = Entry(b"\n", "stdout", START).line
    made.parse(piece + line, Generation(1), 0, NOW)
    made._carefully = None  # type: ignore[assignment,method-assign]  # it must not be called
    assert 1 == made.parse(Entry(b"b\n", "stdout", START + 1).line, Generation(1), len(piece + line), NOW).events


def test_all_is_new_when_a_file_has_gone():
    """A place whose file will not come is waited for until that is said; then everything is told."""
    old = Progress(Position(Generation(5), 500), {"stdout": Position(Generation(3), 0)})
    out, err = Entry(b"a", "stdout", START).line, Entry(b"e\n", "stderr", START + 1).line
    made = parser(resume=resume_points(old))
    assert 0 == made.parse(out + err, Generation(3), 0, NOW).events
    assert 0 == made.parse(err, Generation(4), 0, NOW).events
    made.all_is_new()
    assert 1 == made.parse(err, Generation(4), len(err), NOW).events


def test_a_piece_whose_file_has_gone_holds_nothing_back():
    """Reading begins at what was read, since the file of the unfinished line has gone: all from there on is new."""
    old = Progress(Position(Generation(5), 500), {"stdout": Position(Generation(9), 0)})
    made = parser(resume=resume_points(old))
    assert 1 == made.parse(Entry(b"a\n", "stdout", START).line, Generation(5), 500, NOW).events


def test_no_points_without_unfinished_lines():
    """Reading goes on at the end of what was read, and all is new there."""
    assert {} == resume_points(None)
    assert {} == resume_points(Progress(Position(Generation(5), 500)))
    assert ID == parser()._id[:12].decode() + ID[12:]
