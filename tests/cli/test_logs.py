"""`logagent logs` as a user meets it: bytes, streams, statuses."""

import io
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from logagent.cli.logs import logs
from logagent.cli.printer import Outlet
from logagent.errors import Exit, Failure
from tests.store.filled import START, Said, add, container, fill, opened
from tests.store.filled import time as docker_time

WEB, TERMINAL = container("web-1"), container("shell", tty=True)
SECOND = 10**9
COMMAND = [sys.executable, "-c", "from logagent.cli import main; main()", "logs"]


def run(store: Path, *words: str) -> Result:
    """The command's result; a Failure is raised, as it is to the main program."""
    return CliRunner().invoke(logs, ["--store", str(store), *words], catch_exceptions=False)


TEXTS = st.lists(
    st.sampled_from(["", "a", "x" * 50, "\r", "\t", "\0", "<&>", "\u2028", "\ufffd", "é", '"', "\\", "\x1b[2J", "😀"]),
    max_size=5,
).map("".join)
WEB_LINES = st.builds(
    Said,
    st.just(WEB),
    TEXTS,
    st.integers(START, START + 10**10),
    st.booleans(),
    st.sampled_from([(), (), ("partial",)]),
)
TERMINAL_LINES = st.builds(
    Said,
    st.just(TERMINAL),
    TEXTS,
    st.integers(START, START + 10**10),
    flags=st.sampled_from([(), ("partial",), ("bare_newline",)]),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(WEB_LINES, min_size=1), st.lists(TERMINAL_LINES, min_size=1), st.booleans())
def test_bytes_are_those_of_docker_logs(web: list[Said], terminal: list[Said], timestamps: bool):  # noqa: FBT001 - hypothesis draws it
    """Each stream gets its lines, raw; with -t each behind its time; a terminal's lines end as the terminal ended them."""
    flags = ["-t"] if timestamps else []
    with TemporaryDirectory() as name:
        store = fill(Path(name), web, terminal)
        result, other = run(store, "web-1", *flags), run(store, "shell", *flags)
    for stderr, got in ((False, result.stdout_bytes), (True, result.stderr_bytes)):
        assert b"".join(s.shown(timestamps=timestamps) for s in web if s.stderr == stderr) == got
    assert b"".join(s.shown(timestamps=timestamps) for s in web) == result.output_bytes
    assert b"".join(s.shown(timestamps=timestamps) for s in terminal) == other.stdout_bytes
    assert (0, 0) == (result.exit_code, other.exit_code)


def test_tail_counts_both_streams_before_one_is_chosen(tmp_path: Path):
    """As with Docker: the last two lines, of which one is on stdout."""
    fill(tmp_path, [Said(WEB, str(n), START + n, stderr=n % 2 == 0) for n in range(10)])
    assert b"9\n" == run(tmp_path, "web-1", "-n", "2", "--stream", "stdout").output_bytes
    assert b"8\n9\n" == run(tmp_path, "web-1", "--tail", "2").output_bytes
    assert 10 == len(run(tmp_path, "web-1", "--tail", "all").output_bytes.splitlines())
    assert 10 == len(run(tmp_path, "web-1", "--tail", "-1").output_bytes.splitlines())


def test_grep_is_asked_before_tail(tmp_path: Path):
    """The last lines that match, wherever they are."""
    fill(tmp_path, [Said(WEB, f"{'error' if n < 3 else 'fine'} {n}") for n in range(9)])
    assert b"error 1\nerror 2\n" == run(tmp_path, "web-1", "--grep", "^err.r", "-n", "2").output_bytes


def test_a_span_includes_both_its_ends(tmp_path: Path):
    """Since and until to the nanosecond, in each notation."""
    fill(tmp_path, [Said(WEB, str(n), START + n) for n in range(5)])
    since, until = f"{START // SECOND}.000000001", docker_time(START + 3)
    assert b"1\n2\n3\n" == run(tmp_path, "web-1", "--since", since, "--until", until).output_bytes
    assert b"" == run(tmp_path, "web-1", "--until", "2020-01-01").output_bytes


