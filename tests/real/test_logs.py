"""`logagent logs` against `docker logs` on real engines: the same bytes on the same streams, before and after `docker rm`."""

import re
import subprocess
from pathlib import Path

import orjson
import pytest

from logagent.parse.timestamp import time_ns
from tests.real.agent import COMMAND, RunningAgent
from tests.real.servers.dockerd import Engine

pytestmark = pytest.mark.real_docker

SCRIPT = r"""
many() { head -c "$1" /dev/zero | tr '\0' "$2"; }
everything() {
    printf '\nx\n'
    for size in 16383 16384 16385 32768 40000; do many $size a; printf '\n'; done
    many 16383 b; printf 'é\n'
    printf 'invalid \377\300\257 \355\240\200 utf-8\n'
    printf '\ttab\t\n <&> \n \342\200\250 \342\200\251 \n'
    printf '"quoted" \\ \\n \\u003c \\"\n","stream":"stderr","time":"\n'
    printf 'escape \033[31m bell \007 null \0 delete \177\n'
    printf 'own \r\n\r\n \r over\n\360\237\230\200\n'
    many 40000 '"'; printf '\n'
    many 20000 '\1'; printf '\n'
}
everything
everything >&2
echo between
for n in 1 2 3 4 5 6 7 8 9; do echo "out $n"; echo "err $n" >&2; done
printf 'no newline on stderr' >&2
printf 'no newline at the end'
"""
KINDS = {
    "plain": (),
    "terminal": ("-t",),
    "rotated": ("--log-opt", "max-size=20k", "--log-opt", "max-file=1000"),
    "tagged": ("--log-opt", "tag={{.Name}}"),
}
STAMP = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z "


@pytest.fixture
def agent(engine: Engine, tmp_path: Path):
    """An agent for the engine's files; no containers before and after."""
    engine.clean()
    yield RunningAgent(engine.data_root, tmp_path / "store")
    engine.clean()


def ours(agent: RunningAgent, *words: str) -> tuple[bytes, bytes]:
    """What `logagent logs` prints on stdout and stderr."""
    done = subprocess.run(
        [COMMAND, "logs", "--store", agent.store, *words], capture_output=True, check=False, timeout=60
    )
    assert 0 == done.returncode, done.stderr.decode(errors="replace")
    return done.stdout, done.stderr


def once_a_line(shown: bytes) -> bytes:
    """What `docker logs -t` prints, without the times that it repeats inside of a line at every 16 KiB."""
    return re.sub(rb"(?<!^)(?<!\n)" + STAMP, b"", shown)


def test_the_same_bytes_as_docker_logs(engine: Engine, agent: RunningAgent):
    """Lines of every length and content, with and without times, whole and in part; and still after the containers are removed."""
    ids = {name: engine.run(name, *options, command=("sh", "-c", SCRIPT)) for name, options in KINDS.items()}
    for name in ids:
        engine.wait(name)
    assert 0 == agent.once(), agent.tail()
    plain = {name: engine.logs(name) for name in ids}
    timed = {name: tuple(map(once_a_line, engine.logs(name, "-t"))) for name in ids}
    assert all(out.endswith(b"no newline at the end") for out, _ in plain.values())
    for step in ("there", "removed"):
        for name, cid in ids.items():
            assert plain[name] == ours(agent, name), (name, step)
            assert timed[name] == ours(agent, "-t", cid[:12]), (name, step)
        engine.remove(*ids)
        assert 0 == agent.once(), agent.tail()


def clear_cut(times: list[str], near: int) -> str:
    """The first time from record `near` on that all records before are older than, and all behind newer.

    The two streams overtake each other by some microseconds, and engines from 24 on let all pass behind the first match.
    """
    ns = [time_ns(time.encode()) for time in times]
    return next(times[i] for i in range(near, len(ns)) if max(ns[:i]) < ns[i] < min(ns[i + 1 :]))


def test_tail_and_spans_are_those_of_docker_logs(engine: Engine, agent: RunningAgent):
    """The same numbers and times give the same lines, on the same streams."""
    script = "for n in $(seq 300); do echo out $n; [ $((n % 3)) = 0 ] && echo err $n >&2; done; true"
    cid = engine.run("talker", command=("sh", "-c", script))
    engine.wait("talker")
    assert 0 == agent.once(), agent.tail()
    times = [orjson.loads(record)["time"] for record in engine.log_path(cid).read_bytes().splitlines()]
    since, until = clear_cut(times, 50), clear_cut(times, 250)
    for words in (
        ("--tail", "7"),
        ("--tail", "0"),
        ("--tail", "-1"),
        ("--since", since),
        ("--until", until),
        ("--since", since, "--until", until),
        ("--tail", "100", "--until", until),
        ("--since", "1h"),
        ("--until", "1h"),
    ):
        assert engine.logs("talker", *words) == ours(agent, "talker", *words), words


def test_lines_that_docker_rotated_away_are_still_there(engine: Engine, agent: RunningAgent):
    """Docker keeps the newest files only; the store has every line."""
    count = 3000
    script = f"n=$(cat /n 2>/dev/null || echo 0); echo $((n + {count})) > /n; seq $((n + 1)) $((n + {count}))"
    engine.run("talker", "--log-opt", "max-size=200k", "--log-opt", "max-file=2", command=("sh", "-c", script))
    for start in range(3):
        if start:
            engine.docker("start", "talker")
        engine.wait("talker")
        assert 0 == agent.once(), agent.tail()
    expected = b"".join(b"%d\n" % n for n in range(1, 3 * count + 1))
    kept = engine.logs("talker")[0]
    assert expected.endswith(kept)
    assert len(kept) < len(expected)
    assert (expected, b"") == ours(agent, "talker")
