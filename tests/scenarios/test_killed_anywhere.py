"""Killed anywhere: whatever the agent dies at, the next life stores each line once, in order, and the accounting agrees."""

import sqlite3
from contextlib import closing
from random import Random

import orjson

from tests.collect.rig import numbered, say
from tests.real.servers.process import await_that
from tests.scenarios.faults import Killed, Nth, Operations
from tests.scenarios.life import OUTPUT, Life, key_of, survive
from tests.scenarios.lives import Lives
from tests.ship.server import BulkServer


def live(folder, strike):
    """Live through the story; when `strike` ends the agent in a step, another one begins and does that step again."""
    life = Life(folder)
    try:
        with Operations(folder / "store", strike).installed():
            for step in (life.begin, *life.steps(), life.check):
                survive(life, step, strike)
    except BaseException as error:
        error.add_note(f"killed at moment {strike.number}: {strike.struck}")
        raise
    finally:
        life.close()


def moments(folder):
    """How many moments a life without faults has."""
    count = Nth(0, Killed)
    live(folder, count)
    return count.seen


def test_at_every_operation(tmp_path):
    """Killed before, after and in the middle of each operation in turn, the agent loses nothing and stores nothing twice."""
    for n in range(1, moments(tmp_path / "whole") + 1):
        strike = Nth(n, Killed)
        live(tmp_path / str(n), strike)
        assert strike.struck


def test_again_while_it_mends(tmp_path):
    """Killed once more while it takes up what a death left, at each operation in turn, it loses nothing either."""
    ends = Recorder()
    live(tmp_path / "whole", ends)
    for n in [n for n, what in enumerate(ends.moments, 1) if what in {("pwrite", "half"), ("fdatasync", "after")}]:
        for more in range(1, 9):
            live(tmp_path / f"{n}-{more}", Nth(n, Killed, again=more))


class Recorder(Nth):
    """Strikes never, and remembers all moments."""

    def __init__(self):
        super().__init__(0, Killed)
        self.moments = []

    def __call__(self, name, phase):
        """Note a moment."""
        self.moments.append((name, phase))


def test_a_real_agent_at_random_moments(tmp_path):
    """Killed thirty times at random moments, a real agent with all its loops loses nothing, twice stores nothing, twice ships nothing."""
    server, chance = BulkServer(), Random(20)
    with (
        closing(Life(tmp_path)) as life,
        server.run() as url,
        Lives(tmp_path / "agent.log", settings(life, url)) as lives,
    ):
        story = Writing(life, chance)
        for _ in range(30):
            lives.begin()
            for _ in range(chance.randrange(6)):
                story.go_on()
                lives.wait(chance.random() * 0.06)
            lives.kill()
        story.end()
        lives.begin()
        total = sum(map(len, life.said.values()))
        await_that(lambda: len(server.documents) >= total, 20, lambda: lives.log.read_text()[-3000:])
        lives.kill()
        life.indexed = {i: key_of(orjson.loads(d)) for i, d in server.documents.items()}
        life.begin()
        life.check()
    assert total == len(server.documents)


def settings(life, url):
    """Settings of an agent that commits often, in small pieces."""
    return {
        "data_root": life.rig.root,
        "engine.enabled": "off",
        "web.enabled": False,
        "collect.block_size": 4096,
        "collect.poll_min": 0.005,
        "collect.poll_max": 0.02,
        "collect.partial_timeout": 3600.0,
        "store.path": str(life.rig.folder),
        "store.frame_time": 0.01,
        "store.frame_size": 4096,
        "store.segment_size": 65536,
        "store.min_free": 0,
        "outputs": [
            {"url": url, "name": OUTPUT, "setup": "off", "workers": 1, "backoff_max": 0.02, "backoff_min": 0.01}
        ],
    }


class Writing:
    """What two containers do meanwhile, by chance: lines, long lines in pieces over both streams, rotation with compression."""

    def __init__(self, life, chance):
        self._life, self._chance, self._long = life, chance, False
        life.container("web", max_size=8000, max_file=200, compress=True)
        life.container("db", max_file=5)

    def go_on(self):
        """Do something."""
        self._life.say("web", self._chance.choice(["stdout", "stderr"]), self._chance.randrange(1, 60))
        if self._chance.random() < 0.4:
            (self._life.end_long if self._long else self._life.begin_long)("db")
            self._long = not self._long
        if not self._long:
            self._life.say("db", "stdout", self._chance.randrange(3))

    def end(self):
        """End what was begun."""
        if self._long:
            self._life.end_long("db")


def test_uncommitted_lines_are_read_again(rig):
    """What was read but not committed before a crash is stored by the next life, what was committed is not stored twice."""
    writer = rig.container("web")
    said = say(rig, writer, numbered(0, 5))
    rig.read()
    said += say(rig, writer, numbered(5, 5))
    rig.step()
    rig.restart()
    assert said[:5] == rig.messages()
    rig.read()
    assert said == rig.messages()
    rig.check()


def test_segment_written_but_not_recorded(rig, monkeypatch):
    """A crash between append and record: the surplus is cut off, and the same lines come again with the same ids."""
    writer = rig.container("web")
    say(rig, writer, numbered(0, 5))
    rig.read()
    length = rig.store.segments.length(1)
    say(rig, writer, numbered(5, 5))
    rig.step()

    def fail(*_):
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(rig.store.catalog, "record", fail)
        assert not rig.store.commit(rig.now)
    longer = rig.store.segments.path(1).read_bytes()
    assert len(longer) > length
    rig.restart()
    assert length == rig.store.segments.length(1)
    rig.read()
    assert numbered(0, 10) == rig.messages()
    rig.check()


def test_many_kills(rig):
    """Killed and started again after each few lines, with and without a commit, the agent stores each line once."""
    writer = rig.container("web", max_file=5, max_size=5000)
    said = []
    for n in range(0, 400, 20):
        said += say(rig, writer, numbered(n, 20))
        rig.step()
        rig.step()
        if n % 3:
            assert rig.store.commit(rig.now)
        rig.restart()
    rig.read()
    assert (said, 0) == (rig.messages(), rig.gaps())
    rig.check()