def test_several_containers_come_merged_behind_their_names(tmp_path: Path):
    """One line each, also where a line never ended; without colour where nobody looks."""
    fill(
        tmp_path,
        [Said(WEB, "b", START + 1, stderr=True), Said(TERMINAL, "a"), Said(WEB, "c", START + 2, flags=("partial",))],
    )
    expected = b"shell  | a\nweb-1  | b\nweb-1  | c\n"
    result = run(tmp_path, "web-1", "shell")
    assert (expected, b"web-1  | b\n") == (result.output_bytes, result.stderr_bytes)
    assert expected == run(tmp_path, "--all").output_bytes
    assert b"web-1  | b\nweb-1  | c\n" == run(tmp_path, "web-*").output_bytes
    assert b"web-1  | 2026-09-21T14:13:20.000000002Z c\n" == run(tmp_path, "web-*", "-t", "-n1").output_bytes


def test_containers_of_the_same_name_are_told_apart(tmp_path: Path):
    """A name that several share carries the beginning of the id."""
    other = container("web-1", number=1)
    fill(tmp_path, [Said(WEB, "a"), Said(other, "b", START + 1)])
    expected = f"web-1@{WEB.id[:6]}  | a\nweb-1@{other.id[:6]}  | b\n"
    assert expected == run(tmp_path, "web-1*").output


def test_json_gives_the_documents_as_they_are_stored(tmp_path: Path):
    """Bytes as stored, whatever stream they came from."""
    lines = [Said(WEB, "<a>"), Said(WEB, "é\u2028", stderr=True)]
    fill(tmp_path, lines)
    expected = b"".join(s.document(4711 + 100 * n) + b"\n" for n, s in enumerate(lines))
    assert expected == run(tmp_path, "web-1", "--json").stdout_bytes


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "give the name or id of a container, several, or --all"),
        (["--all", "web-1"], "give the name or id of a container, several, or --all"),
        (["web-1", "--tail", "many"], "'many' is neither a number of lines nor all"),
        (["web-1", "--since", "yesterday"], "'yesterday' is not a time"),
        (["web-1", "--grep", "("], "'(' is no regular expression"),
    ],
)
def test_wrong_usage_is_told(tmp_path: Path, words: list[str], sentence: str):
    """Status 2, and what was wrong."""
    result = run(fill(tmp_path, [Said(WEB, "x")]), *words)
    assert Exit.USAGE == result.exit_code
    assert sentence in " ".join(result.stderr.replace("│", " ").split())


def test_an_unknown_container_is_status_1(tmp_path: Path):
    """With the nearest name."""
    fill(tmp_path, [Said(WEB, "x")])
    with pytest.raises(Failure, match=r"no container 'web' in the store; did you mean web-1\?") as caught:
        run(tmp_path, "web")
    assert Exit.NO == caught.value.status


def test_a_damaged_store_says_what_is_not_shown(tmp_path: Path):
    """Status 4, after everything that could be read."""
    fill(tmp_path, [Said(WEB, "x")])
    (tmp_path / "segments" / "00000001.ndjson.gz").write_bytes(b"short")
    result = run(tmp_path, "web-1")
    assert Exit.STORE == result.exit_code
    assert "1 lines are not shown: damaged frame 1 in segment 1: " in result.stderr


def start(store: Path, *words: str, **how) -> subprocess.Popen[bytes]:
    """The command as a process of its own, its streams buffered and its names coloured as they are where nothing says otherwise."""
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONUNBUFFERED", "NO_COLOR")}
    return subprocess.Popen([*COMMAND, "--store", str(store), *words], env=env, **how)


def read_lines(file, count: int) -> bytes:
    """Read whole lines; fails when they do not come within 20 s."""
    got, deadline = b"", time.monotonic() + 20
    while got.count(b"\n") < count:
        ready, _, _ = select.select([file], [], [], max(0.0, deadline - time.monotonic()))
        data = os.read(file.fileno() if hasattr(file, "fileno") else file, 65536) if ready else b""
        assert data, f"only {got!r} came"
        got += data
    return got


