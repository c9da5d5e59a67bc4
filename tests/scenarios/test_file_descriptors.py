"""No descriptors left: logs are read by turns, and what cannot be opened now is opened later."""

import errno
import os

from logagent.errors import Failure
from logagent.store.catalog import Catalog
from tests.collect.rig import Rig, numbered, say
from tests.real.servers.process import await_that
from tests.scenarios.lives import Lives

CONTAINERS, FILES = 60, 40


def test_no_descriptors_left(rig, monkeypatch):
    """When a newer file cannot be opened for the moment, the one being read is kept, and nothing is lost."""
    writer = rig.container("web", max_file=3)
    said = say(rig, writer, [f"{n} {'z' * 90}" for n in range(300)])
    rig.step()

    def none_left(*_args, **_more):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    for name in ("new", "newer"):
        writer.rotate()
        said += say(rig, writer, [name])
        rig.step()
        with monkeypatch.context() as patch:
            patch.setattr(os, "open", none_left)
            rig.step(2)
            rig.step(2)
    rig.read()
    assert (said, 0) == (rig.messages(), rig.gaps())


def test_more_containers_than_descriptors(tmp_path):
    """An agent that may open 40 files reads the logs of 60 containers to their ends, and what is written to them later."""
    rig = Rig(tmp_path)
    writers = [rig.container(f"c{n}") for n in range(CONTAINERS)]
    with Lives(tmp_path / "agent.log", settings(rig), files=FILES) as lives:
        lives.begin()
        for turn in (1, 2):
            for writer in writers:
                say(rig, writer, numbered(10 * turn, 10))
            await_stored(rig, 10 * turn * CONTAINERS, lives)
        lives.kill()
    for writer in writers:
        writer.close()
    rig.start()
    for n in range(CONTAINERS):
        assert numbered(10, 20) == rig.messages(f"c{n}")
    rig.check()
    rig.crash()


def await_stored(rig, lines, lives):
    """Wait until so many lines are stored."""
    await_that(lambda: stored(rig) == lines, 15, lambda: f"{stored(rig)} lines stored: {tail(lives)}")


def settings(rig):
    """Settings of an agent that looks often."""
    return {
        "data_root": rig.root,
        "engine.enabled": "off",
        "web.enabled": False,
        "collect.poll_max": 0.1,
        "store.path": str(rig.folder),
        "store.frame_time": 0.05,
        "store.min_free": 0,
    }


def stored(rig):
    """How many lines are stored; none while there is no store."""
    try:
        catalog = Catalog(rig.folder / "catalog.db", read_only=True)
    except Failure:
        return 0
    try:
        return catalog.totals().get(("stored", ""), 0)
    finally:
        catalog.close()


def tail(lives):
    """The end of what the agent printed."""
    return lives.log.read_text()[-2000:]
