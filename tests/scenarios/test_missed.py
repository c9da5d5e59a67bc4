"""Containers that are gone before their log was opened."""

import logging
import os

from logagent.demo.container import container_id
from tests.collect.rig import numbered, say

LOG = f"{container_id('web')}-json.log"


def vanish(rig, *, told=True):
    """A container comes, prints, and goes between two looks; the directory's events are told after that."""
    with rig.container("web") as writer:
        said = say(rig, writer, numbered(0, 3))
    rig.remove("web")
    rig.collector.touch(container_id("web"), LOG if told else "config.v2.json")
    return said


def test_gone_before_the_first_look(rig, caplog):
    """A container whose log was made, and which is gone when its directory is looked at, is a counted gap, told once."""
    caplog.set_level(logging.WARNING)
    rig.read()
    vanish(rig)
    rig.step(0.01)
    assert 1 == rig.store.catalog.totals()["gaps", "missed"]
    for _ in range(3):
        rig.step(20)
    assert 1 == rig.gaps() == caplog.text.count("the container was gone before its log was opened")


def test_gone_without_a_log(rig):
    """One that was created and removed, and never had a log, lost nothing."""
    rig.read()
    vanish(rig, told=False)
    rig.step(0.01)
    assert 0 == rig.gaps()


def test_gone_between_its_directory_and_its_log(rig):
    """One that was known, and went before its log was opened, is a gap as well."""
    rig.read()
    with rig.container("web") as writer:
        rig.collector.touch(container_id("web"), LOG)
        rig.collector._reconcile(rig.now)
        say(rig, writer, numbered(0, 3))
    rig.remove("web")
    rig.collector.touch(container_id("web"))
    for _ in range(3):
        rig.step(20)
    assert 1 == rig.gaps()
    assert not rig.collector._sources


def test_opened_in_time(rig):
    """One that is opened while it is there is read to its end and is no gap, though it goes before it is read."""
    rig.read()
    writer = rig.container("web")
    said = say(rig, writer, numbered(0, 3))
    rig.collector.touch(container_id("web"), LOG)
    rig.collector.attend(rig.now)
    said += say(rig, writer, numbered(3, 3))
    rig.remove("web")
    rig.read()
    assert (said, 0) == (rig.messages(), rig.gaps())
    assert not rig.collector._missed


def test_left_out_on_purpose(rig):
    """A container that is not to be read is no gap when it goes."""
    rig.restart(selection=_nothing()).read()
    rig.container("web")
    rig.collector.touch(container_id("web"), LOG)
    rig.step(0.01)
    rig.remove("web")
    rig.collector.touch(container_id("web"))
    rig.step(20)
    assert 0 == rig.gaps()


def test_told_late(rig):
    """An event that comes when the container was read and is gone makes no gap, and neither does a rotation before it goes."""
    writer = rig.container("web", max_file=2)
    rig.read()
    writer.rotate()
    said = say(rig, writer, numbered(0, 3))
    rig.collector.touch(container_id("web"), LOG)
    rig.step(0.1)
    rig.remove("web")
    rig.collector.touch(container_id("web"))
    for _ in range(5):
        rig.step(0.1)
    assert not rig.collector._sources
    rig.collector.touch(container_id("web"), LOG)
    rig.read()
    assert (said, 0) == (rig.messages(), rig.gaps())


def _nothing():
    from logagent.engine.select import Selection, Selector

    return Selection((), (Selector(name="*"),))


def test_new_logs_are_opened_between_two_sources(rig, monkeypatch):
    """While a long row of sources is read, a container that comes is opened before the next one's turn."""
    for name in "abc":
        say(rig, rig.container(name), [name])
    rig.read()
    said: list[str] = []
    for name in "abc":
        rig.collector._sources[container_id(name)].wake()
    real = type(rig.collector)._step_source

    def first(collector, source, now):
        real(collector, source, now)
        if not said:
            with rig.container("web") as writer:
                said.extend(say(rig, writer, numbered(0, 3)))
            collector.touch(container_id("web"), LOG)
        elif source.container.name == "b":
            rig.remove("web")

    with monkeypatch.context() as patch:
        patch.setattr(type(rig.collector), "_step_source", first)
        rig.step(0.01)
    rig.read()
    assert (said, 0) == (rig.messages("web"), rig.gaps())


def test_known_before_its_log_was_made(rig):
    """A container that is known, and whose log comes later, is opened between two sources as well; missed, it is counted."""
    names = ("web", "db")
    rig.read()
    logs = {name: rig.container(name) for name in names}
    for name in names:
        os.rename(logs[name].path, f"{logs[name].path}.later")
    rig.collector.refresh()
    rig.step(0.01)
    assert len(names) == len(rig.collector._sources)
    os.rename(f"{logs['web'].path}.later", logs["web"].path)
    said = say(rig, logs["web"], numbered(0, 3))
    for name in names:
        rig.collector.touch(container_id(name), f"{container_id(name)}-json.log")
    rig.collector._greet(rig.now)
    for name in names:
        rig.remove(name)
    rig.read()
    rig.step(20)
    assert (said, 1) == (rig.messages("web"), rig.store.catalog.totals()["gaps", "missed"])
