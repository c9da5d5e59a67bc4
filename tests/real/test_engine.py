"""What we know of containers, on real engines: files and API must tell the same, and the events must come."""

import queue
from dataclasses import replace

import pytest

from logagent.engine.api import Engine
from logagent.engine.events import EventFeed
from logagent.engine.host import data_root
from logagent.engine.inventory import Inventory
from logagent.engine.metadata import list_container_ids, read_container

pytestmark = pytest.mark.real_docker

DEADLINE = 30  # seconds
SLEEP = ("sleep", "1000")


@pytest.fixture
def api(engine):
    """Our connection to the real engine, which has no containers yet and none afterwards."""
    engine.clean()
    api = Engine.connect(engine.socket)
    assert api is not None
    yield api
    api.close()
    engine.clean()


def from_files(engine):
    """Read all containers from their files."""
    root = str(engine.data_root)
    found = (read_container(f"{root}/containers/{container_id}") for container_id in list_container_ids(root))
    return {container.name: container for container in found if container}


def from_api(api):
    """Read all containers from the API."""
    return {container.name: container for container in api.containers()}


def image_id(engine):
    """Tell the test image's whole id."""
    return engine.docker("images", "--no-trunc", "--quiet").stdout.decode().split()[0]


def test_files_and_api_tell_the_same(engine, api):
    """Labels, terminal, options, other drivers, image ids, new names and containers in each state: all values are equal."""
    engine.run("plain", command=SLEEP)
    engine.run("tty", "-t", command=SLEEP)
    labels = ("-l", "a.b=c=d", "-l", "empty=", "-l", "com.docker.compose.service=süd \u2028<&>\"'")
    engine.run("labels", *labels, command=SLEEP)
    limits = ("--log-opt", "max-size=200k", "--log-opt", "max-file=3", "--log-opt", "labels=a.b")
    engine.run("limits", *limits, command=SLEEP)
    engine.run("local", "--log-driver", "local", command=SLEEP)
    engine.run("none", "--log-driver", "none", command=SLEEP)
    engine.run("by-id", image=image_id(engine), command=SLEEP)
    engine.run("ended", command=("true",))
    engine.wait("ended")
    engine.docker("create", "--name", "never-started", "--network", "none", "busybox:test", "true")
    engine.run("former", command=SLEEP)
    before = from_api(api)["former"]
    engine.docker("rename", "former", "renamed")

    files = from_files(engine)
    assert files == from_api(api)
    assert {"plain", "tty", "labels", "limits", "local", "none", "by-id", "ended", "never-started", "renamed"} == set(
        files
    )
    assert replace(before, name="renamed") == files["renamed"]
    assert {"a.b": "c=d", "empty": "", "com.docker.compose.service": "süd \u2028<&>\"'"} == files["labels"].labels
    assert {"max-size": "200k", "max-file": "3", "labels": "a.b"} == files["limits"].log_options
    assert ["tty"] == [name for name, container in files.items() if container.tty]
    assert ["local", "none"] == [name for name in sorted(files) if files[name].log_path is None]
    assert ["ended", "never-started"] == [name for name in sorted(files) if not files[name].running]
    assert image_id(engine) == files["by-id"].image.digest
    assert ("busybox", "test") == (files["plain"].image.name, files["plain"].image.tag)


def test_the_log_path_is_the_file_that_the_engine_writes(engine, api):
    """A line that a container printed lies in the file that we name."""
    engine.run("speaks", command=("echo", "hello"))
    engine.wait("speaks")
    path = from_files(engine)["speaks"].log_path
    assert path is not None
    with open(path) as file:
        assert '{"log":"hello\\n"' in file.read()


def test_the_engine_s_data_root_is_found(engine, api):
    """Without a setting the engine itself says where its files are."""
    assert str(engine.data_root) == data_root(None, api)
    assert engine.version == api.info().version


def test_the_inventory_follows_the_engine_by_files_and_by_api(engine, api):
    """Both ways see the same containers come, change and go, with the same values."""
    inventories = (Inventory(str(engine.data_root)), Inventory(None, api))
    container_id = engine.run("first", command=SLEEP)
    added = [inventory.refresh(0).added for inventory in inventories]
    assert added[0] == added[1]
    assert [container_id] == [container.id for container in added[0]]
    engine.docker("rename", "first", "second")
    changed = [inventory.refresh(1).changed for inventory in inventories]
    assert changed[0] == changed[1]
    assert ["second"] == [container.name for container in changed[0]]
    engine.docker("stop", "--time", "0", "second")
    assert [[False]] * 2 == [[c.running for c in inventory.refresh(2).changed] for inventory in inventories]
    engine.remove("second")
    assert [(container_id,)] * 2 == [inventory.refresh(3).removed for inventory in inventories]


def test_the_life_of_a_container_comes_as_events(engine, api):
    """Create, start, rename, die and destroy arrive in this order, after a relist."""
    notices: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
    feed = EventFeed(notices.put, engine.socket)
    feed.start()
    try:
        assert ("relist", "") == notices.get(timeout=DEADLINE)
        container_id = engine.run("first", command=SLEEP)
        engine.docker("rename", "first", "second")
        engine.remove("second")
        expected = [(kind, container_id) for kind in ("create", "start", "rename", "die", "destroy")]
        assert expected == [notices.get(timeout=DEADLINE) for _ in expected]
    finally:
        feed.stop()
    assert not feed._thread.is_alive()