def test_following_shows_what_is_stored_meanwhile_until_interrupted(tmp_path: Path):
    """While an agent writes; Ctrl-C ends it with status 0."""
    with opened(tmp_path) as store:
        add(store, [Said(WEB, "old"), Said(WEB, "last")])
        process = start(tmp_path, "-f", "-n", "1", "web-1", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert b"last\n" == read_lines(process.stdout, 1)
        for text in ("new", "newer"):
            add(store, [Said(WEB, text), Said(TERMINAL, "not this")])
            assert f"{text}\n".encode() == read_lines(process.stdout, 1)
        process.send_signal(signal.SIGINT)
        assert (b"", b"") == process.communicate(timeout=20)
    assert 0 == process.returncode


def test_following_a_removed_container_ends_by_itself(tmp_path: Path):
    """As `docker logs -f` of a stopped one: what there is, and then status 0."""
    with opened(tmp_path) as store:
        add(store, [Said(WEB, "old")])
        store.catalog.removed([WEB.id], 1.0)
    process = start(tmp_path, "-f", "web-1", stdout=subprocess.PIPE)
    assert b"old\n" == process.communicate(timeout=20)[0]
    assert 0 == process.returncode


def test_a_reader_that_goes_away_ends_it_silently(tmp_path: Path):
    """As in `logagent logs web | head -1`."""
    fill(tmp_path, *([Said(WEB, "x" * 100)] * 2000 for _ in range(10)))
    process = start(tmp_path, "web-1", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    assert b"x" * 100 + b"\n" == process.stdout.readline()
    process.stdout.close()
    assert (b"", 0) == (process.stderr.read(), process.wait(timeout=20))
    process.stderr.close()


def test_a_reader_that_goes_away_while_following_ends_it_silently(tmp_path: Path):
    """Also when the little that is written waits in a buffer: the interpreter says nothing at its end."""
    with opened(tmp_path) as store:
        add(store, [Said(WEB, "old")])
        process = start(tmp_path, "-f", "web-1", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stderr is not None
        assert b"old\n" == read_lines(process.stdout, 1)
        process.stdout.close()
        add(store, [Said(WEB, "new")])
        assert (b"", 0) == (process.stderr.read(), process.wait(timeout=20))
        process.stderr.close()


def test_names_are_coloured_on_a_terminal_only_and_cannot_write_to_it(tmp_path: Path):
    """Escape sequences in a name are replaced, --no-color is heard."""
    fill(tmp_path, [Said(container("ev\x1b[2Jil"), "x")])
    shown = {}
    for flags in ((), ("--no-color",)):
        master, slave = pty.openpty()
        process = start(tmp_path, "--all", *flags, stdout=slave, stderr=slave)
        shown[flags] = read_lines(master, 1)
        assert 0 == process.wait(timeout=20)
        os.close(master)
        os.close(slave)
    assert "\x1b[36mev�[2Jil  | \x1b[0mx\r\n".encode() == shown[()]
    assert "ev�[2Jil  | x\r\n".encode() == shown[("--no-color",)]


def test_a_stream_that_takes_little_at_a_time_gets_everything():
    """As a bare file may: a short write is gone on with."""

    class Slow(io.BytesIO):
        def write(self, data) -> int:
            return super().write(data[:3])

    out, err = Slow(), Slow()
    outlet = Outlet(out, err)
    outlet.put(b"0123456789")
    outlet.flush()
    assert b"0123456789" == out.getvalue()


def test_both_streams_into_one_file_keep_their_order(tmp_path: Path):
    """As in `logagent logs web > file 2>&1`."""
    lines = [Said(WEB, str(n), START + n, stderr=n % 3 == 0) for n in range(100)]
    fill(tmp_path, lines)
    with (tmp_path / "out").open("wb") as out:
        assert 0 == start(tmp_path, "web-1", stdout=out, stderr=out).wait(timeout=20)
    assert b"".join(s.shown() for s in lines) == (tmp_path / "out").read_bytes()


def test_the_store_is_the_one_of_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Without --store the settings name it, also through the environment."""
    fill(tmp_path, [Said(WEB, "x")])
    monkeypatch.setenv("LOGAGENT_STORE__PATH", str(tmp_path))
    assert "x\n" == CliRunner().invoke(logs, ["web-1", "--config", os.devnull], catch_exceptions=False).stdout
