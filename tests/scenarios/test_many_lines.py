"""Many lines through many files: each is stored once, in order, counted by its number."""

import random

import pytest

from tests.collect.rig import numbered, say
from tests.scenarios.writing import come_to_rest


def test_five_logs_that_rotate_under_load(rig):
    """Five containers of 2000 lines each, rotating every 8 KB while they are read by turns: 10,000 exactly."""
    writers = {f"c{n}": rig.container(f"c{n}", max_size=8192, max_file=5) for n in range(5)}
    said: dict[str, list[str]] = {name: [] for name in writers}
    for n in range(0, 2000, 50):
        for name, writer in writers.items():
            said[name] += say(rig, writer, [f"{name} {n}" for n in range(n, n + 50)])
        for _ in range(3):
            rig.step(0.1)
    rig.read()
    rig.check()
    assert (said, 0) == ({name: rig.messages(name) for name in writers}, rig.gaps())


def test_a_large_file_that_is_rotated_while_it_is_read(rig):
    """4000 lines that lay there before, and a rotation in the middle of reading them."""
    writer = rig.container("web", max_file=2)
    said = say(rig, writer, numbered(0, 4000))
    for _ in range(5):
        rig.step()
    writer.rotate()
    said += say(rig, writer, numbered(4000, 100))
    assert (said, 0) == come_to_rest(rig)


def test_two_lives_with_a_kill_between(rig):
    """4000 lines over two lives, killed in the middle of reading, with a commit before that: each number once."""
    writer = rig.container("web", max_size=16_000, max_file=50)
    said = say(rig, writer, numbered(0, 2000))
    for n in range(20):
        rig.step()
        if n == 10:
            assert rig.store.commit(rig.now)
    rig.restart()
    assert 0 < len(rig.messages()) < 2000
    said += say(rig, writer, numbered(2000, 2000))
    assert (said, 0) == come_to_rest(rig)


@pytest.mark.parametrize("max_file", [2, 3])
@pytest.mark.parametrize("seed", range(5))
def test_a_writer_that_outruns_the_reader(rig, max_file, seed):
    """Files that are deleted before they were seen: what is stored is in order, without a repetition, and each run of missing numbers has its gap."""
    chance = random.Random(seed)
    writer = rig.container("web", max_size=2000, max_file=max_file)
    rig.read()
    n = 0
    for _ in range(30):
        count = chance.choice([1, 10, 40, 200])
        say(rig, writer, numbered(n, count))
        n += count
        for _ in range(chance.choice([0, 1, 3])):
            rig.step(chance.choice([0.01, 1.0]))
    found, gaps = come_to_rest(rig)
    stored = [int(message.split()[1]) for message in found]
    assert sorted(set(stored)) == stored
    holes = sum(after != before + 1 for before, after in zip([-1, *stored], [*stored, n], strict=True))
    assert holes <= gaps
    assert holes
