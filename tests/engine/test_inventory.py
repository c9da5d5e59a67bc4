"""What containers there are, from files and from the API."""

import shutil
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.engine import inventory
from logagent.engine.api import Engine, EngineError
from logagent.engine.inventory import Changes, Inventory, compare
from logagent.engine.metadata import read_container
from logagent.model import Container, Image
from tests.engine.files import IDS, replace_json, write_container


class Answers:
    """An API that answers from a table, or not at all; counts what it was asked."""

    def __init__(self, *containers):
        self.known = {container.id: container for container in containers}
        self.asked = 0
        self.down = False

    def containers(self):
        self._ask()
        return list(self.known.values())

    def container(self, container_id):
        self._ask()
        return self.known.get(container_id)

    def _ask(self):
        self.asked += 1
        if self.down:
            raise EngineError("the Docker engine did not answer")


def container(number, name="web"):
    """Make a container as the API tells of it."""
    container_id = IDS[number]
    return Container(container_id, name, Image("busybox", "test"), log_path=f"/srv/x/{container_id}-json.log")


def names(containers):
    """Tell containers by their names."""
    return sorted(container.name for container in containers)


def test_containers_come_change_and_go(tmp_path):
    """Each refresh returns what is new, what is different and what is gone, once."""
    kept = Inventory(str(tmp_path))
    write_container(tmp_path, IDS[0], "a")
    directory = write_container(tmp_path, IDS[1], "b")
    first = kept.refresh(0)
    assert (["a", "b"], (), ()) == (names(first.added), first.changed, first.removed)
    assert Changes() == kept.refresh(1)
    write_container(tmp_path, IDS[1], "renamed")
    second = kept.refresh(2)
    assert ((), ["renamed"], ()) == (second.added, names(second.changed), second.removed)
    shutil.rmtree(directory)
    assert Changes(removed=(IDS[1],)) == kept.refresh(3)
    assert [IDS[0]] == list(kept.containers)
    assert [IDS[0]] == list(kept._readings)


def test_a_file_is_read_again_only_when_it_was_replaced(tmp_path, monkeypatch):
    """Each of the two files counts; unchanged containers are not read."""
    read = []

    def counted(directory):
        read.append(directory)
        return read_container(directory)

    monkeypatch.setattr(inventory, "read_container", counted)
    directory = write_container(tmp_path, IDS[0])
    kept = Inventory(str(tmp_path))
    kept.refresh(0)
    kept.refresh(1000)
    assert [str(directory)] == read
    replace_json(directory / "hostconfig.json", {"LogConfig": {"Type": "local"}})
    assert ["local"] == [container.log_driver for container in kept.refresh(1001).changed]
    replace_json(directory / "config.v2.json", {"ID": IDS[0], "Name": "/renamed"})
    assert ["renamed"] == names(kept.refresh(1002).changed)
    assert [str(directory)] * 3 == read


def test_a_container_whose_files_are_not_there_yet_comes_with_them(tmp_path):
    """A directory that was just made is no container until it has a configuration, which is seen at once."""
    (tmp_path / "containers" / IDS[0]).mkdir(parents=True)
    kept = Inventory(str(tmp_path))
    assert Changes() == kept.refresh(0)
    write_container(tmp_path, IDS[0], "late")
    assert ["late"] == names(kept.refresh(0.1).added)


def test_a_container_stays_while_its_directory_does(tmp_path):
    """A configuration that cannot be read for a moment removes nothing."""
    directory = write_container(tmp_path, IDS[0])
    kept = Inventory(str(tmp_path))
    kept.refresh(0)
    (directory / "config.v2.json").unlink()
    assert not kept.refresh(1)
    shutil.rmtree(directory)
    assert Changes(removed=(IDS[0],)) == kept.refresh(2)


def test_the_api_is_not_asked_for_what_files_tell(tmp_path):
    """Readable files cost no request."""
    write_container(tmp_path, IDS[0])
    api = Answers()
    Inventory(str(tmp_path), api).refresh(0)
    assert 0 == api.asked


def test_the_api_fills_in_for_one_container_without_readable_files(tmp_path):
    """Its path is where we would read it; it is not asked again before some seconds have gone."""
    write_container(tmp_path, IDS[0], "file")
    directory = tmp_path / "containers" / IDS[1]
    directory.mkdir()
    (directory / "config.v2.json").write_text("not what dockerd writes")
    api = Answers(container(1, "api"))
    kept = Inventory(str(tmp_path), api)
    assert ["api", "file"] == names(kept.refresh(0).added)
    assert f"{directory}/{IDS[1]}-json.log" == kept.containers[IDS[1]].log_path
    assert not kept.refresh(1)
    assert 1 == api.asked
    api.known[IDS[1]] = replace(api.known[IDS[1]], name="renamed")
    assert ["renamed"] == names(kept.refresh(6).changed)


def test_the_api_is_not_asked_for_a_container_that_comes_or_goes(tmp_path):
    """A directory without its configuration is being made or removed: the busy engine is asked only when it stays so."""
    (tmp_path / "containers" / IDS[1]).mkdir(parents=True)
    api = Answers(container(1, "api"))
    kept = Inventory(str(tmp_path), api)
    assert (Changes(), Changes(), 0) == (kept.refresh(0), kept.refresh(4), api.asked)
    assert ["api"] == names(kept.refresh(6).added)


def test_without_a_readable_directory_the_api_tells_everything(tmp_path, caplog):
    """It is said once; when the directory can be read, files tell, and nothing seems to change."""
    api = Answers(container(0))
    kept = Inventory(str(tmp_path), api)
    assert ["web"] == names(kept.refresh(0).added)
    assert not kept.refresh(1)
    assert 1 == caplog.text.count("asking the Engine API instead")
    write_container(tmp_path, IDS[0], Created="")
    asked = api.asked
    assert Changes() == kept.refresh(2)
    assert asked == api.asked


def test_a_clock_that_is_set_back_delays_no_question(tmp_path):
    """An API that did not answer is asked again at the next look when the clock went back meanwhile."""
    api = Answers(container(0))
    api.down = True
    kept = Inventory(None, api)
    kept.refresh(1_000_000)
    api.down = False
    assert Changes() == kept.refresh(1_000_001)
    assert (container(0),) == kept.refresh(10).added


def test_without_a_data_root_only_the_api_is_asked():
    """A host whose files are out of reach is known by its socket alone."""
    api = Answers(container(0))
    kept = Inventory(None, api)
    assert (container(0),) == kept.refresh(0).added
    api.known.clear()
    assert Changes(removed=(IDS[0],)) == kept.refresh(1)


def test_what_cannot_answer_removes_nothing(tmp_path, caplog):
    """A data root that is gone and an engine that is down leave the last known state, and the engine is left in peace."""
    write_container(tmp_path, IDS[0])
    api = Answers(container(0))
    kept = Inventory(str(tmp_path), api)
    kept.refresh(0)
    (tmp_path / "containers").rename(tmp_path / "away")
    api.down = True
    assert Changes() == kept.refresh(1)
    assert Changes() == kept.refresh(2)
    assert 1 == api.asked
    assert [IDS[0]] == list(kept.containers)
    api.down = False
    api.known.clear()
    assert Changes(removed=(IDS[0],)) == kept.refresh(7)
    assert "containers cannot be read" in caplog.text


def test_without_any_source_the_last_known_state_stays(tmp_path, caplog):
    """A vanished directory and no API: nothing is said to be gone."""
    write_container(tmp_path, IDS[0])
    kept = Inventory(str(tmp_path))
    kept.refresh(0)
    (tmp_path / "containers").rename(tmp_path / "away")
    assert Changes() == kept.refresh(1)
    assert "as last known" in caplog.text


def test_an_engine_on_a_socket_is_an_inventory_s_api(fake):
    """The two parts fit: containers of an engine come, change and go."""
    engine = Engine.connect(fake.url)
    assert engine is not None
    kept = Inventory(None, engine)
    fake.put_container(IDS[0], "a")
    assert ["a"] == names(kept.refresh(0).added)
    fake.put_container(IDS[0], "b")
    assert ["b"] == names(kept.refresh(1).changed)
    fake.drop_container(IDS[0])
    assert (IDS[0],) == kept.refresh(2).removed
    engine.close()


STATES = st.dictionaries(st.sampled_from(IDS[:6]), st.sampled_from(["a", "b", "c"]))


@given(STATES, STATES)
def test_changes_lead_from_one_state_to_the_other(before, after):
    """Applied to the former state, the changes give the latter, and none is without effect."""
    old, new = ({key: Container(key, name, Image("x")) for key, name in state.items()} for state in (before, after))
    changes = compare(old, new)
    assert new == {key: value for key, value in old.items() if key not in changes.removed} | {
        container.id: container for container in (*changes.added, *changes.changed)
    }
    assert all(container.id not in old for container in changes.added)
    assert all(old[container.id] != container for container in changes.changed)
    assert bool(changes) is (old != new)


@pytest.mark.parametrize("count", [200])
def test_a_refresh_without_news_is_cheap(tmp_path, count):
    """200 unchanged containers are looked through in less than 3 ms of CPU time."""
    for container_id in IDS[:count]:
        write_container(tmp_path, container_id)
    kept = Inventory(str(tmp_path))
    assert count == len(kept.refresh(0).added)
    best = min(_cost(kept) for _ in range(20))
    assert best < 0.003, f"{best * 1000:.2f} ms"


def _cost(kept):
    started = time.thread_time()
    kept.refresh(1)
    return time.thread_time() - started
